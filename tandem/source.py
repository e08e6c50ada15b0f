"""A MyST source file -> Lesson or Exercise: front matter and cells, each with its line."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml
from jupytext.myst import MystMetadataParsingError, myst_to_notebook
from nbformat.validator import NotebookValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tandem.course import FRAMEWORKS, CourseError
from tandem.strict_yaml import OnceLoader

ROLES = {"solution", "test", "manual"}
LESSON_TAGS = {*FRAMEWORKS, "compare", "warns", "raises-exception"}
EXERCISE_TAGS = LESSON_TAGS | ROLES
GRADED = {"test", "manual"}
SOLUTION_MARK = re.compile(r"^ *### (BEGIN|END) SOLUTION\n?", re.MULTILINE)
CELL_KEYS = {"tags", "name", "points"}


class SourceError(CourseError):
    """A mistake in a source file, as `path:line: what is wrong`."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")


class Strict(BaseModel):
    """Base of what authors write: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Objective(Strict):
    """What a learner can do afterwards, the heading that teaches it and what checks it."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    text: str
    section: str
    checked_by: list[str] = Field(min_length=1)


class LessonHead(Strict):
    """Front matter of a lesson. `parity` maps a recorded name to the largest difference allowed."""

    title: str
    question: int = Field(ge=1, le=6)
    order: int = Field(ge=1)
    minutes: int = Field(ge=5, le=90)
    summary: str
    objectives: list[Objective] = Field(min_length=1)
    prerequisites: list[str]
    parity: dict[str, float] = {}
    claims: list[str] = []


class ExerciseHead(Strict):
    """Front matter of an exercise."""

    title: str
    question: int = Field(ge=1, le=6)
    minutes: int = Field(ge=5, le=180)
    summary: str


@dataclass(frozen=True)
class Cell:
    """One cell of a source; `line` is where it starts in the file (from 1)."""

    kind: str
    text: str
    tags: frozenset[str]
    name: str | None
    points: float | None
    line: int

    @property
    def frameworks(self) -> list[str]:
        """Frameworks whose notebook gets this cell: those it is tagged with, or both."""
        return [f for f in FRAMEWORKS if f in self.tags] or list(FRAMEWORKS)

    @property
    def role(self) -> str | None:
        """Its nbgrader role: solution, test, manual, or none."""
        return next(iter(self.tags & ROLES), None)


@dataclass(frozen=True)
class Source:
    """A parsed source file. `path` is relative to the course, e.g. lessons/1-philosophy/x.md."""

    path: Path
    head: LessonHead | ExerciseHead
    cells: list[Cell]

    @property
    def folder(self) -> str:
        """Name of the question's folder, e.g. 1-philosophy."""
        return self.path.parent.name

    @property
    def name(self) -> str:
        """Short name, e.g. eager_graphs; an exercise is called `exercise`."""
        return self.path.stem

    @property
    def key(self) -> str:
        """What the store calls it, e.g. 1-philosophy/eager_graphs."""
        return f"{self.folder}/{self.name}"

    def cells_of(self, framework: str) -> list[Cell]:
        """The cells of one framework's notebook, in order."""
        return [cell for cell in self.cells if framework in cell.frameworks]


def read_source(course: Path, path: Path) -> Source:
    """Parse and validate `course / path`; raises SourceError with the line of the mistake."""
    text = (course / path).read_text(encoding="utf-8")
    exercise = path.name == "exercise.md"
    head = _read_head(path, text, ExerciseHead if exercise else LessonHead)
    cells = _read_cells(path, text)
    for cell in cells:
        _check_cell(path, cell, EXERCISE_TAGS if exercise else LESSON_TAGS)
    _check_names(path, cells)
    return Source(path, head, cells)


def lessons(course: Path) -> list[Source]:
    """Every lesson of the course in teaching order."""
    files = sorted((course / "lessons").glob("[0-9]*/*.md"))
    found = [read_source(course, file.relative_to(course)) for file in files]
    return sorted(found, key=lambda lesson: (lesson.head.question, lesson.head.order))


def exercises(course: Path) -> list[Source]:
    """Every exercise of the course in teaching order."""
    files = sorted((course / "solutions").glob("[0-9]*/exercise.md"))
    return [read_source(course, file.relative_to(course)) for file in files]


