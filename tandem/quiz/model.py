"""A quiz as plain data: a bank of items, read from quiz.yml and checked.

Every type of item is a class of its own. To add one: write the class here and put it into `Item`,
say what is asked of it (`asked.asked`) and how an answer is marked (`scoring.mark`).
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from tandem.course import FRAMEWORKS, CourseError, root
from tandem.strict_yaml import read_yaml

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=50)]
Letter = Annotated[str, StringConstraints(pattern=r"^[a-h]$")]
Side = Literal["pytorch", "tensorflow", "both", "neither"]
Section = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*#\S.*$")]
Points = Annotated[int, Field(ge=1)]
MARK = re.compile(r"^(?P<line>.*?)\s*# (?P<letter>[A-H])$")
COMMAS_AND_QUOTES = re.compile("[,'\"`\u2018\u2019\u201c\u201d]")


class BankError(CourseError):
    """A mistake in a quiz.yml, in one line: file, item, reason."""


class Strict(BaseModel):
    """Base of what authors write: unknown keys and values of another type are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Option(Strict):
    """One option. A wrong one names the misconception that makes it attractive."""

    id: Id
    text: Text
    correct: bool = False
    feedback: Text
    misconception: Id | None = None

    @model_validator(mode="after")
    def _misconception_if_wrong(self) -> Self:
        if self.correct and self.misconception:
            raise ValueError("a correct option has no `misconception`")
        if not self.correct and not self.misconception:
            raise ValueError("a wrong option needs its `misconception`")
        return self


class WrongNumber(Strict):
    """A wrong number that a misconception leads to."""

    answer: float
    feedback: Text
    misconception: Id


class WrongText(Strict):
    """A wrong output that a misconception leads to."""

    answer: Text
    feedback: Text
    misconception: Id


class Code(Strict):
    """The program of an item: the same for both frameworks, or one for each (or for only one)."""

    both: Text | None = None
    pytorch: Text | None = None
    tensorflow: Text | None = None

    @model_validator(mode="after")
    def _both_or_each(self) -> Self:
        if bool(self.both) == bool(self.pytorch or self.tensorflow):
            raise ValueError("`code` has either `both`, or `pytorch` and `tensorflow` (or one)")
        return self

    @property
    def programs(self) -> dict[str, str]:
        """Framework -> the program that runs in it."""
        each = {name: self.both or getattr(self, name) for name in FRAMEWORKS}
        return {name: program for name, program in each.items() if program}


class Check(Strict):
    """Python per framework that runs after the item's program and sets `answer` to the key."""

    pytorch: Text | None = None
    tensorflow: Text | None = None

    @property
    def programs(self) -> dict[str, str]:
        """Framework -> its check."""
        return {name: text for name in FRAMEWORKS if (text := getattr(self, name))}


class Base(Strict):
    """What items of all types have.

    `topic` says in a few words what the item is about, for the summary. `section` is where the
    lessons teach it (`eager_graphs#Heading`), `claim` the row of claims.yml that it questions.
    `points` is what a full answer earns.
    """

    id: Id
    topic: Text | None = None
    stem: Text
    code: Code | None = None
    points: Points = 1
    hints: list[Text] = []
    explanation: Text
    section: Section
    claim: Id | None = None
    check: Check | None = None

    @property
    def name(self) -> str:
        """Its id as a name that Python and nbgrader take."""
        return self.id.replace("-", "_")

    @property
    def frameworks(self) -> tuple[str, ...]:
        """The frameworks in which the item has something to run."""
        return tuple(self.code.programs) if self.code else ()

    @model_validator(mode="after")
    def _checked_where_there_is_code(self) -> Self:
        checks = set(self.check.programs) if self.check else set()
        missing = ", ".join(sorted(set(self.frameworks) ^ checks))
        if missing:
            raise ValueError(f"`code` and `check` must be for the same frameworks: see {missing}")
        return self


class Single(Base):
    """Choose the one right option."""

    type: Literal["single"]
    options: Annotated[list[Option], Field(min_length=2)]

    @model_validator(mode="after")
    def _one_correct(self) -> Self:
        _check_options(self.options, most=1)
        return self


class Many(Base):
    """Choose every right option; at least one is wrong."""

    type: Literal["many"]
    options: Annotated[list[Option], Field(min_length=3)]

    @model_validator(mode="after")
    def _some_correct(self) -> Self:
        _check_options(self.options, most=len(self.options) - 1)
        return self


class Numeric(Base):
    """Type a number; it is right when it is at most `tolerance` away from `answer`."""

    type: Literal["numeric"]
    answer: float
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    wrong: list[WrongNumber] = []

    @model_validator(mode="after")
    def _wrong_is_wrong(self) -> Self:
        for other in self.wrong:
            if abs(other.answer - self.answer) <= self.tolerance:
                raise ValueError(f"`wrong` lists {other.answer:g}, which is right")
        return self


