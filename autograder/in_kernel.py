"""Grades a question inside the notebook's own process, for stock nbgrader and for self-learners.

Whoever's code runs here can fool it. That is why it only ever sees the published PRACTICE_SEED: an
instructor's secret seed never enters a student's process.
"""

import contextlib
import copy
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType

from autograder import feedback
from autograder.judge import NOT_ATTEMPTED, judge
from autograder.question import Question, Verdict
from autograder.questions import QUIZ, find_question, probes_module

PRACTICE_SEED = 2026
FRAMEWORKS = ("torch", "tensorflow")
PROBES = {"torch": "pytorch", "tensorflow": "tensorflow"}


def grade(assignment: str, question: str, namespace: dict) -> float:
    """Points for `question`, e.g. grade("1-philosophy", "sgd_step", globals()).

    Prints the points and one line for each reason why a case failed. Returns a float between 0 and
    the question's points, so that as the last line of a test cell it gives partial credit. Raises
    KeyError for an unknown assignment or question: a mistake of the author, not of the student.
    """
    asked = find_question(assignment, question)
    framework = QUIZ if asked.marks else _framework(namespace)
    if framework is None:
        print(f"{question}: import torch or tensorflow in this notebook, and only one of them")
        return 0.0
    if not asked.marks and not callable(namespace.get(question)):
        print(feedback.missing(question, _functions(namespace)))
        return 0.0
    probe = getattr(importlib.import_module(probes_module(assignment, framework)), question)
    outcomes = run_probe(asked, probe, namespace, PRACTICE_SEED)
    verdict = judge(asked, PRACTICE_SEED, outcomes)
    for line in feedback.lines(_with_errors(verdict, outcomes)):
        print(line)
    return verdict.points


def run_probe(
    question: Question, probe: Callable[[dict, dict], dict], namespace: dict, seed: int
) -> dict[str, dict]:
    """Run the probe on every case; returns an outcome for each case name (see autograder.judge).

    An exception ends its own case only. What the student's code prints is thrown away, on both
    streams: stock nbgrader takes all points for any text on standard error.
    """
    with _silence():
        return {
            case.name: _outcome(probe, namespace, copy.deepcopy(case.inputs))
            for case in question.cases(seed)
        }


def _outcome(probe: Callable[[dict, dict], dict], namespace: dict, inputs: dict) -> dict:
    try:
        return {"value": probe(namespace, inputs)}
    except (Exception, SystemExit) as error:
        text = traceback.format_exception_only(error)[0]
        return {"error": " ".join(text.split())[:300]}


def _framework(namespace: dict) -> str | None:
    """Name of the one framework that the notebook imported, else the one that is loaded."""
    modules = {v.__name__.partition(".")[0] for v in namespace.values() if type(v) is ModuleType}
    imported = [PROBES[name] for name in FRAMEWORKS if name in modules]
    loaded = [PROBES[name] for name in FRAMEWORKS if name in sys.modules]
    found = imported or loaded
    return found[0] if len(found) == 1 else None


def _functions(namespace: dict) -> list[str]:
    """Names of the functions that the notebook itself defines."""
    own = namespace.get("__name__")
    return [n for n, v in namespace.items() if getattr(v, "__module__", None) == own]


def _with_errors(verdict: Verdict, outcomes: dict[str, dict]) -> Verdict:
    """The verdict with the whole text of every error: here it can tell nobody anything new."""
    results = []
    for result in verdict.results:
        error = outcomes[result.name].get("error")
        raised = error and result.message != NOT_ATTEMPTED
        message = f"the function raised {error}" if raised else result.message
        results.append(replace(result, message=message))
    return replace(verdict, results=tuple(results))


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Throw away what Python code, loggers and C++ libraries print meanwhile."""
    disabled = logging.root.manager.disable
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            logging.disable(logging.CRITICAL)  # log handlers keep the stream they started with
            with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                yield
    finally:
        logging.disable(disabled)
        os.dup2(kept, 2)
        os.close(kept)
