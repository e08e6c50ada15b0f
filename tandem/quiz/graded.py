"""A graded quiz in a notebook: answers go to a file beside it, and nothing is said of them.

The notebook knows what is asked and nothing else (`asked.py`). The judge marks the file.
"""

import contextlib
import html
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import ipywidgets as widgets
from IPython.display import HTML, display
from pydantic import ValidationError

from tandem.course import CourseError, write_atomically
from tandem.quiz.asked import Answer, Asked, AskedBank, lacking
from tandem.quiz.controls import button, control, live_region, panel, say
from tandem.store import Store, StoreError

KIND = "graded"
QUESTIONS, ANSWERS = "quiz.json", "quiz-answers.json"


class Answers:
    """The file that is handed in. One that cannot be read is set aside, never overwritten."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Answer]:
        """Answer by item id."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            return dict(content["answers"])
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError):
            aside = self.path.with_name(
                f"{self.path.stem}.damaged-{datetime.now(UTC):%H%M%S%f}.json"
            )
            os.replace(self.path, aside)
            print(f"{self.path.name} could not be read: kept as {aside.name}, a new one is begun.")
            return {}

    def keep(self, quiz: str, item: str, answer: Answer) -> None:
        """Write an answer in place of the one before."""
        content = {"quiz": quiz, "answers": self.read() | {item: answer}}
        write_atomically(self.path, json.dumps(content, indent=1) + "\n")


class GradedItem:
    """One item: the control, Keep, and what is kept."""

    def __init__(self, quiz: str, item: Asked, answers: Answers) -> None:
        self._quiz, self._item, self._answers = quiz, item, answers
        self.control = control(item, f"{quiz}/{item.id}/{Store().learner}")
        self.keep = button("Keep this answer", "primary", self._keep)
        self.feedback = live_region()
        self.widget = panel(self.control, [self.keep], [self.feedback])
        kept = answers.read().get(item.id)
        if kept is not None and not lacking(item, kept):
            self.control.answer = kept
            self._say_kept()
        self.control.on_change(self._changed)

    def _keep(self, _: widgets.Button) -> None:
        answer = self.control.answer
        if missing := lacking(self._item, answer):
            say(self.feedback, "", f"<p>{missing}</p>")
            return
        try:
            self._answers.keep(self._quiz, self._item.id, answer)
        except OSError as error:
            say(self.feedback, "", f"<p>Not kept: {html.escape(str(error))}.</p>")
            return
        with contextlib.suppress(StoreError):  # the page of progress alone would miss it
            Store().append(KIND, {"quiz": self._quiz, "item": self._item.id})
        self._say_kept()

    def _changed(self) -> None:
        if self.control.answer == self._answers.read().get(self._item.id):
            self._say_kept()
        else:
            say(self.feedback, "", "<p>Not kept yet. Press Keep this answer.</p>")

    def _say_kept(self) -> None:
        told = "Kept. You may change it until you hand in."
        say(self.feedback, "", f"<p>{told}</p>")


class GradedQuiz:
    """The graded quiz of an exercise, for the folder that its notebook lies in."""

    def __init__(self, bank: AskedBank, answers: Answers) -> None:
        self.bank, self._answers = bank, answers

    def view(self, item_id: str) -> GradedItem:
        """The controls of one item, with the kept answer in them."""
        item = next((item for item in self.bank.items if item.id == item_id), None)
        if item is None:
            known = ", ".join(item.id for item in self.bank.items)
            raise CourseError(f"the graded quiz has no item {item_id!r}; it has: {known}")
        return GradedItem(self.bank.quiz, item, self._answers)

    def ask(self, item_id: str) -> None:
        """Display the controls of one item."""
        display(self.view(item_id).widget)

    def summary(self) -> None:
        """Display how many answers are kept, and in which file."""
        kept = self._answers.read()
        places = [n for n, item in enumerate(self.bank.items, start=1) if item.id not in kept]
        missing = f" Not answered: question {', '.join(map(str, places))}." if places else ""
        total = f"{len(self.bank.items) - len(places)} of {len(self.bank.items)} answers are kept"
        again = "Run this cell again to renew it."
        display(HTML(f"<p>{total} in <code>{ANSWERS}</code>.{missing} {again}</p>"))


def open_graded_quiz() -> GradedQuiz:
    """The graded quiz of this notebook's folder; raises CourseError when its questions are gone."""
    questions = Path(QUESTIONS)
    try:
        bank = AskedBank.model_validate_json(questions.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CourseError(
            f"{QUESTIONS} is not beside this notebook: bring it back with `tandem start`, or ask "
            "whoever gave you the exercise"
        ) from None
    except ValidationError as error:
        raise CourseError(f"{QUESTIONS} is damaged: {error.errors()[0]['msg']}") from None
    return GradedQuiz(bank, Answers(Path(ANSWERS)))
