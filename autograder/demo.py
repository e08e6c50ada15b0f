"""The instructor's round trip on a made class: release, submit, grade, feedback, report."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
import yaml
from rich.console import Console

from autograder.questions import find_questions
from autograder.report import gradebook_table
from tandem.build import build
from tandem.course import FRAMEWORKS, CourseError
from tandem.source import SOLUTION_MARK

ASSIGNMENT = "1-philosophy"
LATE = timedelta(hours=30)
ROLL = """The class: right (all of it), nearly (part of each question), wrong (a mistake in each),
empty (nothing done), loud (right, with warnings on standard error), late (right, 30 hours late)"""
# A right answer that warns and logs on standard error: stock nbgrader must not take its points.
LOUD = """

import sys
import warnings

_quiet_{name} = {name}


def {name}(*arguments):
    warnings.warn("this is only a warning")
    print("a log line", file=sys.stderr)
    return _quiet_{name}(*arguments)
"""


def demo(course: Path, console: Console) -> None:
    """Grade a made class of six with nbgrader's own commands, in build/demo, made anew each time.

    Nothing outside that folder is written, the classroom's gradebook included.
    """
    folder = course / "build" / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    due = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)

    with _step(console, "build the course"):
        build(course)
    with _step(console, "release the assignment"):
        _nbgrader(course, folder, "generate_assignment", ASSIGNMENT)
        _set_due_date(folder, due)
    console.print(ROLL)
    with _step(console, "collect what six students handed in"):
        for student, answer in students(course).items():
            when = due + (LATE if student == "late" else -timedelta(hours=1))
            submit(course, folder, student, answer, when)
    with _step(console, "grade twelve notebooks (stock nbgrader, a fresh kernel for each)"):
        _nbgrader(course, folder, "autograde", ASSIGNMENT)
    with _step(console, "write feedback"):
        _nbgrader(course, folder, "generate_feedback", ASSIGNMENT)
    console.print(gradebook_table(database(folder), ASSIGNMENT, list(find_questions(ASSIGNMENT))))
    console.print(f"feedback pages: {folder / 'feedback'}", soft_wrap=True, highlight=False)


def students(course: Path) -> dict[str, Callable[[str, str], str | None]]:
    """Student -> what they answer to (framework, question); None leaves the stub as it is."""
    return {
        "right": lambda framework, question: solution(course, framework, question),
        "nearly": lambda framework, question: (
            known_answer(course, framework, question, nearly=True)
            or solution(course, framework, question)
        ),
        "wrong": lambda framework, question: known_answer(course, framework, question),
        "empty": lambda framework, question: None,
        "loud": lambda framework, question: (
            solution(course, framework, question) + LOUD.format(name=question)
        ),
        "late": lambda framework, question: solution(course, framework, question),
    }


def solution(course: Path, framework: str, question: str) -> str:
    """The solution cell of a question, without the marks around it."""
    notebook = nbformat.read(course / "solutions" / ASSIGNMENT / f"{framework}.ipynb", 4)
    cell = next(c for c in notebook.cells if c.metadata.nbgrader.grade_id == question)
    return SOLUTION_MARK.sub("", cell.source)


def known_answer(course: Path, framework: str, question: str, nearly: bool = False) -> str | None:
    """The worst of the known wrong answers, or the best one that still earns part of the points."""
    folder = course / "tests" / "answers" / ASSIGNMENT
    files = [folder / group / f"{question}.yml" for group in (framework, "both")]
    answers = [a for f in files if f.exists() for a in yaml.safe_load(f.read_text("utf-8"))]
    wrong = sorted((a for a in answers if a.get("fails")), key=lambda a: a["points"])
    if nearly:
        partial = [answer for answer in wrong if answer["points"][0] > 0]
        return partial[-1]["code"] if partial else None
    return wrong[0]["code"]


def submit(
    course: Path,
    folder: Path,
    student: str,
    answer: Callable[[str, str], str | None],
    when: datetime,
) -> None:
    """Write a submission as nbgrader collects it: the notebooks and timestamp.txt."""
    target = folder / "submitted" / student / ASSIGNMENT
    target.mkdir(parents=True)
    for framework in FRAMEWORKS:
        notebook = nbformat.read(folder / "release" / ASSIGNMENT / f"{framework}.ipynb", 4)
        for cell in notebook.cells:
            if cell.metadata.nbgrader.solution:
                cell.source = answer(framework, cell.metadata.nbgrader.grade_id) or cell.source
        nbformat.write(notebook, target / f"{framework}.ipynb")
    (target / "timestamp.txt").write_text(when.strftime("%Y-%m-%d %H:%M:%S UTC"))


def database(folder: Path) -> str:
    """The demo's gradebook, as SQLAlchemy names it."""
    return f"sqlite:///{folder / 'gradebook.db'}"


def _set_due_date(folder: Path, due: datetime) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(database(folder)) as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate=due.replace(tzinfo=None))


def _nbgrader(course: Path, folder: Path, *command: str) -> None:
    """Run one of nbgrader's commands on the demo's folders; its log is kept in log.txt."""
    places = {"release": "release", "submitted": "submitted", "autograded": "autograded"}
    options = [
        f"--CourseDirectory.{kind}_directory={folder / name}"
        for kind, name in {**places, "feedback": "feedback"}.items()
    ]
    options.append(f"--CourseDirectory.db_url={database(folder)}")
    # nbgrader calls `alembic` and `jupyter` by bare name
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command, *options],
        cwd=course,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    with open(folder / "log.txt", "a", encoding="utf-8") as log:
        log.write(f"$ nbgrader {' '.join(command)}\n{result.stdout}\n")
    if result.returncode:
        last = (result.stdout.strip().splitlines() or ["no output"])[-1]
        raise CourseError(f"nbgrader {command[0]} failed: {last} (all of it: {folder / 'log.txt'})")


@contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    started = time.perf_counter()
    with console.status(what):
        yield
    console.print(f"{what}: {time.perf_counter() - started:.1f} s", highlight=False)
