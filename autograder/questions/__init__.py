"""The graded questions, one package for each assignment: 1-philosophy is q1_philosophy."""

import importlib
import re

from autograder.question import Question

QUIZ = "quiz"  # the notebook that asks the graded quiz of its assignment


def package(assignment: str) -> str:
    """Import path of an assignment's package; raises KeyError for a name that cannot be one."""
    if not re.fullmatch(r"[1-9]-[a-z]+", assignment):
        raise KeyError(f"no assignment {assignment!r}")
    return f"{__name__}.q{assignment.replace('-', '_')}"


def probes_module(assignment: str, notebook: str) -> str:
    """Import path of the probes for a notebook (pytorch, tensorflow, quiz); imports nothing."""
    return f"{__name__ if notebook == QUIZ else package(assignment)}.probes_{notebook}"


def find_questions(assignment: str) -> dict[str, Question]:
    """Every question of an assignment by name. For the judge: this loads the answers."""
    from autograder.questions.quiz import quiz_questions

    answers = importlib.import_module(f"{package(assignment)}.answers")
    return answers.QUESTIONS | quiz_questions(assignment)


def find_question(assignment: str, name: str) -> Question:
    """One question; raises KeyError when the assignment has none of this name."""
    return find_questions(assignment)[name]
