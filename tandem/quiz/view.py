"""The controls of a quiz in a notebook. Building them reads the store; only Check writes to it.

Colours are JupyterLab's theme variables, and a verdict is always also a word.
"""

import html
import random
import re
from collections.abc import Callable
from functools import singledispatch

import ipywidgets as widgets
from IPython.display import HTML, display

from tandem.course import FRAMEWORKS
from tandem.quiz.model import Bank, Base, Item, Many, Numeric, Option, Predict, Single
from tandem.quiz.scoring import (
    Answer,
    Mark,
    NotAnAnswer,
    Remark,
    answers_to,
    mark,
    summary,
)
from tandem.store import Store

KIND = "answers"
FULL = widgets.Layout(width="100%", height="auto")
MARKED = re.compile(r"`(?P<code>[^`]+)`|\[(?P<words>[^\]]+)\]\((?P<address>https://[^\s\"()]+)\)")
TWICE = "A lesson that is not open yet opens at its top; press the link again to reach the section."
STYLE = """<style>
.tandem-quiz { color: var(--jp-ui-font-color1); line-height: 1.5; padding: 2px 1% }
.tandem-quiz .widget-checkbox { height: auto; margin: 2px 0 }
.tandem-quiz .widget-checkbox .widget-label-basic { align-items: flex-start; height: auto;
  width: 100%; white-space: normal; line-height: 1.5; color: var(--jp-ui-font-color1) }
.tandem-quiz .widget-checkbox input { flex: none; margin: 4px 8px 0 2px }
.tandem-quiz .widget-html-content { line-height: 1.5; height: auto }
.tandem-quiz textarea, .tandem-quiz input[type=text] { font-family: var(--jp-code-font-family) }
.tandem-quiz button:focus-visible, .tandem-quiz input:focus-visible,
.tandem-quiz textarea:focus-visible { outline: 2px solid var(--jp-brand-color1) !important;
  outline-offset: 2px }
.tandem-quiz code { background: var(--jp-layout-color2); color: var(--jp-ui-font-color1);
  font-family: var(--jp-code-font-family); padding: 0 3px; white-space: pre-wrap }
.tandem-quiz p { margin: 4px 0 }
.tandem-quiz a { color: var(--jp-content-link-color); text-decoration: underline }
.tandem-quiz .said { border-left: 4px solid var(--jp-border-color1); padding-left: 1% }
.tandem-quiz .correct { border-left-color: var(--jp-success-color1) }
.tandem-quiz .not-yet { border-left-color: var(--jp-warn-color1) }
</style>"""


class Choices:
    """One checkbox per option; with `exclusive`, choosing one lets go of the others."""

    def __init__(self, options: list[Option], exclusive: bool) -> None:
        self._boxes = {option.id: _checkbox(option) for option in options}
        one = "Choose one (a new choice replaces the old one):"
        lead = one if exclusive else "Choose every one that applies:"
        self.widget = _column([widgets.HTML(lead), *self._boxes.values()])
        if exclusive:
            for box in self._boxes.values():
                box.observe(self._let_go_of_others, names="value")

    @property
    def answer(self) -> list[str]:
        """Ids of the chosen options, sorted: the order on the screen means nothing."""
        return sorted(option_id for option_id, box in self._boxes.items() if box.value)

    @answer.setter
    def answer(self, chosen: Answer) -> None:
        for option_id, box in self._boxes.items():
            box.value = option_id in chosen

    def _let_go_of_others(self, change: dict) -> None:
        if change["new"]:
            for box in self._boxes.values():
                if box is not change["owner"]:
                    box.value = False

    def on_change(self, react: Callable[[], None]) -> None:
        """Call `react` whenever the answer changes."""
        for box in self._boxes.values():
            box.observe(lambda _: react(), names="value")


class Typed:
    """A field to type into. The label is the field's accessible name."""

    def __init__(self, field: widgets.Text | widgets.Textarea, label: str) -> None:
        self._field = field
        field.description, field.style.description_width = label, "auto"
        field.layout.width = "60%"
        # Sent when the field is left: key by key, the last ones could reach the kernel after Check.
        field.continuous_update = False
        self.widget = _column([field])

    @property
    def answer(self) -> str:
        """The text as typed."""
        return self._field.value

    @answer.setter
    def answer(self, text: Answer) -> None:
        self._field.value = text if isinstance(text, str) else ""

    def on_change(self, react: Callable[[], None]) -> None:
        """Call `react` whenever the answer changes."""
        self._field.observe(lambda _: react(), names="value")


