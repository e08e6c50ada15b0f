"""A clean notebook -> the job that runs it; its result -> the notebook with outputs and points."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader import utils

from autograder import feedback, outputs
from autograder.jobs import Job, Limits, Result, Step
from autograder.judge import judge
from autograder.question import Question, Verdict
from autograder.questions import QUIZ, find_questions, probes_module

HIDDEN = re.compile(
    r"^[ \t]*### BEGIN HIDDEN TESTS.*?^[ \t]*### END HIDDEN TESTS[^\n]*\n?",
    re.DOTALL | re.MULTILINE,
)
GRADE = re.compile(r'^grade\("([^"]+)", "(\w+)", globals\(\)\)', re.MULTILINE)
IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+(torch|tensorflow|keras)\b", re.MULTILINE)
DEFINED = re.compile(r"^[ \t]*def[ \t]+(\w+)[ \t]*\(", re.MULTILINE)
KINDS = {"torch": "pytorch", "tensorflow": "tensorflow", "keras": "tensorflow"}


@dataclass(frozen=True)
class Marked:
    """A graded notebook: `scores` by grade cell, None where a person has to give the points."""

    notebook: NotebookNode
    scores: dict[str, float | None]
    verdicts: tuple[Verdict, ...]
    judged: str


def make_job(
    student: str,
    assignment: str,
    name: str,
    notebook: NotebookNode,
    files: Mapping[str, bytes],
    limits: Limits,
    seed: int,
) -> Job:
    """The job of running a clean notebook. Its judged questions get the inputs `seed` makes.

    A test cell whose hidden part is a call of `grade` is judged from outside: that part never
    reaches the student's process. Any other test cell runs there as it is.
    """
    steps = tuple(
        Step(index, HIDDEN.sub("", cell.source) if question else cell.source, question)
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        for question in [judged_question(cell, assignment)]
    )
    questions = [step.question for step in steps if step.question]
    known = find_questions(assignment) if questions else {}
    inputs = {q: [case.inputs for case in known[q].cases(seed)] for q in questions}
    probes = _probes(assignment, name) if questions else ""
    warm = name if questions and name != QUIZ else warm_kind(notebook)
    return Job(student, assignment, name, warm, steps, probes, inputs, dict(files), limits)


def judged_question(cell: NotebookNode, assignment: str) -> str:
    """Name of the question that a test cell has judged from outside, or an empty string."""
    if not utils.is_grade(cell) or utils.is_solution(cell):
        return ""
    for hidden in HIDDEN.findall(cell.source):
        call = GRADE.search(hidden)
        if call and call[1] == assignment:
            return call[2]
    return ""


def warm_kind(notebook: NotebookNode) -> str:
    """Which warm process suits a notebook, by the frameworks that it imports."""
    code = (cell.source for cell in notebook.cells if cell.cell_type == "code")
    kinds = {KINDS[found] for source in code for found in IMPORT.findall(source)}
    return "both" if len(kinds) == 2 else next(iter(kinds), "plain")


def _probes(assignment: str, name: str) -> str:
    """Source of a notebook's probes: sent to the student's process, never imported here."""
    return Path(find_spec(probes_module(assignment, name)).origin).read_text("utf-8")


def mark(notebook: NotebookNode, job: Job, result: Result, seed: int) -> Marked:
    """Put outputs and points into a clean notebook, as nbgrader reads them."""
    questions = find_questions(job.assignment) if job.inputs else {}
    verdicts, scores = [], {}
    for step in job.steps:
        cell = notebook.cells[step.index]
        cell.outputs = _outputs(step, result)
        if step.question:
            question = questions[step.question]
            if question.marks:  # a quiz's controls show nothing on a page
                cell.outputs = []
            verdict = _verdict(question, job, result, seed)
            verdicts.append(verdict)
            _write_verdict(cell, verdict, _words(question, verdict, job, result))
        elif utils.is_grade(cell) and not utils.is_solution(cell):
            _write_points(cell, result.ended.get(step.index, False))
    for cell in filter(utils.is_grade, notebook.cells):
        scores[cell.metadata.nbgrader.grade_id], _ = utils.determine_grade(cell)
    judged = "outside" if verdicts else "in the notebook"
    return Marked(notebook, scores, tuple(verdicts), judged)


def _outputs(step: Step, result: Result) -> list[NotebookNode]:
    reason = result.stopped.get(str(step.index))
    if reason:
        return [outputs.error("Stopped", f"this cell {reason}")]
    if step.index not in result.outputs:
        return [outputs.error("Stopped", "this cell was not reached")]
    return nbformat.from_dict(result.outputs[step.index])


def _verdict(question: Question, job: Job, result: Result, seed: int) -> Verdict:
    """Judge what the probes brought back; a case that was stopped says why."""
    outcomes = {}
    for number, case in enumerate(question.cases(seed)):
        stopped = result.stopped.get(f"{question.name} {number}")
        found = result.outcomes.get(question.name, [])
        said = found[number] if number < len(found) else None
        said = said if type(said) is dict and "stopped" not in said else None
        outcomes[case.name] = {"stopped": stopped} if stopped else said
    return judge(question, seed, outcomes)


def _words(question: Question, verdict: Verdict, job: Job, result: Result) -> list[str]:
    outcomes = result.outcomes.get(question.name) or []
    if outcomes and all(outcome == {"error": "missing"} for outcome in outcomes):
        names = (name for step in job.steps for name in DEFINED.findall(step.source))
        names = list(names)
        if question.name in names:
            return [f"{question.name}: the cell that defines it did not run to its end"]
        return [feedback.missing(question.name, names)]
    return list(feedback.lines(verdict))


def _write_verdict(cell: NotebookNode, verdict: Verdict, words: list[str]) -> None:
    """Only the last output counts for points: what the visible check did is shown as text."""
    shown = [_as_text(output) for output in cell.outputs]
    cell.outputs = [*shown, outputs.stream("\n".join(words) + "\n"), outputs.number(verdict.points)]


def _write_points(cell: NotebookNode, ended: bool) -> None:
    """Give a classic test cell's points as a number, so that nothing is left to a default."""
    failed = [output for output in cell.outputs if output.output_type == "error"]
    if not ended and not failed:
        cell.outputs.append(outputs.error("Stopped", "this test did not end"))
    most = float(cell.metadata.nbgrader.points)
    values = [o.data.get("text/plain") for o in cell.outputs if o.output_type == "execute_result"]
    cell.outputs = [o if o.output_type == "error" else _as_text(o) for o in cell.outputs]
    if ended and not failed:
        cell.outputs.append(outputs.number(_part(values[0], most) if values else most))


def _part(text: str | None, most: float) -> float:
    """Points from the value of a test cell; a value that is no number is a test that passed."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return most
    return min(max(value, 0.0), most) if value == value else 0.0


def _as_text(output: NotebookNode) -> NotebookNode:
    """An output that nbgrader takes no points for and reads none from."""
    if output.output_type == "error":
        return outputs.stream("\n".join(output.traceback) + "\n")
    if output.output_type == "stream":
        return outputs.stream(output.text)
    if output.output_type == "execute_result":
        return NotebookNode(output_type="display_data", data=output.data, metadata={})
    return output
