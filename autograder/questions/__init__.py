"""The graded questions, one package for each assignment: 1-philosophy is q1_philosophy."""

import importlib
import re

from autograder.question import Question


def package(assignment: str) -> str:
    """Import path of an assignment's package; raises KeyError for a name that cannot be one."""
    if not re.fullmatch(r"[1-9]-[a-z]+", assignment):
        raise KeyError(f"no assignment {assignment!r}")
    return f"{__name__}.q{assignment.replace('-', '_')}"


def probes_module(assignment: str, framework: str) -> str:
    """Import path of the probes for `framework` (pytorch or tensorflow); imports nothing."""
    return f"{package(assignment)}.probes_{framework}"


def find_questions(assignment: str) -> dict[str, Question]:
    """Every question of an assignment by name. For the judge: this loads the answers."""
    return importlib.import_module(f"{package(assignment)}.answers").QUESTIONS


def find_question(assignment: str, name: str) -> Question:
    """One question; raises KeyError when the assignment has none of this name."""
    return find_questions(assignment)[name]
