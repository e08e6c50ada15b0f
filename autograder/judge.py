"""Answers and plain values -> Verdict. Pure: nothing of a student's is imported, called or shown.

An outcome is what running a probe on one case gave, as plain data:
{"value": {field: plain value}}, {"error": "ValueError: what it said"}, or {"stopped": "ran longer
than 10 s"} where the grader had to end it.
"""

import builtins
from collections.abc import Mapping

from autograder.question import Case, CaseResult, Mistake, Question, Verdict
from autograder.values import difference, problem

NOT_ATTEMPTED = "not attempted yet"


def judge(question: Question, seed: int, outcomes: Mapping[str, dict]) -> Verdict:
    """The verdict on `outcomes` (case name -> outcome), for the cases that `seed` makes."""
    results = tuple(
        judge_case(question, case, outcomes.get(case.name)) for case in question.cases(seed)
    )
    points = sum(result.points for result in results)
    return Verdict(question.name, float(points), question.points, results)


def judge_case(question: Question, case: Case, outcome: dict | None) -> CaseResult:
    """What one case earns: all of its points or none, or what the question's own marks say."""
    points, section = 0.0, question.section
    message = _unusable(case, outcome)
    if not message and question.marks:
        points, message = question.marks(outcome["value"]["answer"])
    elif not message:
        message, section = _complaint(question, case, outcome["value"])
        points = 0.0 if message else case.points
    return CaseResult(case.name, points, case.points, message, section if message else "")


def _unusable(case: Case, outcome: dict | None) -> str:
    """Why an outcome holds no answer with the fields of the case; empty when it does."""
    reason = problem(outcome)
    if reason:
        return f"no usable answer: {reason}"
    if type(outcome) is not dict or len(outcome) != 1:
        return "no usable answer"
    if type(outcome.get("stopped")) is str:
        return f"the function {outcome['stopped']} and was stopped"
    if type(outcome.get("error")) is str:
        return _error_message(outcome["error"])
    answer = outcome.get("value")
    if type(answer) is not dict or answer.keys() != case.expected.keys():
        return "no usable answer"
    return ""


def _complaint(question: Question, case: Case, answer: dict) -> tuple[str, str]:
    """Message and lesson section; the message is empty when the answer is right."""
    fields = (
        difference(answer[field], expected, case.rtol, case.atol, field)
        for field, expected in case.expected.items()
    )
    message = next((found for found in fields if found), "")
    mistake = _known_mistake(question, case, answer) if message else None
    return (mistake.message, mistake.section) if mistake else (message, question.section)


def _known_mistake(question: Question, case: Case, answer: dict) -> Mistake | None:
    return next((known for known in question.mistakes if known.seen(case, answer)), None)


def _error_message(text: str) -> str:
    """Names the exception if it is one of Python's own; its text could carry hidden inputs."""
    name = text.partition(":")[0]
    if name == "NotImplementedError":
        return NOT_ATTEMPTED
    if name == "TimeoutError":
        return "the function took too long"
    kind = getattr(builtins, name, None)
    known = isinstance(kind, type) and issubclass(kind, BaseException)
    return f"the function raised {name if known else 'an exception'}"
