"""The graded quiz of an assignment as questions: its bank marks what the student's file says."""

from functools import partial
from pathlib import Path

from autograder.question import Case, Question
from tandem.quiz.model import Item, load_bank
from tandem.quiz.scoring import NotAnAnswer, mark


def quiz_questions(assignment: str) -> dict[str, Question]:
    """A question for each item of the assignment's quiz.yml; none if there is no such bank."""
    bank = Path(__file__).with_name(f"q{assignment.replace('-', '_')}") / "quiz.yml"
    if not bank.is_file():
        return {}
    return {item.name: _question(item) for item in load_bank(bank).items}


def _question(item: Item) -> Question:
    case = Case("your answer", {"item": item.id}, {"answer": None}, float(item.points))
    return Question(
        item.name, case.points, item.section, lambda seed: (case,), marks=partial(_marks, item)
    )


def _marks(item: Item, answer: object) -> tuple[float, str]:
    """Points, and what is said to an answer that does not earn all of them."""
    try:
        given = mark(item, answer)
    except NotAnAnswer:
        return 0.0, "not answered"
    said = [f"“{remark.given}”. {remark.feedback}" for remark in given.remarks if not remark.right]
    if given.missing:
        said.append(f"Still to be found: {given.missing}.")
    return given.earned, "" if given.correct else " ".join(said)
