"""The benchmark's class: made students with the kept answers of exercise 1, the same every time."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
import yaml

from autograder.demo import ASSIGNMENT, new_course, solution
from tandem.course import FRAMEWORKS

ROOT = Path(__file__).resolve().parents[1]
QUESTIONS = ("sgd_step", "slope", "count_operations", "newton", "predict_log")
SEED = 20261125
STOCK = """
from nbgrader.converters import Autograde
for kind in ("sanitize_preprocessors", "autograde_preprocessors"):
    c.Autograde[kind] = Autograde.class_traits()[kind].default()
"""


def answers(framework: str, question: str) -> list[str]:
    """Kept answers to a question, the course's own solution first."""
    folder = ROOT / "tests" / "answers" / ASSIGNMENT
    files = [folder / group / f"{question}.yml" for group in (framework, "both")]
    kept = [a["code"] for f in files if f.exists() for a in yaml.safe_load(f.read_text("utf-8"))]
    return [solution(ROOT, framework, question), *kept]


def make_class(
    folder: Path, students: int, frameworks: Sequence[str] = FRAMEWORKS, stock: bool = False
) -> None:
    """A released course in `folder` with what the students hand in.

    `stock` configures nbgrader's own engine in place of ours.
    """
    new_course(ROOT, folder, STOCK if stock else "")
    for student, framework, text in handed_in(students, frameworks):
        target = folder / "submitted" / student / ASSIGNMENT
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{framework}.ipynb").write_text(text, "utf-8")


def handed_in(students: int, frameworks: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Student, framework and notebook of every submission, the same every time.

    Every second student hands in the solution, the others kept right and wrong answers. No two
    notebooks are alike, so that no result can be used twice.
    """
    chance = random.Random(SEED)
    for number in range(students):
        for framework in frameworks:
            yield f"student-{number:04}", framework, _notebook(framework, number, chance)


def digest(students: int) -> str:
    """Names the class: results are comparable while it stays the same."""
    found = hashlib.sha256()
    for _, _, text in handed_in(students, FRAMEWORKS):
        found.update(text.encode())
    return found.hexdigest()


def _notebook(framework: str, number: int, chance: random.Random) -> str:
    notebook = nbformat.read(ROOT / "exercises" / ASSIGNMENT / f"{framework}.ipynb", 4)
    for cell in notebook.cells:
        name = cell.metadata.nbgrader.grade_id
        if name in QUESTIONS:
            first, *others = answers(framework, name)
            cell.source = first if number % 2 == 0 or not others else chance.choice(others)
            cell.source += f"\n\n# handed in by student {number}"
    return nbformat.writes(notebook)
