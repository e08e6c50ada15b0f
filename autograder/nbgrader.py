"""Our engine inside nbgrader's own commands: two preprocessors, named in nbgrader_config.py.

    c.Autograde.sanitize_preprocessors = ["autograder.nbgrader.Clean"]
    c.Autograde.autograde_preprocessors = ["autograder.nbgrader.Run", *the rest as nbgrader has it]

`nbgrader autograde` and the button of the formgrader then run notebooks in warm, confined processes
and have questions judged outside. Gradebook, feedback and penalties stay nbgrader's.

nbgrader's pages show Markdown with all scripts in it, whatever sanitize_html says. This cleans it:

    c.HTMLExporter.filters = {
        "markdown2html": "autograder.nbgrader.safe_markdown",
        "clean_html": "autograder.nbgrader.safe_html",
    }
"""

import atexit
import contextlib
import csv
import threading
from pathlib import Path

import bleach
from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.filters import markdown2html
from nbformat import NotebookNode
from nbgrader.api import Assignment, MissingEntry, Student
from nbgrader.api import Gradebook as NbgraderGradebook
from nbgrader.plugins import ExportPlugin
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    Execute,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
)
from traitlets import Bool

from autograder import intake
from autograder.classroom import Classroom, write_files
from autograder.confine import doctor, tiers
from autograder.engines import EngineError
from autograder.engines.local import Local
from autograder.gradebook import Gradebook
from autograder.jobs import Job, Limits, Result
from autograder.marking import make_job, mark

IDLE_S = 300  # a server that once graded does not keep the warm processes for ever
NO_LIMIT_S = 24 * 3600.0
COLUMNS = ("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email")
COLUMNS += ("raw_score", "late_submission_penalty", "score", "max_score")
TAGS = [
    *bleach.ALLOWED_TAGS,
    *("p", "br", "hr", "div", "span", "pre", "del", "sub", "sup", "img"),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
]
ATTRIBUTES = {"*": ["class"], "a": ["href", "title"], "img": ["src", "alt", "title"]}


def safe_markdown(source: str) -> str:
    """HTML of Markdown text, without anything in it that a browser would run."""
    return bleach.clean(markdown2html(source), tags=TAGS, attributes=ATTRIBUTES)


def safe_html(element: object) -> str:
    """HTML of an output without scripts; nbconvert's own would also take paragraphs and headings
    of tables out of it."""
    return bleach.clean(str(element), tags=TAGS, attributes=ATTRIBUTES)


class Clean(NbGraderPreprocessor):
    """Rebuilds the notebook from the released version and the student's answers.

    In place of ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells and
    CheckCellMetadata, which run as they are when the instructor does not want notebooks to run.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        if not ClearOutput(parent=self.parent).enabled:  # nbgrader autograde --no-execute
            for stock in (DeduplicateIds, OverwriteKernelspec, OverwriteCells, CheckCellMetadata):
                nb, resources = stock(parent=self.parent).preprocess(nb, resources)
            return nb, resources
        about = resources["nbgrader"]
        classroom = _classroom(self)
        with Gradebook(about["db_url"], classroom.course_id) as gradebook:
            release = gradebook.releases(about["assignment"])[about["notebook"]]
        return intake.clean(intake.bare(nb), classroom.in_source_order(release)), resources


class Run(Execute):
    """Runs the notebook in the strongest tier that this machine has, in a warm process."""

    allow_unconfined = Bool(
        False, help="Run student code with your own rights where it cannot be confined."
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict, km: object = None
    ) -> tuple[NotebookNode, ResourcesDict]:
        about, folder = resources["nbgrader"], Path(resources["metadata"]["path"])
        if kernel := intake.foreign_kernel(nb.metadata):
            raise EngineError(f"kernel {kernel!r} is not Python: only Python can be confined")
        classroom = _classroom(self)
        seconds = self.timeout if self.timeout and self.timeout > 0 else NO_LIMIT_S
        limits = Limits(cell_s=seconds, notebook_s=NO_LIMIT_S)
        files, _ = intake.files(folder, classroom.ignore)
        seed = classroom.seed(about["assignment"])
        job = make_job(
            about["student"], about["assignment"], about["notebook"], nb, files, limits, seed
        )
        result = SHARED.run(classroom, job, seed, self.allow_unconfined)
        write_files(folder, result.files)
        return mark(nb, job, result, seed).notebook, resources


def _classroom(preprocessor: NbGraderPreprocessor) -> Classroom:
    converter = preprocessor.parent.parent
    return Classroom(converter.coursedir, converter)


class Shared:
    """One engine for all notebooks that this process grades; it ends after IDLE_S without work."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.engine: Local | None = None
        self.timer: threading.Timer | None = None

    def run(self, classroom: Classroom, job: Job, seed: int, allow_unconfined: bool) -> Result:
        with self.lock:
            if self.timer is not None:
                self.timer.cancel()
            if self.engine is None:
                tier = doctor.chosen(classroom.state)
                if tier is None and not allow_unconfined:
                    raise EngineError("this machine confines no student code: autograder doctor")
                self.engine = Local(tier or tiers.tier("D"), 1).__enter__()
            ((_, result),) = self.engine.run([(job, seed)])
            self.timer = threading.Timer(IDLE_S, self.close)
            self.timer.daemon = True
            self.timer.start()
            return result

    def close(self) -> None:
        with self.lock:
            if self.engine is not None:
                self.engine.__exit__()
                self.engine = None


SHARED = Shared()
atexit.register(SHARED.close)


class Csv(ExportPlugin):
    """nbgrader's table of points, with quotes where a name has a comma, sorted by student."""

    def export(self, gradebook: NbgraderGradebook) -> None:
        rows = [
            _points(assignment, student, gradebook)
            for assignment in gradebook.assignments
            if not self.assignment or assignment.name in self.assignment
            for student in sorted(gradebook.students, key=lambda student: student.id)
            if not self.student or student.id in map(str, self.student)
        ]
        with open(self.to or "grades.csv", "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            table.writeheader()
            table.writerows(rows)


def _points(assignment: Assignment, student: Student, gradebook: NbgraderGradebook) -> dict:
    """A line of the table; 0 points where nothing was handed in."""
    row = {
        "assignment": assignment.name,
        "duedate": assignment.duedate,
        "student_id": student.id,
        "last_name": student.last_name,
        "first_name": student.first_name,
        "email": student.email,
        "raw_score": 0.0,
        "late_submission_penalty": 0.0,
        "score": 0.0,
        "max_score": assignment.max_score,
    }
    with contextlib.suppress(MissingEntry):
        found = gradebook.find_submission(assignment.name, student.id)
        row["timestamp"] = found.timestamp
        row["raw_score"] = found.score
        row["late_submission_penalty"] = penalty = found.late_submission_penalty
        row["score"] = max(0.0, found.score - penalty)
    return row
