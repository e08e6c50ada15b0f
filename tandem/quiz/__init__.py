"""Quizzes: a bank of items (model), what is asked of it (asked), marks (scoring), controls in a
notebook (controls), for practice and votes (view) or for points (graded), and the notebook (build).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tandem.quiz.model import practice_bank
from tandem.store import Store

if TYPE_CHECKING:
    from tandem.quiz.graded import GradedQuiz
    from tandem.quiz.view import Quiz

__all__ = ["open_graded_quiz", "open_quiz"]


def open_graded_quiz() -> GradedQuiz:
    """The graded quiz whose questions lie beside this notebook.

    Raises CourseError when they are not there or damaged.
    """
    from tandem.quiz.graded import open_graded_quiz as open_here

    return open_here()


def open_quiz(name: str) -> Quiz:
    """The quiz of one question, e.g. `1-philosophy`, with the learner's own answers.

    Raises CourseError when the course has no such quiz or its bank is broken.
    """
    from tandem.quiz.view import Quiz  # here, so that graders read banks without ipywidgets

    return Quiz(practice_bank(name), Store())
