"""Named measurements of a notebook, kept in the learner's store and shown beside the partner's."""

import json
import math
import os
import platform
import sys
from dataclasses import asdict, dataclass
from importlib import metadata, resources

import numpy as np

from tandem.course import FRAMEWORKS
from tandem.store import Store, StoreError

LARGEST = 10_000  # numbers in one recorded value
PACKAGES = {"pytorch": ["torch"], "tensorflow": ["tensorflow", "tensorflow-cpu", "keras"]}


@dataclass(frozen=True)
class Session:
    """The notebook that is running: its lesson, its framework and what it runs on."""

    lesson: str
    framework: str
    versions: dict[str, str]
    machine: dict[str, str | int]


@dataclass(frozen=True)
class Recorded:
    """One value of one framework; `origin` says whose it is and when it was taken."""

    value: float | list
    unit: str
    origin: str


_session: Session | None = None


def begin(lesson: str, framework: str) -> None:
    """Say which notebook this is; the first cell of every notebook does it."""
    global _session
    if framework not in FRAMEWORKS:
        raise ValueError(f"framework must be one of {', '.join(FRAMEWORKS)}, not {framework!r}")
    machine = {"system": platform.system(), "cpu": platform.machine(), "cores": os.cpu_count() or 1}
    _session = Session(lesson, framework, _versions(framework), machine)
    _append("opened", {"lesson": lesson, "framework": framework})
    versions = ", ".join(f"{name} {version}" for name, version in _session.versions.items())
    print(f"{lesson} in {FRAMEWORKS[framework]}: {versions}; {machine['cores']} cores")


def record(name: str, value: float | list | np.ndarray, unit: str = "") -> None:
    """Store a named measurement of this notebook and print it.

    `value` is a number or a nested list or NumPy array of numbers (at most 10,000, all finite).
    Raises TypeError for anything else, a framework's tensor included, and ValueError for numbers
    that are not finite.
    """
    if _session is None:
        raise RuntimeError(
            "tandem.record: run the first cell of this notebook first (tandem.begin)"
        )
    plain = _plain(name, value)
    entry = {**asdict(_session), "name": name, "value": plain, "unit": unit, "device": _device()}
    _append("measurements", entry)
    print(f"recorded {name} = {show_value(plain, unit)}")


def recorded(name: str) -> dict[str, Recorded]:
    """The value of `name` in this lesson, by framework: the learner's own, else the bundled one."""
    if _session is None:
        raise RuntimeError("tandem: run the first cell of this notebook first (tandem.begin)")
    found = {}
    bundle = json.loads(_bundle().read_text(encoding="utf-8")) if _bundle().is_file() else {}
    for framework in FRAMEWORKS:
        values = bundle.get("values", {}).get(_session.lesson, {}).get(framework, {})
        if name in values:
            origin = f"measured by the authors on {bundle['date']}, {bundle['machine']}"
            found[framework] = Recorded(values[name]["value"], values[name]["unit"], origin)
    for entry in _own_measurements():
        if entry["lesson"] == _session.lesson and entry["name"] == name:
            origin = f"yours, {entry['time'][:16].replace('T', ' ')} UTC"
            found[entry["framework"]] = Recorded(entry["value"], entry["unit"], origin)
    return found


def show_recorded(*names: str):
    """A table of the pair's recorded values; the notebook displays it."""
    from IPython.display import Markdown

    rows = ["| | " + " | ".join(FRAMEWORKS.values()) + " |", "|---" * (1 + len(FRAMEWORKS)) + "|"]
    origins: dict[str, None] = {}
    for name in names:
        values = recorded(name)
        if not values:
            raise KeyError(f"nothing is recorded under {name!r} in this lesson")
        cells = []
        for framework, title in FRAMEWORKS.items():
            shown = values.get(framework)
            cells.append(show_value(shown.value, shown.unit) if shown else "not run yet")
            if shown:
                origins[f"{title}: {shown.origin}"] = None
        rows.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return Markdown("\n".join(rows) + "\n\n" + "; ".join(origins) + ".")


def keep_check(question: str, result: str) -> None:
    """Store the result of an exercise's visible check: passed, failed or not attempted."""
    if _session is not None:
        entry = {"lesson": _session.lesson, "framework": _session.framework}
        _append("checks", {**entry, "question": question, "result": result})


def _append(kind: str, entry: dict) -> None:
    try:
        Store().append(kind, entry)
    except StoreError as error:  # a full or read-only disk must not stop a lesson
        print(f"Tandem could not keep this: {error}")


def _own_measurements() -> list[dict]:
    try:
        return Store().entries("measurements")
    except StoreError as error:
        print(f"Tandem could not read your earlier measurements: {error}")
        return []


def _bundle():
    return resources.files("tandem") / "bundled.json"


def _plain(name: str, value: object) -> float | int | list:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    flat = list(_flat(name, value))
    if len(flat) > LARGEST:
        raise ValueError(f"tandem.record({name!r}): {len(flat)} numbers; at most {LARGEST}")
    if not all(math.isfinite(number) for number in flat):
        raise ValueError(f"tandem.record({name!r}): the value holds a NaN or an infinity")
    return value


def _flat(name: str, value: object):
    if type(value) in (int, float):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _flat(name, part)
    else:
        kind = type(value).__name__
        raise TypeError(
            f"tandem.record({name!r}): a {kind}; convert it with float() or .numpy() first"
        )


def show_value(value: float | list, unit: str) -> str:
    """A recorded value in a few characters."""
    if isinstance(value, list):
        return f"array of shape {np.shape(value)}" + (f" {unit}" if unit else "")
    return f"{value:.6g}" + (f" {unit}" if unit else "")


def _versions(framework: str) -> dict[str, str]:
    versions = {"Python": platform.python_version()}
    for package in PACKAGES[framework]:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _device() -> str:
    """The accelerator that the loaded framework would use, else CPU."""
    torch, tensorflow = sys.modules.get("torch"), sys.modules.get("tensorflow")
    if torch is not None and _session.framework == "pytorch" and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    if tensorflow is not None and _session.framework == "tensorflow":
        gpus = tensorflow.config.list_physical_devices("GPU")
        if gpus:
            return tensorflow.config.experimental.get_device_details(gpus[0]).get(
                "device_name", "GPU"
            )
    return "CPU"
