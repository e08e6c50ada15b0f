"""Marks: what an answer earns and what is said about it. Pure functions, no display, no store."""

from dataclasses import dataclass
from functools import singledispatch

from tandem.quiz.asked import SIDES, Answer, asked, lacking
from tandem.quiz.model import (
    Bank,
    Base,
    Item,
    Line,
    Many,
    Match,
    Numeric,
    Option,
    Order,
    Predict,
    Single,
    Spot,
    Statement,
    WrongNumber,
    WrongText,
    comparable,
    normalised,
)

# The kinds of entries in the learner's file: answers in practice, and votes.
KIND, VOTES = "answers", "votes"
# What a learner may say of an answer, and what is stored.
LEVELS = (("a guess", "guess"), ("fairly sure", "fairly"), ("certain", "certain"))


# Parts of answers that have no id: a right order, and what is typed and not foreseen.
IN_ORDER, OTHER = "a right order", "something else"


class NotAnAnswer(ValueError):
    """Nothing that could be marked was given; the message says what to do. It is not a mistake."""


@dataclass(frozen=True)
class Remark:
    """What is said about one part of an answer; `given` is the option's text or what was typed.

    `part` names it among the parts that answers to this item can have (see `parts`).
    """

    given: str
    right: bool
    feedback: str
    misconception: str | None = None
    part: str = OTHER


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


def mark(item: Item, answer: Answer) -> Mark:
    """Mark one answer. It depends on nothing else: not on order, shuffle or earlier attempts.

    Raises NotAnAnswer when there is nothing to mark, e.g. no option chosen.
    """
    missing = lacking(asked(item), answer)
    if missing:
        raise NotAnAnswer(missing)
    return _mark(item, answer)


def parts(item: Item) -> dict[str, tuple[bool, str | None]]:
    """Every part that an answer to the item can have -> whether it is right, its misconception.

    A part is an option, a statement on a side, a line that stands too early, or a foreseen answer.
    """
    if isinstance(item, Order):
        early = {line.id: (False, line.misconception) for line in item.lines if line.after}
        return {IN_ORDER: (True, None), **early}
    if isinstance(item, Match):
        return {
            _placed(each, side): (right, None if right else each.misconception)
            for each in item.options
            for side in SIDES
            for right in [side == each.answer]
        }
    options = item.choices if isinstance(item, Spot) else getattr(item, "options", None)
    if options:
        return {option.id: (option.correct, option.misconception) for option in options}
    wrong = {_foreseen(each.answer): (False, each.misconception) for each in item.wrong}
    return {_foreseen(item.answer): (True, None), **wrong, OTHER: (False, None)}


def key(item: Item) -> Answer:
    """The right answer, in the form that learners give it; of several right orders, the bank's."""
    if isinstance(item, Order):
        return [line.id for line in item.lines]
    if isinstance(item, Match):
        return {option.id: option.answer for option in item.options}
    options = getattr(item, "options", None)
    return [each.id for each in options if each.correct] if options else f"{item.answer}"


@singledispatch
def _mark(item: Base, answer: Answer) -> Mark:
    raise NotImplementedError(f"no marking for items of type {type(item).__name__}")


@_mark.register
def _(item: Single, answer: Answer) -> Mark:
    return _mark_one_option(item, item.options, answer)


@_mark.register
def _(item: Many, answer: Answer) -> Mark:
    chosen = _chosen(item.options, answer)
    right = sum(option.correct for option in item.options)
    hits = sum(option.correct for option in chosen)
    share = max(0, hits - (len(chosen) - hits)) / right  # a wrong tick takes back a right one
    remarks = tuple(_remark(option) for option in chosen)
    return Mark(item.points * share, item.points, remarks, missing=right - hits)


@_mark.register
def _(item: Numeric, answer: Answer) -> Mark:
    number = float(answer)
    if abs(number - item.answer) <= item.tolerance:
        told = f"The answer is {item.answer:g}."
        return _typed(item, answer, True, told, part=_foreseen(item.answer))
    for other in item.wrong:
        if abs(number - other.answer) <= item.tolerance:
            return _typed_as(item, answer, other)
    return _typed(item, answer, False, "That is not the number.")


@_mark.register
def _(item: Predict, answer: Answer) -> Mark:
    if item.options:
        return _mark_one_option(item, item.options, answer)
    typed = normalised(answer)
    given, printed = comparable(typed), comparable(item.answer)
    if given == printed:
        told = "That is what is printed."
        return _typed(item, typed, True, told, part=_foreseen(item.answer))
    for other in item.wrong:
        if given == comparable(other.answer):
            return _typed_as(item, typed, other)
    return _typed(item, typed, False, _difference(given.split(), printed.split()))


@_mark.register
def _(item: Order, answer: Answer) -> Mark:
    early = _first_too_early(item, answer)
    if early is None:
        told = Remark("Your order", True, "Each line finds what it needs.", part=IN_ORDER)
    else:
        told = Remark(_code(early), False, early.feedback, early.misconception, early.id)
    return Mark(float(0 if early else item.points), item.points, (told,))


