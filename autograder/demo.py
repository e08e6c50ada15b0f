"""The instructor's round trip on a made class: release, submit, grade, feedback, report."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
import yaml
from rich.console import Console

from autograder.classroom import run_nbgrader
from autograder.report import gradebook_table
from autograder.session import grade as grade_class
from tandem.build import build
from tandem.course import FRAMEWORKS, graded_bank
from tandem.quiz.asked import Answer
from tandem.quiz.model import load_bank
from tandem.quiz.scoring import key
from tandem.source import SOLUTION_MARK

ASSIGNMENT = "1-philosophy"
LATE = timedelta(hours=30)
ROLL = (
    "The class: right (all of it), nearly (part of each question), wrong (a mistake in each), "
    "empty (nothing done), loud (right, with warnings on standard error), late (right, 30 hours "
    "late), hostile (gives back an object that equals everything)"
)
SETTINGS = """
# What follows was added by the autograder: a course in a folder of its own.
c.CourseDirectory.root = {root!r}
c.CourseDirectory.source_directory = "source"
c.CourseDirectory.release_directory = "release"
c.CourseDirectory.submitted_directory = "submitted"
c.CourseDirectory.autograded_directory = "autograded"
c.CourseDirectory.feedback_directory = "feedback"
c.CourseDirectory.db_url = "sqlite:///{root}/gradebook.db"
"""
# Stock nbgrader gives full marks for it.
HOSTILE = """
import numpy as np


class Anything(float):
    def __eq__(self, other):
        return True

    def __getattr__(self, name):
        return Anything()

    def __call__(self, *arguments, **options):
        return Anything()

    def __iter__(self):
        return iter([Anything()] * 3)

    __ne__ = __lt__ = __gt__ = lambda self, other: False
    __sub__ = __rsub__ = __getitem__ = lambda self, other: Anything()


np.testing.assert_allclose = lambda *arguments, **options: None
{name} = Anything()
"""
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
    """Grade a made class of seven in build/demo, made anew each time.

    Nothing outside that folder is written, the classroom's gradebook included.
    """
    folder = course / "build" / "demo"
    due = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)

    with _step(console, "build the course"):
        build(course)
    with _step(console, "release the assignment"):
        new_course(course, folder)
        _set_due_date(folder, due)
    console.print(ROLL)
    with _step(console, "collect what seven students handed in"):
        for student, answer in students(course).items():
            when = due + (LATE if student == "late" else -timedelta(hours=1))
            submit(course, folder, student, answer, when)
    with _step(console, "grade 21 notebooks"):
        grade_class(folder, [ASSIGNMENT], console=console)
    with _step(console, "write feedback"):
        run_nbgrader(folder, "generate_feedback", ASSIGNMENT)
    console.print(gradebook_table(database(folder), "tandem", ASSIGNMENT))
    console.print(f"feedback pages: {folder / 'feedback'}", soft_wrap=True, highlight=False)


def new_course(course: Path, folder: Path, settings: str = "") -> None:
    """A course in `folder`, made anew, with the assignment of `course` released in it.

    `settings` are further lines for its nbgrader_config.py.
    """
    shutil.rmtree(folder, ignore_errors=True)
    ignore = shutil.ignore_patterns("*.md")
    shutil.copytree(
        course / "solutions" / ASSIGNMENT, folder / "source" / ASSIGNMENT, ignore=ignore
    )
    config = (course / "nbgrader_config.py").read_text("utf-8")
    config += SETTINGS.format(root=str(folder)) + settings
    (folder / "nbgrader_config.py").write_text(config, "utf-8")
    run_nbgrader(folder, "generate_assignment", ASSIGNMENT)


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
        "hostile": lambda framework, question: HOSTILE.format(name=question),
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
    shutil.copy(folder / "release" / ASSIGNMENT / "quiz.ipynb", target)
    quiz = {"quiz": ASSIGNMENT, "answers": quiz_answers(course, student)}
    (target / "quiz-answers.json").write_text(json.dumps(quiz), "utf-8")
    (target / "timestamp.txt").write_text(when.strftime("%Y-%m-%d %H:%M:%S UTC"))


def quiz_answers(course: Path, student: str) -> dict[str, Answer]:
    """What a student answers to the graded quiz; hostile keeps something that is no answer."""
    items = load_bank(graded_bank(course, ASSIGNMENT)).items
    answers = {item.id: key(item) for item in items}
    if student in ("wrong", "nearly"):
        answers |= {item.id: "-1" for item in items if item.type == "numeric"}
    if student == "wrong":
        options = {item.id: item.options for item in items if item.type != "numeric"}
        answers |= {name: [o.id for o in of if not o.correct] for name, of in options.items()}
    if student == "hostile":
        answers = {item.id: {"earned": item.points} for item in items}
    return {} if student == "empty" else answers


def database(folder: Path) -> str:
    """The demo's gradebook, as SQLAlchemy names it."""
    return f"sqlite:///{folder / 'gradebook.db'}"


def _set_due_date(folder: Path, due: datetime) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(database(folder)) as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate=due.replace(tzinfo=None))


@contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    started = time.perf_counter()
    with console.status(what):
        yield
    console.print(f"{what}: {time.perf_counter() - started:.1f} s", highlight=False)
