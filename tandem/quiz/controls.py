"""The controls that ask for an answer: made from what is asked alone, whatever becomes of it.

Colours are JupyterLab's theme variables.
"""

import html
import random
from collections.abc import Callable

import ipywidgets as widgets

from tandem.course import FRAMEWORKS
from tandem.quiz.asked import SIDES, Answer, Asked, Choice
from tandem.quiz.markup import inline

FULL = widgets.Layout(width="100%", height="auto")


STYLE = """<style>
.tandem-quiz { color: var(--jp-ui-font-color1); line-height: 1.5; padding: 2px 1% }
.tandem-quiz .widget-checkbox { height: auto; margin: 2px 0 }
.tandem-quiz .widget-checkbox .widget-label-basic { align-items: flex-start; height: auto;
  width: 100%; white-space: normal; line-height: 1.5; color: var(--jp-ui-font-color1) }
.tandem-quiz .widget-checkbox input { flex: none; margin: 4px 8px 0 2px }
.tandem-quiz .widget-html-content { line-height: 1.5; height: auto }
.tandem-quiz textarea, .tandem-quiz input[type=text] { font-family: var(--jp-code-font-family) }
.tandem-quiz button:focus-visible, .tandem-quiz input:focus-visible,
.tandem-quiz textarea:focus-visible, .tandem-quiz select:focus-visible {
  outline: 2px solid var(--jp-brand-color1) !important; outline-offset: 2px }
.tandem-quiz code { background: var(--jp-layout-color2); color: var(--jp-ui-font-color1);
  font-family: var(--jp-code-font-family); padding: 0 3px; white-space: pre-wrap }
.tandem-quiz .widget-dropdown { height: auto; margin: 4px 0; align-items: flex-start;
  flex-direction: row-reverse; justify-content: flex-end }
.tandem-quiz .widget-dropdown select { flex: none; width: 8em; margin-right: 8px }
.tandem-quiz .widget-dropdown .widget-label { flex: 1; width: auto; height: auto; display: flex;
  flex-wrap: wrap; gap: 4px 16px; white-space: normal; text-align: left; line-height: 1.5;
  color: var(--jp-ui-font-color1) }
.tandem-quiz .lines { flex: 1 1 40% }
.tandem-quiz .lines code { display: block }
.tandem-quiz p { margin: 4px 0 }
.tandem-quiz a { color: var(--jp-content-link-color); text-decoration: underline }
.tandem-quiz .said { border-left: 4px solid var(--jp-border-color1); padding-left: 1% }
.tandem-quiz .correct { border-left-color: var(--jp-success-color1) }
.tandem-quiz .not-yet { border-left-color: var(--jp-warn-color1) }
</style>"""


class Choices:
    """One checkbox per option; with `exclusive`, choosing one lets go of the others."""

    def __init__(self, options: list[Choice], exclusive: bool) -> None:
        self._boxes = {option.id: _checkbox(option) for option in options}
        one = "Choose one (a new choice replaces the old one):"
        lead = one if exclusive else "Choose every one that applies:"
        self.widget = column([widgets.HTML(lead), *self._boxes.values()])
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
        self.widget = column([field])

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


class Assigned:
    """One list to choose from for each row: a side for a statement, or a place for a line."""

    def __init__(self, lead: str, rows: dict[str, str], values: dict[str, str]) -> None:
        choose = [("choose", ""), *((label, value) for value, label in values.items())]
        self._lists = {
            name: widgets.Dropdown(
                options=choose,
                value="",
                description=label,
                description_allow_html=True,
                layout=FULL,
            )
            for name, label in rows.items()
        }
        self.widget = column([widgets.HTML(lead), *self._lists.values()])

    @property
    def answer(self) -> dict[str, str]:
        """What was chosen, by row; rows without a choice are left out."""
        return {name: each.value for name, each in self._lists.items() if each.value}

    @answer.setter
    def answer(self, chosen: Answer) -> None:
        for name, each in self._lists.items():
            each.value = chosen.get(name, "") if isinstance(chosen, dict) else ""

    def on_change(self, react: Callable[[], None]) -> None:
        """Call `react` whenever the answer changes."""
        for each in self._lists.values():
            each.observe(lambda _: react(), names="value")


