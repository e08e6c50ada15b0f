"""The learner's own copy of the course: brings notebooks in, never touches what was edited."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ipykernel.kernelspec import get_kernel_dict

from tandem.course import CourseError, write_atomically
from tandem.home import home_markdown

FOLDERS = ("lessons", "exercises")
SOURCES = {".md", ".yml", ".lock"}  # what authors write; learners get what is made of it
HOME = Path("lessons/home.ipynb")
MANIFEST = Path(".tandem/delivered.json")
REPLACED = Path(".tandem/replaced")


def start(course: Path, target: Path) -> list[str]:
    """Copy the student's course to `target`, or bring new and changed files into it.

    A file that the learner has not edited is replaced (the old one, with its outputs, is kept
    under `.tandem/replaced`). An edited file stays as it is and the new version is put beside it.
    Returns one line for each file that was written.
    """
    _check_target(course, target)
    delivered = _read_manifest(target)
    messages = []
    for path in _course_files(course):
        text = (course / path).read_text(encoding="utf-8")
        message = _deliver(target, path, text, delivered.get(str(path)))
        delivered[str(path)] = fingerprint(path, text)
        if message:
            messages.append(message)
    write_atomically(target / MANIFEST, json.dumps(delivered, indent=1, sort_keys=True) + "\n")
    _refresh_home(course, target)
    return messages


def warm_kernels(target: Path) -> Path:
    """Write what makes the kernels of `target` begin warm; the folder, for JUPYTER_PATH.

    The warm process of a framework has imported it already (autograder/provisioner.py); which one a
    notebook needs is read from its name.
    """
    folder = (target / ".tandem" / "jupyter").resolve()
    spec = get_kernel_dict()
    provisioner = {"provisioner_name": "warm", "config": {"warm": "by-name"}}
    spec["metadata"] = spec["metadata"] | {"kernel_provisioner": provisioner}
    write_atomically(folder / "kernels" / "python3" / "kernel.json", json.dumps(spec, indent=1))
    return folder


def fingerprint(path: Path, text: str) -> str:
    """Hash of what a person would edit: a notebook's cells without outputs, ids and metadata."""
    content = text
    if path.suffix == ".ipynb":
        try:
            cells = json.loads(text)["cells"]
            content = json.dumps([[c["cell_type"], "".join(c["source"])] for c in cells])
        except (ValueError, KeyError, TypeError):
            pass  # not a notebook any more: its whole text counts
    return hashlib.sha256(content.encode()).hexdigest()


def _check_target(course: Path, target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise CourseError(f"{target} is a file; give the folder that your copy shall lie in")
    resolved = target.resolve()
    if resolved == course or any(resolved.is_relative_to(course / f) for f in FOLDERS):
        raise CourseError(f"{target} is the course itself; give another folder, e.g. my-course")


def _course_files(course: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for file in sorted((course / folder).rglob("*")):
            path = file.relative_to(course)
            hidden = any(part.startswith(".") for part in path.parts)
            if file.is_file() and not hidden and file.suffix not in SOURCES:
                yield path


def _read_manifest(target: Path) -> dict[str, str]:
    try:
        return json.loads((target / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        print(
            f"{target / MANIFEST} cannot be read: every file of yours counts as edited and is kept"
        )
        return {}


def _deliver(target: Path, path: Path, text: str, before: str | None) -> str | None:
    mine = target / path
    now = fingerprint(path, text)
    if not mine.exists():
        write_atomically(mine, text)
        return f"new      {path}"
    current = fingerprint(path, mine.read_text(encoding="utf-8", errors="replace"))
    if now in (before, current):
        return None
    if current == before:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        kept = target / REPLACED / stamp / path
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(mine, kept)
        write_atomically(mine, text)
        return f"updated  {path} (the old one is in {kept.relative_to(target).parent})"
    beside = _free_name(mine)
    write_atomically(beside, text)
    return f"kept     {path} as you edited it; the new version is {beside.relative_to(target)}"


def _free_name(mine: Path) -> Path:
    number = 1
    while True:
        suffix = "new" if number == 1 else f"new{number}"
        beside = mine.with_name(f"{mine.stem}.{suffix}{mine.suffix}")
        if not beside.exists():
            return beside
        number += 1


def _refresh_home(course: Path, target: Path) -> None:
    """Put today's page into the home notebook's output, unless the learner has edited its cells."""
    mine = target / HOME
    text = mine.read_text(encoding="utf-8", errors="replace")
    if fingerprint(HOME, text) != fingerprint(HOME, (course / HOME).read_text(encoding="utf-8")):
        return
    notebook = json.loads(text)
    page = {"text/markdown": home_markdown(course), "text/plain": "the course's home page"}
    output = {"output_type": "display_data", "data": page, "metadata": {}}
    notebook["cells"][-1]["outputs"] = [output]
    write_atomically(mine, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