@_mark.register
def _(item: Match, answer: Answer) -> Mark:
    remarks = []
    for option in item.options:
        side = answer[option.id]
        right = side == option.answer
        told = f"{option.text.removesuffix('.')}: {SIDES[side]}"
        misconception = None if right else option.misconception
        part = _placed(option, side)
        remarks.append(Remark(told, right, option.feedback, misconception, part))
    hits = sum(remark.right for remark in remarks)
    wrong = len(remarks) - hits
    share = max(0, hits - wrong) / len(remarks)  # a wrong one takes back a right one
    return Mark(item.points * share, item.points, tuple(remarks))


@_mark.register
def _(item: Spot, answer: Answer) -> Mark:
    return _mark_one_option(item, item.choices, answer)


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


def calibration(bank: Bank, entries: list[dict]) -> dict[str, tuple[int, int]]:
    """How sure -> (how often right, how often said), for first answers that say how sure."""
    counts: dict[str, tuple[int, int]] = {}
    for item in bank.items:
        first = next(iter(entries_to(bank.quiz, item, entries)), {})
        if level := first.get("confidence"):
            right, said = counts.get(level, (0, 0))
            counts[level] = right + mark(item, first["answer"]).correct, said + 1
    return counts


def entries_to(quiz: str, item: Item, entries: list[dict]) -> list[dict]:
    """The entries that answer one item and can still be marked, oldest first."""
    return [
        entry
        for entry in entries
        if (entry.get("quiz"), entry.get("item")) == (quiz, item.id)
        and _markable(item, entry.get("answer"))
    ]


def calibration_told(bank: Bank, entries: list[dict]) -> str:
    """The calibration in words; empty when the learner never said how sure they were."""
    counts = calibration(bank, entries)
    told = [f"{label}: {counts[k][0]} of {counts[k][1]}" for label, k in LEVELS if k in counts]
    return f"Right at first try, by how sure you were: {'; '.join(told)}." if told else ""


def answers_to(quiz: str, item: Item, entries: list[dict]) -> list[Answer]:
    """The stored answers to one item that can still be marked, oldest first."""
    return [entry["answer"] for entry in entries_to(quiz, item, entries)]


def marks_of(quiz: str, item: Item, entries: list[dict]) -> list[Mark]:
    """The marks of the stored answers to one item, oldest first."""
    return [mark(item, answer) for answer in answers_to(quiz, item, entries)]


def _markable(item: Item, answer: object) -> bool:
    try:
        mark(item, answer)
    except NotAnAnswer:  # e.g. an option that has left the bank since
        return False
    return True


def _first_too_early(item: Order, answer: list[str]) -> Line | None:
    """The first line that stands before one that it needs."""
    lines = {line.id: line for line in item.lines}
    for place, name in enumerate(answer):
        if not set(lines[name].after) <= set(answer[:place]):
            return lines[name]
    return None


def _code(line: Line) -> str:
    programs = dict.fromkeys(line.code.programs.values())
    return " / ".join(f"`{program.splitlines()[0]}`" for program in programs)


def _mark_one_option(item: Base, options: list[Option], answer: Answer) -> Mark:
    chosen = _chosen(options, answer)
    right = len(chosen) == 1 and chosen[0].correct
    remarks = tuple(_remark(option) for option in chosen)
    return Mark(float(item.points if right else 0), item.points, remarks)


def _chosen(options: list[Option], answer: Answer) -> list[Option]:
    """The chosen options, in the bank's order."""
    return [option for option in options if option.id in answer]


def _remark(option: Option) -> Remark:
    return Remark(
        option.text, option.correct, option.feedback, option.misconception, part=option.id
    )


def _typed(
    item: Base,
    given: str,
    right: bool,
    feedback: str,
    misconception: str | None = None,
    part: str = OTHER,
) -> Mark:
    remark = Remark(f"`{given.strip()}`", right, feedback, misconception, part)
    return Mark(float(item.points if right else 0), item.points, (remark,))


def _typed_as(item: Base, given: str, wrong: WrongNumber | WrongText) -> Mark:
    """The mark of an answer that the item foresees as wrong."""
    part = _foreseen(wrong.answer)
    return _typed(item, given, False, wrong.feedback, wrong.misconception, part)


def _foreseen(answer: float | str) -> str:
    return normalised(answer) if isinstance(answer, str) else f"{answer:.12g}"


def _placed(option: Statement, side: str) -> str:
    return f"{option.id}: {side}"


def _difference(typed: list[str], printed: list[str]) -> str:
    """What can be said about a wrong prediction that no `wrong` of the item foresees."""
    unknown = next((word for word in typed if word not in printed), None)
    if unknown:
        return f"`{unknown}` is not printed."
    if sorted(typed) == sorted(printed):
        return "These are the right words, but they are printed in another order."
    return "Each of these words is printed, but count how often: there is one too many or too few."
