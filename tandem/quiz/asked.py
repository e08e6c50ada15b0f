"""What a learner is asked, without what would answer it: no key, no check, no feedback.

Controls are made from this form alone. A graded quiz is released in it.

An answer is the list of chosen option ids (its order means nothing), the list of line ids in their
order, a side for each statement by its id, or the typed text.
"""

import math
from typing import Literal

from pydantic import Field

from tandem.quiz.model import (
    Bank,
    Base,
    Code,
    Id,
    Item,
    Many,
    Match,
    Numeric,
    Order,
    Points,
    Predict,
    Spot,
    Strict,
    Text,
    comparable,
)

Kind = Literal["one", "several", "number", "text", "order", "sides"]
Answer = list[str] | dict[str, str] | str
SIDES = {"pytorch": "PyTorch", "tensorflow": "TensorFlow", "both": "both", "neither": "neither"}


class Choice(Strict):
    """An option, a statement, or (with `code`) a line to put in order."""

    id: Id
    text: str = ""
    code: Code | None = None


class Asked(Strict):
    """One item as it is asked; `choices` stand in no telling order."""

    id: Id
    kind: Kind
    stem: Text
    code: Code | None = None
    points: Points
    choices: list[Choice] = Field(default_factory=list)


class AskedBank(Strict):
    """A graded quiz as students get it."""

    quiz: Id
    title: Text
    items: list[Asked]


def asked(item: Item) -> Asked:
    """The item without anything that would answer it."""
    choices = sorted(_choices(item), key=lambda choice: choice.id)
    return Asked(
        id=item.id,
        kind=_kind(item),
        stem=item.stem,
        code=item.code,
        points=item.points,
        choices=choices,
    )


def asked_bank(bank: Bank) -> AskedBank:
    """The whole bank in that form."""
    return AskedBank(quiz=bank.quiz, title=bank.title, items=[asked(item) for item in bank.items])


def lacking(item: Asked, answer: object) -> str:
    """What is missing before an answer can be marked, said to the learner; empty if nothing is."""
    names = {choice.id for choice in item.choices}
    if item.kind == "number":
        return "" if _is_number(answer) else "Type a number in digits first, such as 12 or 0.5."
    if item.kind == "text":
        return "" if comparable(answer) else "Type what is printed first."
    if item.kind == "sides":
        sides = answer if isinstance(answer, dict) else {}
        missing = [name for name in names if sides.get(name) not in list(SIDES)]
        return "Choose for every statement first." if missing else ""
    given = answer if isinstance(answer, list) else []
    known = {name for name in given if isinstance(name, str)} & names
    if item.kind == "order":
        complete = known == names and len(given) == len(names)
        return "" if complete else "Give each line a place of its own first."
    return "" if known else "Choose an option first."


def _is_number(answer: object) -> bool:
    try:
        return isinstance(answer, str) and math.isfinite(float(answer))
    except ValueError:
        return False


def _kind(item: Base) -> Kind:
    if isinstance(item, Order):
        return "order"
    if isinstance(item, Match):
        return "sides"
    if isinstance(item, Numeric):
        return "number"
    if isinstance(item, Many):
        return "several"
    return "text" if isinstance(item, Predict) and not item.options else "one"


def _choices(item: Base) -> list[Choice]:
    if isinstance(item, Order):
        return [Choice(id=line.id, code=line.code) for line in item.lines]
    options = item.choices if isinstance(item, Spot) else getattr(item, "options", None)
    return [Choice(id=option.id, text=option.text) for option in options or []]