Control = Choices | Typed


@singledispatch
def control(item: Base, seed: str) -> Control:
    """The control that asks for an answer to the item; `seed` decides the order of its options."""
    raise NotImplementedError(f"no control for items of type {type(item).__name__}")


@control.register
def _(item: Single, seed: str) -> Control:
    return Choices(shuffled(item.options, seed), exclusive=True)


@control.register
def _(item: Many, seed: str) -> Control:
    return Choices(shuffled(item.options, seed), exclusive=False)


@control.register
def _(item: Numeric, seed: str) -> Control:
    return Typed(widgets.Text(), "Your number:")


@control.register
def _(item: Predict, seed: str) -> Control:
    if item.options:
        return Choices(shuffled(item.options, seed), exclusive=True)
    return Typed(widgets.Textarea(rows=3), "It prints:")


def shuffled(options: list[Option], seed: str) -> list[Option]:
    """The options in an order that depends on the seed alone."""
    return random.Random(seed).sample(options, k=len(options))


class ItemView:
    """The controls of one item: the answer, Check, Hint, Explanation, and what is said about it."""

    def __init__(self, quiz: str, item: Item, store: Store) -> None:
        self._quiz, self._item, self._store = quiz, item, store
        self._answers = answers_to(quiz, item, store.entries(KIND))
        self._hints_shown, self._explained = 0, False
        self.control = control(item, f"{quiz}/{item.id}/{store.learner}")
        self.check = _button("Check", "primary", self._check)
        self.hint = _button(self._hint_label(), "", self._hint)
        self.explain = _button("Explanation", "", self._explain)
        self.feedback, self.notes = _live_region(), _live_region()
        buttons = [self.check, *([self.hint] if item.hints else []), self.explain]
        style = widgets.HTML(STYLE, layout=widgets.Layout(display="none"))
        spaced = widgets.Layout(width="100%", flex_flow="row wrap", margin="8px 0 0 0")
        row = widgets.Box(buttons, layout=spaced)
        row.layout.overflow = "visible"  # or the ring around the button in focus is cut off
        self.widget = _column([style, self.control.widget, row, self.feedback, self.notes])
        self.widget.add_class("tandem-quiz")
        if self._answers:
            self.control.answer = self._answers[-1]
            self._show(mark(self._item, self._answers[-1]))
        self.control.on_change(self._changed)

    def _changed(self) -> None:
        """What was said holds for the checked answer only."""
        if not self._answers:
            return
        if self.control.answer == self._answers[-1]:
            self._show(mark(self._item, self._answers[-1]))
        else:
            _say(self.feedback, "", "<p>Your answer has changed. Press Check.</p>")

    def _check(self, _: widgets.Button) -> None:
        answer = self.control.answer
        try:
            result = mark(self._item, answer)
        except NotAnAnswer as ask:
            _say(self.feedback, "", f"<p>{html.escape(str(ask))}</p>")
            return
        if not self._answers or answer != self._answers[-1]:  # a second click is no new attempt
            self._store.append(KIND, self._entry(answer, result))
            self._answers.append(answer)
        self._show(result)

    def _entry(self, answer: Answer, result: Mark) -> dict:
        return {
            "quiz": self._quiz,
            "item": self._item.id,
            "answer": answer,
            "earned": result.earned,
            "points": result.points,
            "hints": self._hints_shown,
            "explained": self._explained,
        }

    def _show(self, result: Mark) -> None:
        verdict = "Correct" if result.correct else "Not yet"
        score = f"{_points(result.earned)} of {_count(result.points, 'point')}"
        head = f"<p><strong>{verdict}.</strong> {score}. Attempt {len(self._answers)}.</p>"
        parts = [_remark(remark) for remark in result.remarks]
        if result.missing:
            parts.append(f"<p>Still to be found: {result.missing}.</p>")
        if result.correct:
            parts.append(f"<p>{inline(self._item.explanation)}</p>")
        _say(self.feedback, "correct" if result.correct else "not-yet", head + "".join(parts))

    def _hint(self, _: widgets.Button) -> None:
        self._hints_shown = min(self._hints_shown + 1, len(self._item.hints))
        self.hint.description = self._hint_label()
        self._show_notes()

    def _hint_label(self) -> str:
        left = len(self._item.hints) - self._hints_shown
        return f"Hint ({left} left)" if left else "No more hints"

    def _explain(self, _: widgets.Button) -> None:
        if not self._answers:
            _say(self.notes, "", "<p>Answer first, then ask for the explanation.</p>")
            return
        self._explained = True
        self._show_notes()

    def _show_notes(self) -> None:
        parts = [
            f"<p>Hint {number}: {inline(hint)}</p>"
            for number, hint in enumerate(self._item.hints[: self._hints_shown], start=1)
        ]
        if self._explained:
            parts.append(f"<p><strong>Explanation.</strong> {inline(self._item.explanation)}</p>")
        _say(self.notes, "", "".join(parts))


