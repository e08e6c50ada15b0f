"""A class that holds every case once for each framework, and what came of grading it."""

import contextlib
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder.demo import new_course
from submissions.book import ASSIGNMENT, CANARY, CASES, POINTS, ROOT, Case, Work, build
from tandem.course import FRAMEWORKS

NEIGHBOUR = "neighbour"


@dataclass
class Class:
    """A course folder with submissions. `secrets` are planted files that hold CANARY."""

    folder: Path
    cases: dict[str, tuple[Case, str]] = field(default_factory=dict)
    secrets: list[Path] = field(default_factory=list)

    @property
    def submitted(self) -> Path:
        return self.folder / "submitted"

    def hand_in(self, one: Case, framework: str) -> str:
        """Write a case's submission; returns the name of its student."""
        student = f"{one.name}-{framework}"
        build(one, framework, self.submitted / student / ASSIGNMENT)
        self.cases[student] = (one, framework)
        return student


def make_class(folder: Path, cases: list[Case], frameworks: tuple[str, ...] = FRAMEWORKS) -> Class:
    """A released assignment, the cases' submissions, and one honest neighbour before and after."""
    made = Class(folder)
    new_course(ROOT, folder)
    for student in (f"a-{NEIGHBOUR}", f"z-{NEIGHBOUR}"):
        for framework in FRAMEWORKS:
            work = Work(made.submitted / student / ASSIGNMENT, framework)
            work.solve()
            work.add(CANARY, kind="markdown")
            work.save()
    made.secrets = [
        folder / "secret.txt",
        folder / "source" / "secret.txt",
        folder / "home" / "secret.txt",
        made.submitted / f"a-{NEIGHBOUR}" / "secret.txt",
    ]
    for file in made.secrets:
        file.parent.mkdir(exist_ok=True)
        file.write_text(CANARY, "utf-8")
    for one in cases:
        for framework in one.frameworks:
            if framework in frameworks:
                made.hand_in(one, framework)
    return made


def run(command: list[str], folder: Path, **options) -> subprocess.CompletedProcess:
    """Run a command in the class's folder as its instructor; what it prints is kept as text."""
    environment = {
        **os.environ,
        "HOME": str(folder / "home"),
        "AUTOGRADER_CANARY": CANARY,
        "OMP_NUM_THREADS": "1",
    }
    options = {"check": True, "timeout": 3000, "env": environment} | options
    (folder / "home").mkdir(exist_ok=True)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, **options)


@dataclass
class Graded:
    """Rows by (student, notebook), what the gradebook holds, and the text of all that is shown."""

    rows: dict[tuple[str, str], dict]
    scores: dict[tuple[str, str], dict[str, float]]
    classroom: Class
    seconds: float
    unchanged: bool = False

    def points(self, student: str, framework: str) -> dict[str, float]:
        """Points by question in the gradebook, the zeros left out."""
        found = self.scores.get((student, framework), {})
        return {name.removeprefix("test_"): points for name, points in found.items() if points}

    def shown(self, student: str, framework: str) -> str:
        """All that a person sees of a graded notebook: sources, outputs and files beside it."""
        folder = self.classroom.folder / "autograded" / student / ASSIGNMENT
        notebook = folder / f"{framework}.ipynb"
        texts = []
        if notebook.exists():
            cells = nbformat.read(notebook, 4).cells
            texts += [json.dumps(cell.get("outputs", [])) for cell in cells]
        for file in folder.rglob("*"):
            if file.is_file() and file.suffix != ".ipynb":
                texts.append(file.read_bytes().decode("utf-8", "replace"))
        return "\n".join(texts)


def grade_class(made: Class, *options: str, python: tuple[str, ...] = (sys.executable,)) -> Graded:
    """Grade with the real command."""
    command = [*python, "-m", "autograder.cli", "grade", "--course", str(made.folder)]
    started = time.perf_counter()
    done = run([*command, "--json", *options], made.folder, check=False)
    seconds = time.perf_counter() - started
    assert done.returncode in (0, 1) and done.stdout, done.stderr[-3000:]
    rows = {(row["student"], row["notebook"]): row for row in json.loads(done.stdout)}
    return Graded(rows, read_scores(made.folder / "gradebook.db"), made, seconds)


def read_scores(database: Path) -> dict[tuple[str, str], dict[str, float]]:
    """What the gradebook's file says: (student, notebook) -> points by graded cell."""
    query = """
        select submitted_assignment.student_id, notebook.name, base_cell.name, grade.auto_score
        from grade
        join base_cell on base_cell.id = grade.cell_id
        join submitted_notebook on submitted_notebook.id = grade.notebook_id
        join notebook on notebook.id = submitted_notebook.notebook_id
        join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
    """
    scores: dict[tuple[str, str], dict[str, float]] = {}
    with contextlib.closing(sqlite3.connect(database)) as connection:
        for student, notebook, cell, points in connection.execute(query):
            scores.setdefault((student, notebook), {})[cell] = points
    return scores


def fingerprint(folder: Path) -> dict[str, str]:
    """What lies under a folder: rights and a digest for each file, the target for each link."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = os.readlink(path)
        elif path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path)] = f"{path.stat().st_mode:o} {digest}"
    return found


def expected(one: Case, tier: str = "A") -> dict[str, float]:
    """Points by question that a case must get in a tier, the zeros left out."""
    earns = one.in_tier.get(tier, one.earns)
    assert earns.keys() <= POINTS.keys()
    return {name: float(points) for name, points in earns.items() if points}


def all_cases() -> list[Case]:
    """Every registered case; importing the families registers them."""
    from submissions import (  # noqa: F401
        breaking_out,
        cheating,
        exhaustion,
        honest,
        malformed,
        reading,
    )

    return list(CASES.values())
