"""The coordinator: a class's folders -> jobs -> results -> gradebook, graded notebooks and rows.

The order of work is what makes it safe to kill at any moment. A result is in the journal before
anything is built on it; then the grades are written in one transaction; then the notebooks are
published by rename; only then the journal says that the submission is graded. Whatever is missing
is done again from what is there.
"""

import hashlib
import json
import platform
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nbformat import NotebookNode

from autograder import intake
from autograder.classroom import Classroom
from autograder.engines import Engine
from autograder.gradebook import Gradebook, NotebookGrades
from autograder.intake import Submission, Unreadable
from autograder.jobs import Job, Limits, Result
from autograder.journal import Journal
from autograder.marking import make_job, mark, warm_kind
from autograder.question import Verdict
from autograder.release import Release

VERSIONS = ("torch", "tensorflow", "tensorflow-cpu", "keras", "numpy", "ipython", "matplotlib")
TIMES = 10  # a student's notebook may take this many times as long as the instructor's


@dataclass(frozen=True)
class Row:
    """What came of one notebook: the line of the report.

    `reason` is why it could not be graded and a person has to look at it. `judged` says where its
    questions were judged, "outside" or "in the notebook". `seconds` and `memory` (bytes) are what
    running it took, `fresh` whether it ran now.
    """

    student: str
    notebook: str
    points: float
    max_points: float
    reason: str = ""
    notes: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    judged: str = ""
    tier: str = ""
    seed: str = ""
    seconds: float = 0.0
    cpu_s: float = 0.0
    own_cpu_s: float = 0.0
    memory: int = 0
    fresh: bool = False
    verdicts: tuple[Verdict, ...] = ()


@dataclass
class Paper:
    """One student's submission while it is graded."""

    submission: Submission
    notebooks: dict[str, NotebookNode] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    work: str = ""

    @property
    def is_complete(self) -> bool:
        return self.results.keys() == self.jobs.keys()


