"""How fast a class is graded: against stock nbgrader, the students' own CPU time, and at scale."""

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autograder.classroom import Classroom
from autograder.confine import doctor
from autograder.demo import ASSIGNMENT
from autograder.engines.local import Local
from autograder.grade import Grading, Row
from autograder.gradebook import Gradebook
from autograder.journal import Journal
from bench.classes import digest, make_class

STUDENTS = 30
SCALE = (50, 1000)


@dataclass(frozen=True)
class Run:
    """Grading a class once: wall and CPU seconds; memory in bytes."""

    notebooks: int
    slots: int
    wall_s: float
    own_cpu_s: float
    notebooks_cpu_s: float
    coordinator_cpu_s: float
    coordinator_memory: int
    points: float

    @property
    def overhead(self) -> float:
        """Wall time as a multiple of the students' own CPU time divided by the slots."""
        return self.wall_s / (self.own_cpu_s / self.slots)


def against_stock(folder: Path) -> dict:
    """The class of thirty: stock nbgrader, ours from cold, ours warm with one and two at a time."""
    make_class(folder / "stock", STUDENTS, stock=True)
    stock_s = _command(folder / "stock", "nbgrader", "autograde", ASSIGNMENT)
    make_class(folder / "ours", STUDENTS)
    with warm(folder / "ours", 1) as once:
        one = once()
    with warm(folder / "ours", 2) as once:
        two = once()
    _forget(folder / "ours")
    cold_s = _command(folder / "ours", "autograder.cli", "grade", "--course", str(folder / "ours"))
    return {
        "class": {"students": STUDENTS, "notebooks": two.notebooks, "digest": digest(STUDENTS)},
        "stock_s": stock_s,
        "cold_s": cold_s,
        "warm_1_s": one.wall_s,
        "warm_2_s": two.wall_s,
        "stock_ratio_cold": stock_s / cold_s,
        "stock_ratio_warm_1": stock_s / one.wall_s,
        "stock_ratio_warm_2": stock_s / two.wall_s,
        "overhead_1": one.overhead,
        "overhead_2": two.overhead,
        "where_time_goes": _where(two),
    }


def at_scale(folder: Path) -> dict:
    """Notebooks a second and the coordinator's memory with few and with many submissions."""
    found = {}
    for students in SCALE:
        make_class(folder / "scale", students, frameworks=("pytorch",))
        with warm(folder / "scale", 2) as once:
            run = once()
        found[str(students)] = {
            "notebooks_per_s": run.notebooks / run.wall_s,
            "coordinator_mb": run.coordinator_memory / 2**20,
            "overhead": run.overhead,
        }
    few, many = (found[str(students)] for students in SCALE)
    found["throughput_ratio"] = many["notebooks_per_s"] / few["notebooks_per_s"]
    found["memory_ratio"] = many["coordinator_mb"] / few["coordinator_mb"]
    return found


@contextmanager
def warm(folder: Path, slots: int) -> Iterator:
    """A function that grades the class in `folder` while the warm processes are there already."""
    classroom = Classroom.open(folder)
    tier = doctor.chosen(classroom.state)
    with (
        Gradebook(classroom.db_url, classroom.course_id) as gradebook,
        Local(tier, slots) as engine,
    ):
        for kind in ("pytorch", "tensorflow"):
            engine.warm_for(kind).wait_until_ready()
        yield lambda: _once(classroom, gradebook, engine)


def _once(classroom: Classroom, gradebook: Gradebook, engine: Local) -> Run:
    _forget(Path(classroom.coursedir.root))
    with Journal(classroom.state / ASSIGNMENT) as journal:
        grading = Grading(classroom, gradebook, journal, engine, ASSIGNMENT)
        grading.measure_limits(None)
        started, cpu = time.perf_counter(), time.process_time()
        totals = Totals()
        for rows in grading.run(classroom.students(ASSIGNMENT), force=False):
            totals.add(rows)
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Run(
        totals.notebooks,
        engine.slots,
        wall,
        totals.own_cpu_s,
        totals.cpu_s,
        cpu,
        memory,
        totals.points,
    )


class Totals:
    """Sums over rows, so that a thousand of them need not be kept."""

    def __init__(self) -> None:
        self.notebooks, self.own_cpu_s, self.cpu_s, self.points = 0, 0.0, 0.0, 0.0

    def add(self, rows: list[Row]) -> None:
        fresh = [row for row in rows if row.fresh]
        self.notebooks += len(fresh)
        self.own_cpu_s += sum(row.own_cpu_s for row in fresh)
        self.cpu_s += sum(row.cpu_s for row in fresh)
        self.points += sum(row.points for row in fresh)


def _where(run: Run) -> dict[str, float]:
    """Shares of the cores' time: the students' own work first, what nobody used last."""
    whole = run.wall_s * run.slots
    shares = {
        "students' own cells and functions": run.own_cpu_s,
        "their processes: fork, shell, capture": run.notebooks_cpu_s - run.own_cpu_s,
        "coordinator: intake, judge, gradebook, files": run.coordinator_cpu_s,
    }
    shares["kernel, forks of the warm process, waiting"] = whole - sum(shares.values())
    return {what: seconds / whole for what, seconds in shares.items()}


def _forget(folder: Path) -> None:
    """Nothing was graded yet: no journal, no results."""
    shutil.rmtree(folder / ".autograder" / ASSIGNMENT, ignore_errors=True)
    shutil.rmtree(folder / "autograded", ignore_errors=True)


def _command(folder: Path, module: str, *arguments: str) -> float:
    """Wall seconds of a whole command."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started
