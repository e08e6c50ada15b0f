"""nbgrader's own tests of autograde, run with our preprocessors configured in."""

import os
import re
import subprocess
import sys
from pathlib import Path

TESTS = "nbgrader.tests.apps.test_nbgrader_autograde"
CONFIG = """
c = get_config()
c.Autograde.sanitize_preprocessors = ["autograder.nbgrader.Clean"]
c.Autograde.autograde_preprocessors = [
    "autograder.nbgrader.Run",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
"""
# Tests that cannot apply to our engine, each with the reason; three at most.
EXCEPTIONS: dict[str, str] = {}


def run(folder: Path, names: tuple[str, ...] = ()) -> dict:
    """Counts of the outcomes; all tests, or those of `names`. What pytest said is printed."""
    (folder / "nbgrader_config.py").write_text(CONFIG, "utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    chosen = " or ".join(names)
    unwanted = " and ".join(f"not {name}" for name in EXCEPTIONS)
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"]
    result = subprocess.run(
        [*pytest, "-k", chosen or unwanted, "--pyargs", TESTS],
        cwd=folder,
        env={**os.environ, "PATH": path, "JUPYTER_CONFIG_PATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(result.stdout[-3000:])
    counts = re.findall(r"(\d+) (passed|failed|skipped|error)", result.stdout)
    found = {kind: int(number) for number, kind in counts}
    return {"exit": result.returncode, "exceptions": EXCEPTIONS, **found}