class Ordered(Assigned):
    """A place for each line. The answer is the ids in that order: places mean nothing elsewhere."""

    def __init__(self, lines: list[Choice]) -> None:
        places = {str(place): str(place) for place in range(1, len(lines) + 1)}
        super().__init__("Which place has each line?", {n.id: _lines(n) for n in lines}, places)

    @property
    def answer(self) -> list[str]:
        """The ids in their order; empty unless each line has a place of its own."""
        places = super().answer
        complete = len(set(places.values())) == len(self._lists)
        return sorted(places, key=places.get) if complete else []

    @answer.setter
    def answer(self, order: Answer) -> None:
        places = {name: str(place) for place, name in enumerate(order, start=1)}
        Assigned.answer.fset(self, places)


Control = Choices | Typed | Assigned


def control(item: Asked, seed: str) -> Control:
    """The control that asks for an answer to the item; `seed` decides the order of its choices."""
    if item.kind == "number":
        return Typed(widgets.Text(), "Your number:")
    if item.kind == "text":
        return Typed(widgets.Textarea(rows=3), "It prints:")
    choices = shuffled(item.choices, seed)
    if item.kind == "order":
        return Ordered(choices)
    if item.kind == "sides":
        rows = {choice.id: f"<span>{inline(choice.text)}</span>" for choice in choices}
        return Assigned("Of which framework is each statement true?", rows, SIDES)
    return Choices(choices, exclusive=item.kind == "one")


def shuffled(options: list[Choice], seed: str) -> list[Choice]:
    """The options in an order that depends on the seed alone."""
    return random.Random(seed).sample(options, k=len(options))


def _lines(choice: Choice) -> str:
    """A line of each framework as HTML, side by side; once, where both have the same."""
    programs = choice.code.programs
    if choice.code.both:
        programs = {"": choice.code.both}
    return "".join(
        f"<span class='lines'>{FRAMEWORKS.get(name, '')}<code>{html.escape(text)}</code></span>"
        for name, text in programs.items()
    )


def _checkbox(option: Choice) -> widgets.Checkbox:
    return widgets.Checkbox(
        value=False,
        description=inline(option.text),
        description_allow_html=True,
        indent=False,
        layout=FULL,
    )


def column(children: list[widgets.Widget]) -> widgets.VBox:
    return widgets.VBox(children, layout=FULL)


def panel(answer: Control, buttons: list[widgets.Widget], said: list[widgets.HTML]) -> widgets.VBox:
    """An item's control, a row of buttons, and below it what is said."""
    style = widgets.HTML(STYLE, layout=widgets.Layout(display="none"))
    spaced = widgets.Layout(width="100%", flex_flow="row wrap", margin="8px 0 0 0")
    row = widgets.Box(buttons, layout=spaced)
    row.layout.overflow = "visible"  # or the ring around the button in focus is cut off
    whole = column([style, answer.widget, row, *said])
    whole.add_class("tandem-quiz")
    return whole


def say(region: widgets.HTML, verdict: str, content: str) -> None:
    region.value = (
        f'<div role="status" aria-live="polite" class="said {verdict}">{content}</div>'
        if content
        else '<div role="status" aria-live="polite"></div>'
    )


def live_region() -> widgets.HTML:
    region = widgets.HTML(layout=FULL)
    say(region, "", "")
    return region


def button(label: str, style: str, on_click: Callable[[widgets.Button], None]) -> widgets.Button:
    button = widgets.Button(description=label, button_style=style)
    button.layout = widgets.Layout(width="auto")
    button.on_click(on_click)
    return button
