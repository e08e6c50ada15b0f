"""The benchmark's class: made students with the kept answers of exercise 1, the same every time."""

import hashlib
import random
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
    folder: Path, students: int, frameworks: tuple[str, ...] = FRAMEWORKS, stock: bool = False
) -> str:
    """A released course with submissions in `folder`; returns a digest of what was handed in.

    Every second answer is the solution, the others are kept right and wrong ones. No two notebooks
    are alike, so that no result can be used twice. `stock` configures nbgrader's own engine.
    """
    new_course(ROOT, folder, STOCK if stock else "")
    chance, digest = random.Random(SEED), hashlib.sha256()
    for number in range(students):
        target = folder / "submitted" / f"student-{number:04}" / ASSIGNMENT
        target.mkdir(parents=True)
        for framework in frameworks:
            text = _notebook(framework, number, chance)
            digest.update(text.encode())
            (target / f"{framework}.ipynb").write_text(text, "utf-8")
    return digest.hexdigest()


def _notebook(framework: str, number: int, chance: random.Random) -> str:
    notebook = nbformat.read(ROOT / "exercises" / ASSIGNMENT / f"{framework}.ipynb", 4)
    for cell in notebook.cells:
        name = cell.metadata.nbgrader.grade_id
        if name in QUESTIONS:
            first, *others = answers(framework, name)
            cell.source = first if number % 2 == 0 or not others else chance.choice(others)
            cell.source += f"\n\n# handed in by student {number}"
    return nbformat.writes(notebook)
