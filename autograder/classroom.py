"""A course as nbgrader is configured for it: its folders, and what the grader keeps beside them."""

import glob
import json
import os
import re
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import chdir, contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path

import filelock
import nbformat
from nbformat import NotebookNode
from nbgrader.apps import AutogradeApp
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.config import Configurable

from autograder.jobs import Limits
from autograder.release import Release
from tandem.course import CourseError


class ClassroomError(CourseError):
    """The course's folders cannot be used; the message says why and what to do."""


class Classroom:
    """A course; `nbgrader` is any of nbgrader's objects that has its configuration."""

    def __init__(self, coursedir: CourseDirectory, nbgrader: Configurable) -> None:
        self.coursedir, self.nbgrader = coursedir, nbgrader

    @classmethod
    def open(cls, root: Path) -> "Classroom":
        """The course in a folder that has an nbgrader_config.py."""
        root = root.resolve()
        if not (root / "nbgrader_config.py").exists():
            raise ClassroomError(f"{root} has no nbgrader_config.py: name the course's folder")
        app = AutogradeApp(log_level=40)
        app.raise_config_file_errors = True  # else nbgrader goes on without the settings
        with chdir(root):  # nbgrader reads the configuration of the folder where it is called
            try:
                app.initialize([], root=str(root))
            except Exception as error:
                raise ClassroomError(
                    f"nbgrader's configuration for {root} cannot be read: {_one_line(error)}"
                ) from error
        return cls(app.coursedir, app)

    @property
    def db_url(self) -> str:
        return self.coursedir.db_url

    @property
    def course_id(self) -> str:
        return self.coursedir.course_id

    @property
    def ignore(self) -> list[str]:
        return [*self.coursedir.ignore, "feedback"]

    def _path(self, step: str, student: str, assignment: str) -> Path:
        return Path(self.coursedir.format_path(step, student, assignment))

    def submitted(self, student: str, assignment: str) -> Path:
        return self._path(self.coursedir.submitted_directory, student, assignment)

    def autograded(self, student: str, assignment: str) -> Path:
        return self._path(self.coursedir.autograded_directory, student, assignment)

    def source(self, assignment: str) -> Path:
        return self._path(self.coursedir.source_directory, ".", assignment)

    @property
    def state(self) -> Path:
        """What the grader keeps: seeds, journals, what it found out about this machine."""
        return Path(os.path.normpath(self.autograded(".", "."))).parent / ".autograder"

    @property
    def feedback(self) -> Path:
        return Path(os.path.normpath(self._path(self.coursedir.feedback_directory, ".", ".")))

    def run(self, *command: str) -> None:
        """Run one of nbgrader's own commands here; raises ClassroomError with its first error."""
        run_nbgrader(Path(self.coursedir.root), *command)

    def students(self, assignment: str) -> list[str]:
        """Everyone who has a folder for the assignment, in order."""
        place, step = self.coursedir.format_path, self.coursedir.submitted_directory
        pattern = place(step, "(?P<student>[^/]+)", re.escape(assignment), escape=True)
        found = (re.fullmatch(pattern, p) for p in glob.glob(place(step, "*", assignment)))
        excluded = self.coursedir.student_id_exclude.split(",")
        names = sorted(m["student"] for m in found if m and m["student"] not in excluded)
        for name in names:
            if name.encode("utf-8", "replace").decode() != name:
                raise ClassroomError(
                    f"the folder {name!a} of a student has a name that is not UTF-8: rename it"
                )
        return names

    def strays(self, assignment: str, assignments: Iterable[str]) -> list[Path]:
        """Notebooks, and folders of them, that lie in no student's folder of an assignment."""
        start = self.submitted("*", assignment).parent.parent
        found = [*start.glob("*.ipynb"), *start.glob("*/*.ipynb")]
        inner = {path.parent for path in start.glob("*/*/*.ipynb")}
        found += [folder for folder in inner if folder.name not in set(assignments)]
        return sorted(found)

    def in_source_order(self, release: Release) -> Release:
        """The same release, its cells as they stand in the instructor's notebook if it is there.

        A database promises no order of rows.
        """
        source = self.source_notebook(release)
        if source is None:
            return release
        order = [c.metadata.get("nbgrader", {}).get("grade_id") for c in source.cells]
        place = {name: number for number, name in enumerate(order)}
        cells = sorted(release.cells, key=lambda cell: place.get(cell.name, len(place)))
        return replace(release, cells=tuple(cells))

    def source_notebook(self, release: Release) -> NotebookNode | None:
        """The instructor's own notebook, solutions included."""
        try:
            return nbformat.read(self.source(release.assignment) / f"{release.notebook}.ipynb", 4)
        except (OSError, ValueError):
            return None

    def penalty(self, student: str, score: float, late_s: float) -> float | None:
        """Points that lateness costs, as nbgrader is configured."""
        try:
            plugin = AssignLatePenalties(parent=self.nbgrader)
            plugin.init_plugin()
            return plugin.plugin_inst.late_submission_penalty(student, score, late_s)
        except Exception as error:
            raise ClassroomError(
                f"nbgrader's late penalty failed for {student}: {_one_line(error)}"
            ) from error

    def seed(self, assignment: str) -> int:
        """The class's secret seed for an assignment; made at first use and kept.

        The same work then gets the same verdict, and an appeal can be reproduced.
        """
        return int(self._kept("seeds.json", assignment, lambda: str(secrets.randbits(64))))

    def limits(self, release: Release, measure: Callable[[], Limits]) -> Limits:
        """What a notebook may use; measured once for each version of it, so that it stays."""
        return Limits(**self._kept("limits.json", release.digest(), lambda: asdict(measure())))

    def _kept(self, file_name: str, key: str, make: Callable[[], object]) -> object:
        """What a file of `state` says of `key`; made and written down when it says nothing."""
        file = self.state / file_name
        try:
            known = json.loads(file.read_text("utf-8")) if file.exists() else {}
        except ValueError:
            raise ClassroomError(
                f"{file} is damaged: put it back from a backup, or remove it and grade anew"
            ) from None
        if key not in known:
            known[key] = make()
            self.state.mkdir(parents=True, exist_ok=True)
            draft = file.with_suffix(".new")
            with open(draft, "w", opener=_private, encoding="utf-8") as stream:
                json.dump(known, stream, indent=1)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(draft, file)
        return known[key]

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Nobody else grades this course meanwhile; raises ClassroomError when somebody does."""
        self.state.mkdir(parents=True, exist_ok=True)
        held = filelock.FileLock(self.state / "lock")
        try:
            held.acquire(timeout=0)
        except filelock.Timeout:
            raise ClassroomError(
                "another grading of this course is at work: wait for it to end, or stop it"
            ) from None
        try:
            yield
        finally:
            held.release()

    def publish(
        self, student: str, assignment: str, files: Mapping[str, bytes], timestamp: str | None
    ) -> None:
        """Put the graded notebooks and files into autograded/, all at once, the time last."""
        target = self.autograded(student, assignment)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{assignment}-", dir=target.parent))
        os.chmod(draft, 0o755)
        write_files(draft, files)
        if timestamp is not None:
            (draft / "timestamp.txt").write_text(timestamp, "utf-8")
        self._set_permissions(draft)
        old = Path(f"{draft}-old")
        if os.path.lexists(target):
            os.rename(target, old)
        os.rename(draft, target)
        shutil.rmtree(old, ignore_errors=True)

    def _set_permissions(self, folder: Path) -> None:
        """As nbgrader sets them: files are for reading, so that nobody edits them by mistake."""
        shared = self.coursedir.groupshared
        for here, _, names in os.walk(folder):
            for name in names:
                os.chmod(Path(here, name), 0o664 if shared else 0o444)
            if shared:
                os.chmod(here, (os.stat(here).st_mode | 0o2770) & 0o2777)

    def sweep(self, assignment: str, students: list[str]) -> None:
        """Remove what a killed run left half made in autograded/."""
        for student in students:
            parent = self.autograded(student, assignment).parent
            for left in parent.glob(f".{assignment}-*"):
                if stat.S_ISDIR(left.lstat().st_mode):
                    shutil.rmtree(left, ignore_errors=True)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by relative path; the first one wins where one stands in another's way."""
    for name, content in files.items():
        place = folder / name
        with suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


def run_nbgrader(root: Path, *command: str) -> str:
    """Run one of nbgrader's commands in a course's folder; returns its log.

    Raises ClassroomError with the first error of it when the command fails.
    """
    # nbgrader calls `alembic` and `jupyter` by bare name
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command],
        cwd=root,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode:
        lines = [line for line in result.stdout.splitlines() if line.strip()] or ["no output"]
        first = next((line for line in lines if "ERROR]" in line), lines[-1])
        raise ClassroomError(f"nbgrader {command[0]} failed: {first.rpartition('ERROR] ')[2]}")
    return result.stdout


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