class Grading:
    """The grading of one assignment."""

    def __init__(
        self,
        classroom: Classroom,
        gradebook: Gradebook,
        journal: Journal,
        engine: Engine,
        assignment: str,
    ) -> None:
        self.classroom, self.gradebook, self.journal = classroom, gradebook, journal
        self.engine, self.assignment = engine, assignment
        found = gradebook.releases(assignment)
        self.releases = {name: classroom.in_source_order(found[name]) for name in sorted(found)}
        self.seed = classroom.seed(assignment)
        self.environment = f"{environment()} {engine.tier.name}"
        self.source_files, _ = intake.files(classroom.source(assignment), classroom.ignore)
        self.limits: dict[str, Limits] = {}
        self.warnings: list[str] = []

    def measure_limits(self, cell_s: float | None) -> None:
        """Let the instructor's own solution run; a student's notebook gets TIMES as long.

        With `cell_s` no cell may take longer than that, in seconds.
        """
        for name, release in self.releases.items():
            limits = self.classroom.limits(release, lambda r=release: self._measured(r))
            if cell_s is not None:
                limits = replace(limits, cell_s=cell_s, case_s=min(limits.case_s, cell_s))
            self.limits[name] = limits

    def _measured(self, release: Release) -> Limits:
        source = self.classroom.source_notebook(release)
        if source is None:
            return Limits()
        clean = intake.clean(intake.bare(source), release)
        job = self._job("", release.notebook, clean, {}, Limits())
        ((_, result),) = self.engine.run([(job, self.seed)])
        marked = mark(clean, job, result, self.seed)
        earned = sum(score or 0 for score in marked.scores.values())
        most = sum(c.points for c in release.cells if marked.scores.get(c.name) is not None)
        if earned < most:
            self.warnings.append(
                f"the instructor's own {release.notebook} earns {earned:g} of {most:g} points: "
                "was the assignment released from the present source?"
            )
        allowed = TIMES * result.seconds
        return replace(
            Limits(), cell_s=max(15, allowed), case_s=max(5, allowed), notebook_s=60 + 2 * allowed
        )

    def _job(
        self, student: str, name: str, clean: NotebookNode, files: dict[str, bytes], limits: Limits
    ) -> Job:
        files = files | self.source_files
        return make_job(student, self.assignment, name, clean, files, limits, self.seed)

    def run(self, students: Iterable[str], force: bool) -> Iterator[list[Row]]:
        """Grade; the rows of each student as they come. What is graded already is left alone.

        With `force` everything runs again.
        """
        running: dict[str, Paper] = {}
        ready: deque[list[Row]] = deque()

        def jobs() -> Iterator[tuple[Job, int]]:
            for student in students:
                paper = self._take_in(student)
                if not force:
                    self._recall(paper)
                if paper.is_complete:
                    done = not force and self._is_graded(paper)
                    ready.append(self._rows(paper) if done else self._finish(paper))
                    continue
                running[student] = paper
                for name, job in paper.jobs.items():
                    if name not in paper.results:
                        yield job, self.seed

        for job, result in self.engine.run(jobs()):
            self.journal.keep_result(self._address(job), result)
            paper = running[job.student]
            paper.results[job.notebook] = result
            paper.fresh.add(job.notebook)
            if paper.is_complete:
                ready.append(self._finish(running.pop(job.student)))
            while ready:
                yield ready.popleft()
        yield from ready

    def _take_in(self, student: str) -> Paper:
        folder = self.classroom.submitted(student, self.assignment)
        try:
            submission = intake.find(folder, student, self.assignment, self.releases)
            files, notes = intake.files(folder, [*self.classroom.ignore, "timestamp.txt"])
        except Exception as error:  # one student's work never stops the class
            paper = Paper(Submission(student, self.assignment, folder, {}))
            known = isinstance(error, Unreadable | OSError)
            reason = str(error) if known else _our_fault(error)
            paper.refused = dict.fromkeys(self.releases, reason)
        else:
            paper = Paper(submission, notes=[*submission.notes, *notes])
            paper.refused = dict(submission.refused)
            for name, path in submission.notebooks.items():
                try:
                    clean = intake.clean(intake.read(path), self.releases[name])
                    paper.jobs[name] = self._job(student, name, clean, files, self.limits[name])
                    paper.notebooks[name] = clean
                    paper.notes += _doubts(paper.jobs[name], clean)
                except Unreadable as error:
                    paper.refused[name] = str(error)
                except Exception as error:
                    paper.refused[name] = _our_fault(error)
        paper.work = self._digest(paper)
        return paper

    def _address(self, job: Job) -> str:
        return job.address(self.environment, self.seed)

    def _digest(self, paper: Paper) -> str:
        """Names all that the grades of a submission come from."""
        whole = [
            {name: self._address(job) for name, job in paper.jobs.items()},
            {name: release.digest() for name, release in self.releases.items()},
            paper.refused,
            str(paper.submission.timestamp),
        ]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()

    def _is_graded(self, paper: Paper) -> bool:
        student = paper.submission.student
        return (
            self.journal.graded.get(student) == paper.work
            and self.gradebook.has_submission(self.assignment, student)
            and self.classroom.autograded(student, self.assignment).is_dir()
        )

    def _recall(self, paper: Paper) -> None:
        """Take the results of jobs that ran before, in an earlier run or for a like notebook."""
        for name, job in paper.jobs.items():
            result = self.journal.result(self._address(job))
            if result is not None:
                paper.results[name] = result

    def _rows(self, paper: Paper) -> list[Row]:
        return [self._row(paper, name)[0] for name in self.releases]

    def _finish(self, paper: Paper) -> list[Row]:
        """Write the grades, publish the notebooks, note that it is done; in this order."""
        student, timestamp = paper.submission.student, paper.submission.timestamp
        rows, grades, notebooks, files = [], {}, {}, dict(self.source_files)
        for name in self.releases:
            row, notebook, grade = self._row(paper, name)
            rows.append(row)
            grades[name] = grade
            if name in paper.jobs:
                files |= paper.jobs[name].files | paper.results[name].files
            notebooks[f"{name}.ipynb"] = json.dumps(notebook).encode()
        if student in self.journal.graded:  # from now on what it says there is not so
            self.journal.keep_graded(student, "")
        self.gradebook.write(self.assignment, student, timestamp, grades, self.classroom.penalty)
        when = f"{timestamp:%Y-%m-%d %H:%M:%S.%f UTC}" if timestamp else None
        self.classroom.publish(student, self.assignment, notebooks | files, when)
        self.journal.keep_graded(student, paper.work)
        return rows

    def _row(self, paper: Paper, name: str) -> tuple[Row, NotebookNode, NotebookGrades]:
        """The row of a notebook, the notebook as it will be shown, and its grades."""
        release = self.releases[name]
        row = Row(
            paper.submission.student,
            name,
            0.0,
            release.max_points,
            notes=tuple(paper.notes),
            seed=hashlib.sha256(str(self.seed).encode()).hexdigest()[:8],
        )
        if name in paper.refused:
            reason = paper.refused[name]
            notebook = intake.refusal(reason, release)
            return replace(row, reason=reason), notebook, NotebookGrades(reason=reason)
        if name not in paper.jobs:
            said = f"{name}.ipynb was not handed in"
            notebook = intake.refusal(said, release)
            return replace(row, notes=(*row.notes, said)), notebook, NotebookGrades()
        job, result, clean = paper.jobs[name], paper.results[name], paper.notebooks[name]
        try:
            marked = mark(clean, job, result, self.seed)
        except Exception as error:
            reason = _our_fault(error)
            notebook = intake.refusal(reason, release)
            return replace(row, reason=reason), notebook, NotebookGrades(reason=reason)
        row = replace(
            row,
            points=sum(score or 0.0 for score in marked.scores.values()),
            stopped=tuple(f"{where}: {why}" for where, why in result.stopped.items()),
            judged=marked.judged,
            tier=result.tier,
            seconds=result.seconds,
            cpu_s=result.cpu_s,
            own_cpu_s=result.own_cpu_s,
            memory=result.memory,
            fresh=name in paper.fresh,
            verdicts=marked.verdicts,
        )
        return row, marked.notebook, NotebookGrades(marked.scores, intake.unanswered(clean))


def _doubts(job: Job, notebook: NotebookNode) -> list[str]:
    """What may be wrong with a notebook that can be graded all the same."""
    kind = warm_kind(notebook)
    if job.inputs and kind != job.warm and kind in ("pytorch", "tensorflow"):
        return [f"{job.notebook}.ipynb imports {kind} only: was it saved under the wrong name?"]
    return []


def _our_fault(error: Exception) -> str:
    said = f"{type(error).__name__}: {str(error)[:200]!r}"  # may hold what the student wrote
    return f"the grader itself failed on it, please report this: {said}"


def environment() -> str:
    """Names everything but the job itself that has a say in a result: our code and the versions."""
    digest = hashlib.sha256(platform.python_version().encode())
    for name in VERSIONS:
        try:
            digest.update(f"{name} {version(name)};".encode())
        except PackageNotFoundError:
            continue
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
