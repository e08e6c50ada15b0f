"""A small nbgrader course that imports no framework: quick to grade, and judged in the notebook."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.classroom import run_nbgrader

ASSIGNMENT = "ps1"
SETTINGS = """
c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.course_id = "classic"
c.CourseDirectory.db_url = "sqlite:///{root}/gradebook.db"
c.Autograde.sanitize_preprocessors = ["autograder.nbgrader.Clean"]
c.Autograde.autograde_preprocessors = [
    "autograder.nbgrader.Run",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
]
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {{
    "markdown2html": "autograder.nbgrader.safe_markdown",
    "clean_html": "autograder.nbgrader.safe_html",
}}
"""
RIGHT, WRONG = "def square(x):\n    return x * x", "def square(x):\n    return 2 * x"
HALF = "def square(x):\n    return abs(x) * x"


def cell(kind: str, name: str, source: str, points: float = 0, **flags: bool) -> NotebookNode:
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    roles = {"grade": False, "solution": False, "locked": False, "task": False} | flags
    about = {"schema_version": 3, "grade_id": name, "cell_type": kind, **roles}
    if roles["grade"]:
        about["points"] = points
    return make(source, id=name.replace("_", "-"), metadata={"nbgrader": about})


def source() -> NotebookNode:
    """2 points for positive numbers, 4 in part for negative ones, 3 given by hand."""
    tests = "[square(-x) == x * x for x in (1, 2)]"
    cells = [
        cell("code", "begin", "import math", locked=True),
        cell("code", "square", f"### BEGIN SOLUTION\n{RIGHT}\n### END SOLUTION", solution=True),
        cell("code", "test_positive", "assert square(3) == 9", 2, grade=True, locked=True),
        cell("code", "test_negative", f"2.0 * sum({tests})", 4, grade=True, locked=True),
        cell("markdown", "essay", "Why?", 3, grade=True, solution=True),
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec})


def make_course(folder: Path) -> Path:
    """A course with the assignment released; takes some seconds, so copy it for each test."""
    folder.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text(SETTINGS.format(root=str(folder)), "utf-8")
    (folder / "source" / ASSIGNMENT).mkdir(parents=True)
    nbformat.write(source(), folder / "source" / ASSIGNMENT / "problem.ipynb")
    run_nbgrader(folder, "generate_assignment", ASSIGNMENT)
    return folder


def copy_course(template: Path, folder: Path) -> Path:
    shutil.copytree(template, folder)
    (folder / "nbgrader_config.py").write_text(SETTINGS.format(root=str(folder)), "utf-8")
    return folder


def released(course: Path) -> NotebookNode:
    return nbformat.read(course / "release" / ASSIGNMENT / "problem.ipynb", 4)


def hand_in(
    course: Path, student: str, answer: str | None = RIGHT, essay: str = "Because.", when: str = ""
) -> Path:
    """Write a submission; with answer None the stub stays."""
    notebook = released(course)
    for each in notebook.cells:
        if each.metadata.nbgrader.grade_id == "square" and answer is not None:
            each.source = answer
        if each.metadata.nbgrader.grade_id == "essay" and essay:
            each.source = essay
    folder = course / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / "problem.ipynb")
    if when:
        (folder / "timestamp.txt").write_text(when)
    return folder / "problem.ipynb"


def command(course: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "autograder.cli", "grade", "--course", str(course), *options]


def grade(course: Path, *options: str, status: int = 0) -> dict[str, dict]:
    """Grade with the real command; rows by student."""
    done = subprocess.run(
        [*command(course, "--json"), *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    return {row["student"]: row for row in json.loads(done.stdout)}


def failing(course: Path, *options: str, **environment: str) -> str:
    """The one line with which the command refuses; it must be one line."""
    done = subprocess.run(
        [*command(course), *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert len(lines) == 1, done.stderr
    return lines[0]
