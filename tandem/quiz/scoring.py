"""Marks: what an answer earns and what is said about it. Pure functions, no display, no store.

An answer is the list of chosen option ids (its order means nothing) or the typed text.
"""

import math
from dataclasses import dataclass
from functools import singledispatch

from tandem.quiz.model import (
    Bank,
    Base,
    Item,
    Many,
    Numeric,
    Option,
    Predict,
    Single,
    comparable,
    normalised,
)

Answer = list[str] | str


class NotAnAnswer(ValueError):
    """Nothing that could be marked was given; the message says what to do. It is not a mistake."""


@dataclass(frozen=True)
class Remark:
    """What is said about one part of an answer; `given` is the option's text or what was typed."""

    given: str
    right: bool
    feedback: str
    misconception: str | None = None


@dataclass(frozen=True)
class Mark:
    """What an answer is worth: `earned` of `points`; `missing` counts right options not chosen."""

    earned: float
    points: int
    remarks: tuple[Remark, ...]
    missing: int = 0

    @property
    def correct(self) -> bool:
        """Whether the answer earned everything."""
        return self.earned == self.points


@dataclass(frozen=True)
class Summary:
    """Where a learner stands in a quiz.

    `earned` of `points` counts the best answer to each item; `first_try` counts the items whose
    first answer was right. `again` lists the ids of the items that were answered and are not right
    yet, `later` of those that were right at a later try, both in the bank's order.
    """

    earned: float
    points: int
    answered: int
    items: int
    first_try: int
    again: list[str]
    later: list[str]


@singledispatch
def mark(item: Base, answer: Answer) -> Mark:
    """Mark one answer. It depends on nothing else: not on order, shuffle or earlier attempts.

    Raises NotAnAnswer when there is nothing to mark, e.g. no option chosen.
    """
    raise NotImplementedError(f"no marking for items of type {type(item).__name__}")


@mark.register
def _(item: Single, answer: Answer) -> Mark:
    return _mark_one_option(item, item.options, answer)


@mark.register
def _(item: Many, answer: Answer) -> Mark:
    chosen = _chosen(item.options, answer)
    right = sum(option.correct for option in item.options)
    hits = sum(option.correct for option in chosen)
    share = max(0, hits - (len(chosen) - hits)) / right  # a wrong tick takes back a right one
    remarks = tuple(_remark(option) for option in chosen)
    return Mark(item.points * share, item.points, remarks, missing=right - hits)


@mark.register
def _(item: Numeric, answer: Answer) -> Mark:
    number = _number(answer)
    if abs(number - item.answer) <= item.tolerance:
        return _typed(item, answer, right=True, feedback=f"The answer is {item.answer:g}.")
    for other in item.wrong:
        if abs(number - other.answer) <= item.tolerance:
            return _typed(item, answer, False, other.feedback, other.misconception)
    return _typed(item, answer, False, "That is not the number.")


@mark.register
def _(item: Predict, answer: Answer) -> Mark:
    if item.options:
        return _mark_one_option(item, item.options, answer)
    typed = normalised(answer) if isinstance(answer, str) else ""
    given, printed = comparable(typed), comparable(item.answer)
    if not given:
        raise NotAnAnswer("Type what is printed first.")
    if given == printed:
        return _typed(item, typed, right=True, feedback="That is what is printed.")
    for other in item.wrong:
        if given == comparable(other.answer):
            return _typed(item, typed, False, other.feedback, other.misconception)
    return _typed(item, typed, False, _difference(given.split(), printed.split()))


def summary(bank: Bank, entries: list[dict]) -> Summary:
    """Sum up the stored answers (`{"quiz", "item", "answer"}`, oldest first) to one quiz."""
    marks = {item.id: marks_of(bank.quiz, item, entries) for item in bank.items}
    tried = [item for item in bank.items if marks[item.id]]
    wrong_first = [item.id for item in tried if not marks[item.id][0].correct]
    solved = {item.id for item in tried if any(m.correct for m in marks[item.id])}
    return Summary(
        earned=sum(max(m.earned for m in marks[item.id]) for item in tried),
        points=sum(item.points for item in bank.items),
        answered=len(tried),
        items=len(bank.items),
        first_try=len(tried) - len(wrong_first),
        again=[item_id for item_id in wrong_first if item_id not in solved],
        later=[item_id for item_id in wrong_first if item_id in solved],
    )


def answers_to(quiz: str, item: Item, entries: list[dict]) -> list[Answer]:
    """The stored answers to one item that can still be marked, oldest first."""
    given = [
        entry.get("answer")
        for entry in entries
        if entry.get("quiz") == quiz and entry.get("item") == item.id
    ]
    return [answer for answer in given if _markable(item, answer)]


def marks_of(quiz: str, item: Item, entries: list[dict]) -> list[Mark]:
    """The marks of the stored answers to one item, oldest first."""
    return [mark(item, answer) for answer in answers_to(quiz, item, entries)]


def _markable(item: Item, answer: object) -> bool:
    try:
        mark(item, answer)
    except NotAnAnswer:  # e.g. an option that has left the bank since
        return False
    return True


def _mark_one_option(item: Base, options: list[Option], answer: Answer) -> Mark:
    chosen = _chosen(options, answer)
    right = len(chosen) == 1 and chosen[0].correct
    remarks = tuple(_remark(option) for option in chosen)
    return Mark(float(item.points if right else 0), item.points, remarks)


def _chosen(options: list[Option], answer: Answer) -> list[Option]:
    """The chosen options, in the bank's order."""
    chosen = [option for option in options if isinstance(answer, list) and option.id in answer]
    if not chosen:
        raise NotAnAnswer("Choose an option first.")
    return chosen


def _remark(option: Option) -> Remark:
    return Remark(option.text, option.correct, option.feedback, option.misconception)


def _typed(
    item: Base, given: str, right: bool, feedback: str, misconception: str | None = None
) -> Mark:
    remark = Remark(f"`{given.strip()}`", right, feedback, misconception)
    return Mark(float(item.points if right else 0), item.points, (remark,))


def _difference(typed: list[str], printed: list[str]) -> str:
    """What can be said about a wrong prediction that no `wrong` of the item foresees."""
    unknown = next((word for word in typed if word not in printed), None)
    if unknown:
        return f"`{unknown}` is not printed."
    if sorted(typed) == sorted(printed):
        return "These are the right words, but they are printed in another order."
    return "Each of these words is printed, but count how often: there is one too many or too few."


def _number(answer: Answer) -> float:
    try:
        number = float(answer) if isinstance(answer, str) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise NotAnAnswer("Type a number in digits first, such as 12 or 0.5.")
    return number
