"""Whether anything has changed since the last build, told in milliseconds from the files' bytes."""

import hashlib
from pathlib import Path

from tandem.course import write_atomically

STAMP = Path("build/stamp")
FOLDERS = ("lessons", "solutions", "exercises")
FILES = ("README.md", "nbgrader_config.py")


def is_built(course: Path) -> bool:
    """True when sources, generated files and the builder are as `mark_built` saw them."""
    stamp = course / STAMP
    return stamp.exists() and stamp.read_text() == _fingerprint(course)


def mark_built(course: Path) -> None:
    """Remember the state of the course as built."""
    write_atomically(course / STAMP, _fingerprint(course))


def _fingerprint(course: Path) -> str:
    files = [course / name for name in FILES]
    files += sorted(f for folder in FOLDERS for f in (course / folder).rglob("*") if f.is_file())
    files += sorted(Path(__file__).parent.rglob("*.py"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file}\n".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