class Predict(Base):
    """Say what the program prints: type it, or choose it where the item has options."""

    type: Literal["predict"]
    options: Annotated[list[Option], Field(min_length=2)] | None = None
    answer: Text | None = None
    wrong: list[WrongText] = []

    @model_validator(mode="after")
    def _typed_or_chosen(self) -> Self:
        if (self.options is None) == (self.answer is None):
            raise ValueError("a `predict` item has either `answer` or `options`")
        if self.options:
            _check_options(self.options, most=1)
            if self.wrong:
                raise ValueError("`wrong` is for typed answers; here the options say it")
        for other in self.wrong:
            if comparable(other.answer) == comparable(self.answer):
                raise ValueError(f"`wrong` lists {other.answer!r}, which is right")
        return self


class Line(Strict):
    """A line or block to put in its place. `after` names the lines that must stand before it.

    `feedback` is said where it stands too early, which `misconception` makes attractive.
    """

    id: Id
    code: Code
    after: list[Id] = []
    feedback: Text | None = None
    misconception: Id | None = None

    @model_validator(mode="after")
    def _feedback_if_it_can_be_early(self) -> Self:
        if bool(self.after) != bool(self.feedback) or bool(self.after) != bool(self.misconception):
            raise ValueError("`after`, `feedback` and `misconception` go together")
        return self


class Order(Base):
    """Put lines in order; every order that respects each line's `after` is right.

    `lines` are written in one right order. `code`, if there is any, runs before them.
    """

    type: Literal["order"]
    lines: Annotated[list[Line], Field(min_length=3, max_length=5)]

    @property
    def frameworks(self) -> tuple[str, ...]:
        """The frameworks of its lines."""
        return tuple(self.lines[0].code.programs)

    @model_validator(mode="after")
    def _lines_fit(self) -> Self:
        names = [line.id for line in self.lines]
        if repeated := _first_repeated(names):
            raise ValueError(f"duplicate line id `{repeated}`")
        for place, line in enumerate(self.lines):
            if tuple(line.code.programs) != self.frameworks:
                raise ValueError(f"line `{line.id}` is not for the frameworks of the others")
            if late := next((name for name in line.after if name not in names[:place]), None):
                raise ValueError(f"line `{line.id}` stands before `{late}`, which it is `after`")
        if not any(line.after for line in self.lines):
            raise ValueError("every order is right; say `after` of a line")
        return self

    def program(self, framework: str, order: Iterable[str]) -> str:
        """The whole program with its lines in this order of ids."""
        by_id = {line.id: line.code.programs[framework] for line in self.lines}
        begin = self.code.programs[framework] if self.code else ""
        return "\n".join([begin, *(by_id[name] for name in order)])


class Statement(Strict):
    """Something that is true of PyTorch, of TensorFlow, of both or of neither."""

    id: Id
    text: Text
    answer: Side
    feedback: Text
    misconception: Id


class Match(Base):
    """Say of each statement which framework it is true of."""

    type: Literal["match"]
    options: Annotated[list[Statement], Field(min_length=3)]

    @model_validator(mode="after")
    def _not_all_alike(self) -> Self:
        if repeated := _first_repeated([option.id for option in self.options]):
            raise ValueError(f"duplicate option id `{repeated}`")
        if len({option.answer for option in self.options}) == 1:
            raise ValueError("all statements have the same answer")
        return self


class MarkedLine(Strict):
    """A line of the program that ends in a comment with its letter, e.g. `# A`."""

    id: Letter
    correct: bool = False
    feedback: Text
    misconception: Id | None = None


class Spot(Base):
    """Choose the line that is the mistake; `repair` is what it should have been."""

    type: Literal["spot"]
    code: Code
    options: Annotated[list[MarkedLine], Field(min_length=3)]
    repair: Code

    @model_validator(mode="after")
    def _lines_are_marked(self) -> Self:
        _check_options(self.choices, most=1)
        letters = [option.id for option in self.options]
        for framework, program in self.code.programs.items():
            if (found := sorted(marked_lines(program))) != letters:
                marks = ", ".join(found).upper() or "none"
                raise ValueError(f"`options` must name the lines marked in {framework}: {marks}")
        if set(self.repair.programs) != set(self.code.programs):
            raise ValueError("`repair` must be for the same frameworks as `code`")
        return self

    @property
    def choices(self) -> list[Option]:
        """The marked lines as options, with the text of the line in each framework."""
        return [
            Option(text=self._told(option.id), **option.model_dump()) for option in self.options
        ]

    def _told(self, letter: str) -> str:
        lines = [marked_lines(program).get(letter, "") for program in self.code.programs.values()]
        told = " / ".join(f"`{line.strip()}`" for line in dict.fromkeys(lines))
        return f"{letter.upper()}: {told}"

    def repaired(self, framework: str) -> str:
        """The program with its mistake mended."""
        program = self.code.programs[framework]
        wrong = next(option.id for option in self.options if option.correct)
        lines = program.splitlines()
        place = next(n for n, line in enumerate(lines) if _letter(line) == wrong)
        margin = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
        lines[place] = textwrap.indent(self.repair.programs[framework], margin)
        return "\n".join(lines)