def _read_head(path: Path, text: str, model: type[BaseModel]) -> LessonHead | ExerciseHead:
    match = re.match(r"---\n(.*?)^---$", text, re.DOTALL | re.MULTILINE)
    if not match:
        raise SourceError(path, 1, "the file must start with front matter between two `---` lines")
    try:
        node = yaml.compose(match[1], yaml.SafeLoader)
        content = yaml.load(match[1], OnceLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        raise SourceError(path, line, f"broken YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(content, dict) or not isinstance(content.get("tandem"), dict):
        raise SourceError(
            path, 2, "front matter must have one key `tandem:` with the fields below it"
        )
    unknown = sorted(set(content) - {"tandem", "jupytext", "kernelspec"})
    if unknown:
        raise SourceError(path, 2, f"front matter: unknown key `{unknown[0]}` beside `tandem:`")
    try:
        return model.model_validate(content["tandem"])
    except ValidationError as error:
        # an unknown field first: it is often the misspelt name of a missing one
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        where = ("tandem", *first["loc"])
        field = ".".join(str(part) for part in first["loc"])
        raise SourceError(path, _yaml_line(node, where) + 1, f"{field}: {first['msg']}") from None


def _yaml_line(node: yaml.Node, where: tuple) -> int:
    """Line (from 1) of the deepest part of `where` that exists in the YAML node."""
    line = node.start_mark.line + 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == part), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _read_cells(path: Path, text: str) -> list[Cell]:
    try:
        notebook = myst_to_notebook(text, add_source_map=True)
    except (MystMetadataParsingError, yaml.YAMLError) as error:
        reason = str(error).splitlines()
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else 1
        raise SourceError(path, line, "broken cell head: " + " ".join(reason[:2])) from None
    except NotebookValidationError as error:
        found = re.search(r"^:?tags:[ \t]*[^\s\[].*$", text, re.MULTILINE)
        line = text[: found.start()].count("\n") + 1 if found else 1
        reason = "tags must be a list, e.g. [pytorch]" if found else str(error).splitlines()[0]
        raise SourceError(path, line, reason) from None
    starts = notebook.metadata.pop("source_map")
    return [
        _read_cell(path, cell, start) for cell, start in zip(notebook.cells, starts, strict=True)
    ]


def _read_cell(path: Path, cell: dict, line: int) -> Cell:
    meta = dict(cell.metadata)
    unknown = sorted(set(meta) - CELL_KEYS)
    if unknown:
        allowed = ", ".join(sorted(CELL_KEYS))
        raise SourceError(path, line, f"unknown cell option `{unknown[0]}`; allowed: {allowed}")
    points = meta.get("points")
    if points is not None and (not isinstance(points, int | float) or points <= 0):
        raise SourceError(path, line, f"points must be a positive number, not {points!r}")
    line += cell.cell_type == "markdown"  # jupytext counts lines from 0 there, from 1 for code
    tags = frozenset(meta.get("tags", []))
    return Cell(cell.cell_type, cell.source, tags, meta.get("name"), points, line)


def _check_cell(path: Path, cell: Cell, allowed: set[str]) -> None:
    unknown = sorted(cell.tags - allowed)
    if unknown:
        known = ", ".join(sorted(allowed))
        raise SourceError(path, cell.line, f"unknown tag `{unknown[0]}`; known tags: {known}")
    roles = sorted(cell.tags & ROLES)
    if len(roles) > 1:
        raise SourceError(path, cell.line, f"a cell has one role, not {' and '.join(roles)}")
    if cell.points is not None and cell.role not in GRADED:
        raise SourceError(path, cell.line, "points on a cell that is neither `test` nor `manual`")
    if cell.role in GRADED and cell.points is None:
        raise SourceError(path, cell.line, f"a `{cell.role}` cell needs `points:`")
    if cell.role and not cell.name:
        raise SourceError(path, cell.line, f"a `{cell.role}` cell needs a `name:`")
    if cell.name and not re.fullmatch(r"[a-z][a-z0-9_]*", str(cell.name)):
        raise SourceError(
            path, cell.line, f"name `{cell.name}`: use lower case letters, digits and _"
        )


def _check_names(path: Path, cells: list[Cell]) -> None:
    for framework in FRAMEWORKS:
        first: dict[str, int] = {}
        for cell in cells:
            if cell.name and framework in cell.frameworks:
                if cell.name in first:
                    reason = f"name `{cell.name}` is already used at line {first[cell.name]}"
                    raise SourceError(path, cell.line, reason)
                first[cell.name] = cell.line
