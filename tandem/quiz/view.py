"""A quiz in a notebook, for practice or for a vote. Showing it reads the store; buttons write.

A verdict is always also a word.
"""

import html

import ipywidgets as widgets
from IPython.display import HTML, display

from tandem.course import FRAMEWORKS
from tandem.quiz.asked import Answer, asked, lacking
from tandem.quiz.controls import button, control, live_region, panel, say
from tandem.quiz.markup import inline
from tandem.quiz.model import Bank, Item
from tandem.quiz.scoring import (
    KIND,
    LEVELS,
    VOTES,
    Mark,
    NotAnAnswer,
    Remark,
    answers_to,
    calibration_told,
    mark,
    summary,
)
from tandem.store import Store

TWICE = "A lesson that is not open yet opens at its top; press the link again to reach the section."


class ItemView:
    """The controls of one item: the answer, Check, Hint, Explanation, and what is said about it."""

    def __init__(self, quiz: str, item: Item, store: Store, sure: bool = False) -> None:
        self._quiz, self._item, self._store = quiz, item, store
        self._answers = answers_to(quiz, item, store.entries(KIND))
        self._hints_shown, self._explained = 0, False
        self.control = control(asked(item), f"{quiz}/{item.id}/{store.learner}")
        self.check = button("Check", "primary", self._check)
        self.hint = button(self._hint_label(), "", self._hint)
        self.explain = button("Explanation", "", self._explain)
        self.sure = widgets.Dropdown(options=[("not said", ""), *LEVELS], description="How sure?")
        self.feedback, self.notes = live_region(), live_region()
        row = [self.check, *([self.hint] if item.hints else []), self.explain]
        if sure:
            row.insert(0, self.sure)
        self.widget = panel(self.control, row, [self.feedback, self.notes])
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
            say(self.feedback, "", "<p>Your answer has changed. Press Check.</p>")

    def _check(self, _: widgets.Button) -> None:
        answer = self.control.answer
        try:
            result = mark(self._item, answer)
        except NotAnAnswer as ask:
            say(self.feedback, "", f"<p>{html.escape(str(ask))}</p>")
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
        } | ({"confidence": self.sure.value} if self.sure.value else {})

    def _show(self, result: Mark) -> None:
        score = f"{_points(result.earned)} of {_count(result.points, 'point')}"
        head = f"<p><strong>{_verdict(result)}.</strong> {score}. Attempt {len(self._answers)}.</p>"
        parts = [_remark(remark) for remark in result.remarks]
        if result.missing:
            parts.append(f"<p>Still to be found: {result.missing}.</p>")
        if result.correct:
            parts.append(f"<p>{inline(self._item.explanation)}</p>")
        say(self.feedback, "correct" if result.correct else "not-yet", head + "".join(parts))

    def _hint(self, _: widgets.Button) -> None:
        self._hints_shown = min(self._hints_shown + 1, len(self._item.hints))
        self.hint.description = self._hint_label()
        self._show_notes()

    def _hint_label(self) -> str:
        left = len(self._item.hints) - self._hints_shown
        return f"Hint ({left} left)" if left else "No more hints"

    def _explain(self, _: widgets.Button) -> None:
        if not self._answers:
            say(self.notes, "", "<p>Answer first, then ask for the explanation.</p>")
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
        say(self.notes, "", "".join(parts))


class VoteView:
    """One item in a vote. Votes are kept; Reveal ends it and says what practice would say."""

    def __init__(self, quiz: str, item: Item, store: Store) -> None:
        self._quiz, self._item, self._store = quiz, item, store
        mine = [e for e in store.entries(VOTES) if (e["quiz"], e["item"]) == (quiz, item.id)]
        self._votes = answers_to(quiz, item, mine)
        self.control = control(asked(item), f"{quiz}/{item.id}/{store.learner}")
        self.vote = button("Vote", "primary", self._vote)
        self.reveal = button("Reveal", "", self._reveal)
        self.feedback = live_region()
        self.widget = panel(self.control, [self.vote, self.reveal], [self.feedback])
        if self._votes:
            self.control.answer = self._votes[-1]
            self._told()
        if any(entry.get("revealed") for entry in mine):
            self._show()

    def _vote(self, _: widgets.Button) -> None:
        answer = self.control.answer
        missing = lacking(asked(self._item), answer)
        if missing:
            say(self.feedback, "", f"<p>{html.escape(missing)}</p>")
            return
        if not self._votes or answer != self._votes[-1]:
            self._keep({"answer": answer})
            self._votes.append(answer)
        self._told()

    def _keep(self, entry: dict) -> None:
        self._store.append(VOTES, {"quiz": self._quiz, "item": self._item.id, **entry})

    def _told(self) -> None:
        told = (
            f"Vote {len(self._votes)} is kept. Talk it over, then vote again, or reveal the answer."
        )
        say(self.feedback, "", f"<p>{told}</p>")

    def _reveal(self, _: widgets.Button) -> None:
        if not self._votes:
            say(self.feedback, "", "<p>Vote first.</p>")
            return
        self._keep({"revealed": True})
        self._show()

    def _show(self) -> None:
        self.vote.disabled = self.reveal.disabled = True
        result = mark(self._item, self._votes[-1])
        parts = [f"<p><strong>{_verdict(result)}.</strong></p>", *map(_remark, result.remarks)]
        parts.append(f"<p>{inline(self._item.explanation)}</p>")
        say(self.feedback, "correct" if result.correct else "not-yet", "".join(parts))


class Quiz:
    """The quiz of one question for one learner."""

    def __init__(self, bank: Bank, store: Store) -> None:
        self.bank, self._store = bank, store

    def view(self, item_id: str) -> ItemView:
        """The controls of one item, with the last stored answer in them."""
        item = self.bank.item(item_id)
        return ItemView(self.bank.quiz, item, self._store, self.bank.confidence)

    def ask(self, item_id: str) -> None:
        """Display the controls of one item."""
        display(self.view(item_id).widget)

    def vote(self, item_id: str) -> None:
        """Display one item for a vote in class: nothing is said of it until it is revealed."""
        display(VoteView(self.bank.quiz, self.bank.item(item_id), self._store).widget)

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
        if told := calibration_told(self.bank, self._store.entries(KIND)):
            lines.append(f"<p>{told}</p>")
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


def _verdict(result: Mark) -> str:
    return "Correct" if result.correct else "Not yet"


def _remark(remark: Remark) -> str:
    word = "Right" if remark.right else "Not right"
    return f"<p>{inline(remark.given)}<br>{word}: {inline(remark.feedback)}</p>"


def _points(earned: float) -> str:
    return f"{earned:.2f}".rstrip("0").rstrip(".")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
