"""A bank as text in GIFT, the format that Moodle's question bank imports.

Every text is HTML that begins with a tag, so that none begins with something that GIFT reads as its
own. What GIFT cannot say is left out: hints, and how many points an item is worth.
"""

import html
import re
from functools import singledispatch

from tandem.course import FRAMEWORKS
from tandem.quiz.asked import SIDES
from tandem.quiz.markup import inline
from tandem.quiz.model import (
    Bank,
    Base,
    Code,
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
    comparable,
    normalised,
)

RESERVED = re.compile(r"[\\~=#{}:]")
MATH = re.compile(r"(?P<kept>`[^`]*`|\$\$.+?\$\$)|\$(?P<math>[^$]+)\$", re.DOTALL)
ONE_LINE = "Type everything on one line, with one blank between two words."
WHICH_ORDER = "Which order of these lines is right?"


def gift(bank: Bank) -> str:
    """All items of the bank, each a question with the item's id as its name."""
    return "\n\n".join([f"// {bank.title}", *(_question(item) for item in bank.items)]) + "\n"


def escaped(text: str) -> str:
    """The text on one line, with everything that GIFT reads as a sign of its own kept a letter."""
    lines = re.split("\r\n?|\n", RESERVED.sub(r"\\\g<0>", text))
    return "\\n".join(lines)


def _question(item: Item) -> str:
    begin = "{#" if isinstance(item, Numeric) else "{"
    asks = escaped(_stem(item.stem) + _code(item.code) + _asks_too(item))
    reasons = escaped(_paragraph(item.explanation) + _reasons(item))
    answers = "\n".join(_answers(item))
    return f"::{item.id}::[html]{asks}{begin}\n{answers}\n####{reasons}\n}}"


@singledispatch
def _answers(item: Base) -> list[str]:
    """The lines between the braces."""
    raise NotImplementedError(f"no GIFT for items of type {type(item).__name__}")


@_answers.register
def _(item: Single) -> list[str]:
    return _one_of(item.options)


@_answers.register
def _(item: Many) -> list[str]:
    each = 100 / sum(option.correct for option in item.options)  # a wrong one takes it back
    return [
        _line(f"~%{each if option.correct else -each:.7g}%", option.text, option.feedback)
        for option in item.options
    ]


@_answers.register
def _(item: Numeric) -> list[str]:
    right = f"=%100%{_number(item.answer)}:{_number(item.tolerance)}"
    wrong = [
        f"=%0%{_number(each.answer)}:{_number(item.tolerance)}#{_html(each.feedback)}"
        for each in item.wrong
    ]
    return [right, *wrong]


@_answers.register
def _(item: Predict) -> list[str]:
    if item.options:
        return _one_of(item.options)
    right = [f"=%100%[plain]{text}" for text in _spellings(item.answer)]
    wrong = [
        f"=%0%[plain]{text}#{_html(each.feedback)}"
        for each in item.wrong
        for text in _spellings(each.answer)
    ]
    return [*right, *wrong]


@_answers.register
def _(item: Order) -> list[str]:
    """The bank's order, and for each line that can stand too early the order where it does."""
    lines = [_line("=", _letters(item, item.lines), "Each line finds what it needs.")]
    for early in filter(lambda line: line.after, item.lines):
        others = [line for line in item.lines if line is not early]
        place = next(n for n, line in enumerate(others) if line.id in early.after)
        order = [*others[:place], early, *others[place:]]
        lines.append(_line("~%0%", _letters(item, order), early.feedback))
    return lines


@_answers.register
def _(item: Match) -> list[str]:
    pairs = [f"={_html(each.text)} -> {SIDES[each.answer]}" for each in item.options]
    unused = [side for side in SIDES if side not in {each.answer for each in item.options}]
    return [*pairs, *(f"= -> {SIDES[side]}" for side in unused)]


@_answers.register
def _(item: Spot) -> list[str]:
    return _one_of(item.choices)


def _one_of(options: list[Option]) -> list[str]:
    return [
        _line("=" if option.correct else "~%0%", option.text, option.feedback) for option in options
    ]


def _line(weight: str, text: str, feedback: str) -> str:
    return f"{weight}{_html(text)}#{_html(feedback)}"


def _html(text: str) -> str:
    return escaped(_paragraph(text))


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _spellings(answer: str) -> list[str]:
    """An output on one line as typed, and without commas and quotes; Moodle ignores capitals.

    `*` stands for any text in Moodle. `->` would make a matching question, and has no escape.
    """
    as_typed = normalised(answer)
    both = (
        [as_typed, comparable(answer)] if comparable(answer) != as_typed.casefold() else [as_typed]
    )
    return [escaped(text.replace("*", "\\*").replace("->", "-*>")) for text in both]


def _asks_too(item: Item) -> str:
    """What the stem does not say, because in a notebook the control says it."""
    if isinstance(item, Order):
        shown = zip("ABCDE", _in_no_telling_order(item), strict=False)
        lines = "".join(f"<p>{letter}</p>{_code(line.code)}" for letter, line in shown)
        return _paragraph(WHICH_ORDER) + lines
    if isinstance(item, Predict) and not item.options:
        return _paragraph(ONE_LINE)
    return ""


def _letters(item: Order, order: list[Line]) -> str:
    letters = dict(zip((line.id for line in _in_no_telling_order(item)), "ABCDE", strict=False))
    return ", ".join(letters[line.id] for line in order)


def _in_no_telling_order(item: Order) -> list[Line]:
    return sorted(item.lines, key=lambda line: line.id)


def _reasons(item: Item) -> str:
    """Feedback for which GIFT has no place beside the answers."""
    if not isinstance(item, Match):
        return ""
    rows = (f"<li>{inline(each.text)}<br>{inline(each.feedback)}</li>" for each in item.options)
    return f"<ul>{''.join(rows)}</ul>"


def _stem(text: str) -> str:
    """Paragraphs; a formula between dollars in the form that Moodle shows as one."""
    told = MATH.sub(lambda found: found["kept"] or rf"\({found['math']}\)", text)
    return "".join(_paragraph(each) for each in re.split(r"\n\s*\n", told))


def _paragraph(text: str) -> str:
    return f"<p>{inline(text)}</p>"


def _code(code: Code | None) -> str:
    if code is None:
        return ""
    columns = {FRAMEWORKS[name]: text for name, text in code.programs.items()}
    if code.both:
        columns = {" and ".join(columns): code.both}
    return "".join(
        f"<p><strong>{name}</strong></p><pre>{html.escape(text, quote=False)}</pre>"
        for name, text in columns.items()
    )