def marked_lines(program: str) -> dict[str, str]:
    """Letter -> the line that ends in a comment with it."""
    found = filter(None, map(MARK.match, program.splitlines()))
    return {mark["letter"].lower(): mark["line"] for mark in found}


def _letter(line: str) -> str:
    found = MARK.match(line)
    return found["letter"].lower() if found else ""


Item = Annotated[
    Single | Many | Numeric | Predict | Order | Match | Spot, Field(discriminator="type")
]
_ITEM: TypeAdapter[Item] = TypeAdapter(Item)


class Bank(Strict):
    """The quiz of one question; `quiz` is the name of its folder, e.g. `1-philosophy`.

    With `confidence` each item asks how sure the learner is. That is shown, never scored.
    """

    quiz: Id
    title: Text
    confidence: bool = False
    items: Annotated[list[Item], Field(min_length=1)]

    def item(self, item_id: str) -> Item:
        """The item of that id; raises CourseError when there is none."""
        for item in self.items:
            if item.id == item_id:
                return item
        known = ", ".join(item.id for item in self.items)
        raise CourseError(f"quiz {self.quiz} has no item {item_id!r}; it has: {known}")


def normalised(text: str) -> str:
    """A text with every run of white space as one blank."""
    return " ".join(text.split())


def comparable(text: object) -> str:
    """A typed prediction as it is compared: commas, quotes, capitals and line ends do not count."""
    told = text if isinstance(text, str) else ""
    return normalised(COMMAS_AND_QUOTES.sub(" ", told)).casefold()


def load_bank(path: Path) -> Bank:
    """Read and check a quiz.yml; raises BankError with file, item id and reason in one line."""
    content = read_yaml(path, BankError)
    if not isinstance(content, dict) or not isinstance(content.get("items"), list):
        raise BankError(f"{path}: a bank needs `quiz:`, `title:` and a list `items:`")
    items = [_load_item(path, place, raw) for place, raw in enumerate(content["items"], start=1)]
    repeated = _first_repeated([item.id for item in items])
    if repeated:
        raise BankError(f"{path}: item {repeated}: duplicate id")
    try:
        bank = Bank.model_validate({**content, "items": items})
    except ValidationError as error:
        raise BankError(f"{path}: {first_reason(error, content)}") from None
    if path.parent.name not in (bank.quiz, f"q{bank.quiz.replace('-', '_')}"):
        raise BankError(f"{path}: `quiz: {bank.quiz}` must be the name of its folder")
    return bank


def practice_bank(name: str) -> Bank:
    """The bank of one question's practice quiz, e.g. `1-philosophy`.

    Raises CourseError when the course has no such quiz or its bank is broken.
    """
    banks = {file.parent.name: file for file in sorted(root().glob("lessons/*/quiz.yml"))}
    if name not in banks:
        raise CourseError(
            f"there is no quiz {name!r}; the course has: {', '.join(banks) or 'none'}"
        )
    return load_bank(banks[name])


def first_reason(error: ValidationError, content: Any) -> str:
    """The first mistake that pydantic found in `content`, in a few words."""
    first = error.errors()[0]
    where = [part for part in first["loc"] if part not in _TYPES]
    field, kind = ".".join(_names(where, content)), first["type"]
    if kind == "missing":
        return f"`{field}` is missing"
    if kind == "extra_forbidden":
        return f"unknown key `{field}`"
    if kind == "union_tag_not_found":
        return "`type` is missing"
    if kind == "union_tag_invalid":
        return f"unknown type {first['ctx']['tag']!r}; types: {', '.join(_TYPES)}"
    reason = first["msg"].removeprefix("Value error, ")
    return f"`{field}`: {reason}" if field else reason


_TYPES = ("single", "many", "numeric", "predict", "order", "match", "spot")


def _load_item(path: Path, place: int, raw: Any) -> Item:
    named = isinstance(raw, dict) and isinstance(raw.get("id"), str)
    where = f"{path}: item {raw['id'] if named else f'number {place}'}"
    try:
        return _ITEM.validate_python(raw)
    except ValidationError as error:
        raise BankError(f"{where}: {first_reason(error, raw)}") from None


def _names(where: list[str | int], content: Any) -> list[str]:
    """The path to a mistake, with an entry of a list told by its id where it has one."""
    names = []
    for part in where:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            content = None
        told = content.get("id") if isinstance(part, int) and isinstance(content, dict) else None
        names.append(str(told or (part + 1 if isinstance(part, int) else part)))
    return names


def _check_options(options: list[Option], most: int) -> None:
    repeated = _first_repeated([option.id for option in options])
    if repeated:
        raise ValueError(f"duplicate option id `{repeated}`")
    right = sum(option.correct for option in options)
    if right == 0:
        raise ValueError("no correct option")
    if right > most:
        raise ValueError(f"{right} correct options; this item takes at most {most}")


def _first_repeated(names: list[str]) -> str | None:
    return next((name for place, name in enumerate(names) if name in names[:place]), None)
