"""A case: one submission that a generator makes from the released notebook, and its verdict."""

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tandem.course import FRAMEWORKS
from tandem.source import SOLUTION_MARK

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENT = "1-philosophy"
POINTS = {"sgd_step": 4, "slope": 4, "count_operations": 4, "newton": 4, "predict_log": 4}
EVERYTHING, NOTHING = dict(POINTS), {}
CANARY = "canary-7f3a91"  # stands in every secret that the runner lays out
FAMILIES = ("cheating", "reading", "breaking_out", "exhaustion", "malformed", "honest")


@dataclass(frozen=True)
class Case:
    """One submission for each of its frameworks.

    `make(work)` changes an untouched submission. `earns` gives the points by question; what it
    leaves out earns 0. `row` is a regular expression that the reason of the notebook's row must
    contain, for work that a person has to look at; "" means that the row has no reason. `shows` are
    expressions that the feedback must contain. No feedback or output ever contains CANARY.
    `in_tier` gives the points for tiers in which they are others.
    """

    name: str
    family: str
    tries: str
    make: Callable[["Work"], None]
    earns: dict[str, float]
    frameworks: tuple[str, ...] = tuple(FRAMEWORKS)
    row: str = ""
    shows: tuple[str, ...] = ()
    in_tier: Mapping[str, dict[str, float]] = field(default_factory=dict)


@dataclass
class Work:
    """The submission of one student in one framework, as it will be handed in."""

    folder: Path
    framework: str
    notebook: NotebookNode = field(init=False)

    def __post_init__(self) -> None:
        self.notebook = copy.deepcopy(_notebook("exercises", self.framework))
        self.raw: bytes | None = None

    @property
    def file(self) -> Path:
        return self.folder / f"{self.framework}.ipynb"

    def cell_of(self, grade_id: str) -> NotebookNode:
        """The cell of this grade_id: "slope" is a solution cell, "test_slope" its test."""
        cells = (c for c in self.notebook.cells if "nbgrader" in c.metadata)
        return next(c for c in cells if c.metadata.nbgrader.grade_id == grade_id)

    def answer(self, question: str, code: str) -> None:
        """Put `code` into the solution cell of a question."""
        self.cell_of(question).source = code.strip("\n")

    def solve(self, *questions: str) -> None:
        """Give the right answer to these questions, to all when none is named."""
        for question in questions or POINTS:
            self.answer(question, solution(self.framework, question))

    def add(self, code: str, before: str = "", after: str = "", kind: str = "code") -> None:
        """Add a cell of the student's own before or after the cell of a grade_id, or at the end."""
        new = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        place = len(self.notebook.cells)
        if before or after:
            place = self.notebook.cells.index(self.cell_of(before or after)) + bool(after)
        self.notebook.cells.insert(place, new(code.strip("\n")))

    def save(self) -> None:
        """Write the notebook, or `raw` when a case set it: the bytes of the file as they are."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = nbformat.writes(self.notebook) if self.raw is None else ""
        self.file.write_bytes(text.encode() if self.raw is None else self.raw)


CASES: dict[str, Case] = {}


def case(tries: str, earns: dict[str, float] = NOTHING, **options) -> Callable:
    """Register the decorated function as a case; its module is the family, its name the case's."""

    def register(make: Callable[[Work], None]) -> Callable[[Work], None]:
        family = make.__module__.rpartition(".")[2]
        name = make.__name__
        assert family in FAMILIES and name not in CASES and re.fullmatch(r"[a-z][a-z0-9_]*", name)
        CASES[name] = Case(name, family, tries, make, earns, **options)
        return make

    return register


def build(one: Case, framework: str, folder: Path) -> Work:
    """Write the submission of a case into `folder`, which becomes the assignment's folder."""
    work = Work(folder, framework)
    folder.mkdir(parents=True, exist_ok=True)
    one.make(work)
    if work.notebook is not None:
        work.save()
    return work


def solution(framework: str, question: str) -> str:
    """The right answer of a question."""
    cells = _notebook("solutions", framework).cells
    found = (c for c in cells if c.metadata.get("nbgrader", {}).get("grade_id") == question)
    return SOLUTION_MARK.sub("", next(found).source)


@cache
def _notebook(folder: str, framework: str) -> NotebookNode:
    return nbformat.read(ROOT / folder / ASSIGNMENT / f"{framework}.ipynb", 4)
