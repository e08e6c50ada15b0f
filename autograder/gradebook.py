"""nbgrader's gradebook: what was released, and the one place that writes grades.

A submission is written in one transaction, so that a gradebook never holds half of one. Scores that
a person gave stay and are flagged, as nbgrader does.
"""

import contextlib
import difflib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from nbgrader import api
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from autograder.release import Release, SourceCell
from tandem.course import CourseError

LOCKED_S = 60  # how long to wait for another program that holds the gradebook
Found = TypeVar("Found")
Penalty = Callable[[str, float, float], float | None]  # student, score, seconds late -> points


class GradebookError(CourseError):
    """The gradebook cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class NotebookGrades:
    """What a notebook earned: points by grade cell, None where a person has to give them.

    `unanswered` names the solution cells that still hold the stub. `reason` is why the notebook
    could not be graded, "" if it could; a person then has to look at it.
    """

    scores: Mapping[str, float | None] = field(default_factory=dict)
    unanswered: frozenset[str] = frozenset()
    reason: str = ""


class Gradebook:
    """A context manager around nbgrader's own."""

    def __init__(self, db_url: str, course_id: str) -> None:
        self.db_url, self.course_id = db_url, course_id

    def __enter__(self) -> "Gradebook":
        with _clear_errors():
            url = make_url(self.db_url)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            raise GradebookError(
                f"there is no gradebook {url.database}: release an assignment first, with "
                "nbgrader generate_assignment NAME"
            )
        self.book = _asked(lambda: api.Gradebook(self.db_url, self.course_id))
        return self

    def __exit__(self, *_) -> None:
        self.book.close()

    def assignments(self) -> list[str]:
        return _asked(lambda: sorted(assignment.name for assignment in self.book.assignments))

    def releases(self, assignment: str) -> dict[str, Release]:
        """The notebooks of an assignment by name; raises GradebookError if there is none."""

        def found() -> dict[str, Release]:
            notebooks = self.book.find_assignment(assignment).notebooks
            return {notebook.name: _release(notebook, assignment) for notebook in notebooks}

        try:
            return _asked(found)
        except api.MissingEntry:
            known = self.assignments()
            close = difflib.get_close_matches(assignment, known, n=1)
            hint = (
                f"did you mean {close[0]}?"
                if close
                else (f"release it with: nbgrader generate_assignment {assignment}")
            )
            raise GradebookError(
                f"no assignment {assignment!r} was released "
                f"(released: {', '.join(known) or 'none'}); {hint}"
            ) from None

    def has_submission(self, assignment: str, student: str) -> bool:
        try:
            return bool(_asked(lambda: self.book.find_submission(assignment, student)))
        except api.MissingEntry:
            return False

    def write(
        self,
        assignment: str,
        student: str,
        timestamp: datetime | None,
        notebooks: Mapping[str, NotebookGrades],
        penalty: Penalty,
    ) -> None:
        """Write the grades of a student's submission, all of them or none.

        Automatic scores of before are gone; a notebook that is not in `notebooks` earns 0.
        """

        def transaction() -> None:
            try:
                submission = self._submission(assignment, student)
                submission.timestamp = timestamp
                for notebook in submission.assignment.notebooks:
                    row = self._notebook(submission, notebook)
                    _write_notebook(row, notebooks.get(notebook.name, NotebookGrades()))
                self._write_penalties(submission, penalty)
                self.book.db.commit()
            except BaseException:
                self.book.db.rollback()
                raise

        _asked(transaction)

    def _submission(self, assignment: str, student: str) -> api.SubmittedAssignment:
        with contextlib.suppress(api.MissingEntry):
            return self.book.find_submission(assignment, student)
        person = self.book.db.get(api.Student, student)
        if person is None:
            person = self._add(api.Student(id=student))
        found = self.book.find_assignment(assignment)
        return self._add(api.SubmittedAssignment(assignment=found, student=person))

    def _add(self, row: api.Base) -> api.Base:
        self.book.db.add(row)
        return row

    def _notebook(
        self, submission: api.SubmittedAssignment, notebook: api.Notebook
    ) -> api.SubmittedNotebook:
        """The student's row for a notebook, with a grade and a comment for every cell of it."""
        rows = (row for row in submission.notebooks if row.notebook is notebook)
        row = next(rows, None) or self._add(
            api.SubmittedNotebook(notebook=notebook, assignment=submission)
        )
        graded, commented = ({x.cell for x in found} for found in (row.grades, row.comments))
        for cell in (*notebook.grade_cells, *notebook.task_cells):
            if cell not in graded:
                self._add(api.Grade(cell=cell, notebook=row))
        for cell in (*notebook.solution_cells, *notebook.task_cells):
            if cell not in commented:
                self._add(api.Comment(cell=cell, notebook=row))
        return row

    def _write_penalties(self, submission: api.SubmittedAssignment, penalty: Penalty) -> None:
        for row in submission.notebooks:
            row.late_submission_penalty = None
        late = submission.total_seconds_late
        if late <= 0:
            return
        self.book.db.flush()
        self.book.db.expire_all()  # nbgrader has the database add the scores up
        for row in submission.notebooks:
            points = penalty(submission.student.id, row.score, late)
            if points is not None:
                row.late_submission_penalty = min(max(points, 0), row.score)


def _write_notebook(row: api.SubmittedNotebook, grades: NotebookGrades) -> None:
    for grade in row.grades:
        score = grades.scores.get(grade.cell.name, 0.0)
        grade.auto_score = score
        unsure = score is None or grade.manual_score is not None or bool(grades.reason)
        grade.needs_manual_grade = unsure
    for comment in row.comments:
        empty = comment.cell.name in grades.unanswered
        comment.auto_comment = "No response." if empty else grades.reason or None


def _release(notebook: api.Notebook, assignment: str) -> Release:
    graded = {cell.name: cell for cell in (*notebook.grade_cells, *notebook.task_cells)}
    solutions = {cell.name for cell in notebook.solution_cells}
    tasks = {cell.name for cell in notebook.task_cells}
    cells = tuple(
        SourceCell(
            name=cell.name,
            cell_type=cell.cell_type,
            source=cell.source or "",
            locked=bool(cell.locked),
            grade=cell.name in graded and cell.name not in tasks,
            solution=cell.name in solutions,
            task=cell.name in tasks,
            points=float(graded[cell.name].max_score) if cell.name in graded else 0.0,
            checksum=cell.checksum or "",
        )
        for cell in notebook.source_cells
    )
    return Release(assignment, notebook.name, cells, notebook.kernelspec or "{}")


def _asked(work: Callable[[], Found]) -> Found:
    """What `work` gives; raises GradebookError for whatever ails the database."""
    with _clear_errors():
        return _patiently(work)


def _patiently(work: Callable[[], Found]) -> Found:
    """Do it again while another program holds the gradebook, for LOCKED_S seconds."""
    deadline = time.monotonic() + LOCKED_S
    while True:
        try:
            return work()
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise GradebookError(_clear(str(error.orig))) from error
    except (ArgumentError, ImportError) as error:
        raise GradebookError(
            f"the database that c.CourseDirectory.db_url names cannot be used: {error}"
        ) from error


def _clear(said: str) -> str:
    if "locked" in said:
        return "the gradebook is held by another program: close it and run the same command again"
    if "readonly" in said:
        return "the gradebook cannot be written: give yourself the right to write the file"
    if "unable to open" in said:
        return "the gradebook cannot be opened: is its folder there, and may you write in it?"
    if "disk is full" in said:
        return "the gradebook cannot be written: the disk is full"
    return f"the gradebook cannot be used: {' '.join(said.split())}"
