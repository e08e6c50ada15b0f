"""Where the course lies: its root folder, its questions, its frameworks."""

import os
from pathlib import Path

FRAMEWORKS = {"pytorch": "PyTorch", "tensorflow": "TensorFlow"}


class CourseError(Exception):
    """A mistake of the user's, told in one line; commands print it without a traceback."""


def root() -> Path:
    """Folder that holds `lessons/` and `exercises/`.

    It is the folder named by TANDEM_COURSE, else the checkout that this package lies in, else
    the copy that the installed wheel carries.
    """
    package = Path(__file__).resolve().parent
    named = os.environ.get("TANDEM_COURSE")
    if named:
        if not (Path(named) / "lessons").is_dir():
            raise CourseError(f"TANDEM_COURSE={named}: there is no lessons/ folder in it")
        return Path(named).resolve()
    for folder in (package.parent, package / "_course"):
        if (folder / "lessons").is_dir():
            return folder
    raise CourseError("the course is not installed here: no lessons/ beside the tandem package")


def checkout() -> Path:
    """The root, which must be a checkout with sources (for authors' and instructors' commands)."""
    folder = root()
    if not (folder / "solutions").is_dir():
        raise CourseError(
            "this command needs a checkout of the course, not only the installed package"
        )
    return folder


def graded_bank(course: Path, question: str) -> Path:
    """Where the graded quiz of a question is written: beside its answers, if it has one."""
    return course / "autograder" / "questions" / f"q{question.replace('-', '_')}" / "quiz.yml"


def write_atomically(target: Path, text: str) -> None:
    """Put `text` in place in one step, so that an interrupted run leaves old or new, never half."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.tmp")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, target)


def questions(course: Path) -> list[str]:
    """Names of the question folders in teaching order, e.g. `1-philosophy`."""
    return sorted(
        p.name for p in (course / "lessons").iterdir() if p.is_dir() and p.name[0].isdigit()
    )