class Quiz:
    """The quiz of one question for one learner."""

    def __init__(self, bank: Bank, store: Store) -> None:
        self.bank, self._store = bank, store

    def view(self, item_id: str) -> ItemView:
        """The controls of one item, with the last stored answer in them."""
        return ItemView(self.bank.quiz, self.bank.item(item_id), self._store)

    def ask(self, item_id: str) -> None:
        """Display the controls of one item."""
        display(self.view(item_id).widget)

    def summary(self) -> None:
        """Display the score so far, and what to look at again."""
        display(HTML(self.summary_html()))

    def summary_html(self) -> str:
        """What `summary` displays."""
        now = summary(self.bank, self._store.entries(KIND))
        if not now.answered:
            return "<p>No answers yet. After you have answered, run this cell again.</p>"
        lines = [
            f"<p><strong>{_points(now.earned)} of {_count(now.points, 'point')}</strong>, "
            f"{now.answered} of {now.items} questions answered, "
            f"{now.first_try} right at first try.</p>"
        ]
        lines += self._places("Look again at", now.again)
        lines += self._places("Right at a later try", now.later)
        if now.again or now.later:  # JupyterLab follows a link into a notebook only if it is open
            lines.append(f"<p>{TWICE}</p>")
        lines.append("<p>Run this cell again to renew it.</p>")
        return "".join(lines)

    def _places(self, title: str, item_ids: list[str]) -> list[str]:
        """A list of questions with what each is about and where to read on; none, if empty."""
        rows = [
            f"<li>question {place}{_topic(item)}: read {_section(item.section)}</li>"
            for place, item in enumerate(self.bank.items, start=1)
            if item.id in item_ids
        ]
        return [f"<p>{title}:</p><ul>{''.join(rows)}</ul>"] if rows else []


def inline(text: str) -> str:
    """Plain text as HTML, with `code` between backticks and links: [words](https://address)."""
    return MARKED.sub(_marked, html.escape(text, quote=False))


def _marked(found: re.Match) -> str:
    if found["code"]:
        return f"<code>{found['code']}</code>"
    return f'<a href="{found["address"]}" target="_blank" rel="noopener">{found["words"]}</a>'


def _topic(item: Item) -> str:
    return f", {inline(item.topic)}" if item.topic else ""


def _section(section: str) -> str:
    """A section by name, with a link to its lesson in each framework (beside the quiz)."""
    lesson, heading = section.split("#", 1)
    anchor = html.escape(heading.replace(" ", "-"))
    links = " or ".join(
        f'<a href="{lesson}.{framework}.ipynb#{anchor}">{name}</a>'
        for framework, name in FRAMEWORKS.items()
    )
    return f"<em>{html.escape(heading)}</em> in {links}"


def _remark(remark: Remark) -> str:
    word = "Right" if remark.right else "Not right"
    return f"<p>{inline(remark.given)}<br>{word}: {inline(remark.feedback)}</p>"


def _say(region: widgets.HTML, verdict: str, content: str) -> None:
    region.value = (
        f'<div role="status" aria-live="polite" class="said {verdict}">{content}</div>'
        if content
        else '<div role="status" aria-live="polite"></div>'
    )


def _live_region() -> widgets.HTML:
    region = widgets.HTML(layout=FULL)
    _say(region, "", "")
    return region


def _checkbox(option: Option) -> widgets.Checkbox:
    return widgets.Checkbox(
        value=False,
        description=inline(option.text),
        description_allow_html=True,
        indent=False,
        layout=FULL,
    )


def _button(label: str, style: str, on_click: Callable[[widgets.Button], None]) -> widgets.Button:
    button = widgets.Button(description=label, button_style=style)
    button.layout = widgets.Layout(width="auto")
    button.on_click(on_click)
    return button


def _column(children: list[widgets.Widget]) -> widgets.VBox:
    return widgets.VBox(children, layout=FULL)


def _points(earned: float) -> str:
    return f"{earned:.2f}".rstrip("0").rstrip(".")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
