"""python -m bench [speed | doctor | compare | nbgrader]: measure, keep, and renew the README."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from autograder.confine.tiers import package_folders
from bench import readme

RESULTS = Path(__file__).with_name("results.json")


def main(what: str = "speed") -> None:
    """Run one part and write it into results.json; each part is dated and says the load."""
    parts = {"speed": speed, "doctor": doctor, "compare": cases, "nbgrader": suite}
    if what not in parts:
        sys.exit(f"bench: no part is called {what!r}: take one of {', '.join(parts)}")
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = parts[what](Path(folder))
    results[what] = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": os.cpu_count(),
        "load_before": round(before, 2),
        **found,
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    readme.renew(results)
    print(json.dumps(results[what], indent=1))


def speed(folder: Path) -> dict:
    from bench import grading, kernels

    return {
        "first_result": kernels.first_result(),
        **grading.against_stock(folder),
        "scale": grading.at_scale(folder),
    }


def doctor(folder: Path) -> dict:
    """What the doctor finds in every tier, with Python and folder as tiers B and C need them."""
    from bench.compare import python

    root = RESULTS.parents[1]
    for package in ("autograder", "tandem"):  # where no other user can read the answers
        shutil.copytree(root / package, folder / package)
    path = os.pathsep.join([str(folder), *package_folders()])
    environment = {**os.environ, "PYTHONPATH": path}
    command = [python(), "-m", "autograder.cli", "doctor", "--json"]
    found = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    return json.loads(found.stdout)


def cases(folder: Path) -> dict:
    from bench.compare import compare

    os.chmod(folder, 0o755)  # stock's notebooks run as users of their own
    return compare(folder)


def suite(folder: Path) -> dict:
    from bench.suite import run

    return run(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
