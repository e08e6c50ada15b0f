"""One run of `autograder grade`: opens course, gradebook and engine, shows progress, sums up."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from autograder.classroom import Classroom, ClassroomError
from autograder.confine import doctor, tiers
from autograder.engines import Engine, EngineError
from autograder.engines.local import Local
from autograder.grade import Grading, Row
from autograder.gradebook import Gradebook
from autograder.journal import Journal

MANY = 5  # students with the same note get one line


def grade(
    course: Path,
    assignments: Sequence[str],
    *,
    console: Console,
    students: Sequence[str] = (),
    slots: int = 0,
    force: bool = False,
    engine: str = "local",
    scheduler: str = "",
    tier_name: str = "",
    cell_s: float | None = None,
    allow_unconfined: bool = False,
) -> list[Row]:
    """Grade the assignments, or all, of the students, or all; see `autograder grade`."""
    classroom = Classroom.open(course)
    rows: list[Row] = []
    with _clear_errors(), ExitStack() as stack:
        stack.enter_context(classroom.lock())
        gradebook = stack.enter_context(Gradebook(classroom.db_url, classroom.course_id))
        plan = _plan(classroom, gradebook, assignments, students)
        tier = _tier(classroom, tier_name, allow_unconfined)
        opened = _engine(engine, scheduler, tier, slots or os.cpu_count() or 1)
        running = stack.enter_context(opened)
        for assignment, who in plan.items():
            journal = Journal(classroom.state / assignment)
            with journal:
                grading = Grading(classroom, gradebook, journal, running, assignment)
                classroom.sweep(assignment, who)
                with _progress(console, assignment, len(who)) as (bar, task):
                    grading.measure_limits(cell_s)
                    found: list[Row] = []
                    for of_student in grading.run(who, force):
                        found += of_student
                        bar.advance(task)
            strays = classroom.strays(assignment, gradebook.assignments())
            _sum_up(console, assignment, found, grading.warnings, strays)
            rows += found
    return rows


@contextmanager
def _clear_errors() -> Iterator[None]:
    """A disk that is full or may not be written is the instructor's to mend."""
    try:
        yield
    except OSError as error:
        raise ClassroomError(
            f"{error.strerror or error}: {error.filename or 'a file'}; what was graded is kept: "
            "mend this and run the same command again"
        ) from error


def _plan(
    classroom: Classroom, gradebook: Gradebook, assignments: Sequence[str], students: Sequence[str]
) -> dict[str, list[str]]:
    """Assignment -> who handed in; raises ClassroomError for a name that is nowhere."""
    plan = {}
    for assignment in assignments or gradebook.assignments():
        gradebook.releases(assignment)  # raises for one that was never released
        there = classroom.students(assignment)
        missing = sorted(set(students) - set(there))
        if missing and assignments:
            raise ClassroomError(
                f"nothing of {', '.join(missing)} for {assignment!r} was handed in"
            )
        who = [student for student in there if not students or student in students]
        if who:
            plan[assignment] = who
        elif assignments:
            place = classroom.submitted("<student>", assignment)
            raise ClassroomError(f"nothing was handed in for {assignment!r}: put it into {place}")
    if not plan:
        whose = f" of {', '.join(students)}" if students else ""
        raise ClassroomError(f"there is nothing to grade: no assignment has a submission{whose}")
    return plan


def _tier(classroom: Classroom, name: str, allow_unconfined: bool) -> tiers.Tier:
    """The tier asked for, or the strongest that holds on this machine; raises EngineError."""
    if name and name not in ("A", "B", "C"):
        raise EngineError(f"there is no tier {name!r}: take A, B or C")
    if name:
        found = doctor.examine(tiers.tier(name))
        failed = [finding for finding in found if not finding.held]
        if failed:
            raise EngineError(
                f"tier {name} does not hold here: {failed[0].promise} ({failed[0].seen})"
            )
        return tiers.tier(name)
    chosen = doctor.chosen(classroom.state)
    if chosen is None and not allow_unconfined:
        raise EngineError(
            "this machine can confine no student code: see `autograder doctor`, grade in a "
            "container, or accept the risk with --allow-unconfined"
        )
    return chosen or tiers.tier("D")


def _engine(name: str, scheduler: str, tier: tiers.Tier, slots: int) -> Engine:
    if name == "local" and scheduler:
        raise EngineError("--scheduler is for the dask engine: say --engine dask as well")
    if name == "local":
        return Local(tier, slots)
    if name != "dask":
        raise EngineError(f"no engine is called {name!r}: take local or dask")
    if "://" not in scheduler:
        raise EngineError("the dask engine needs the address of a scheduler: --scheduler tcp://…")
    from autograder.engines.dask import Dask

    return Dask(scheduler)


@contextmanager
def _progress(console: Console, assignment: str, total: int) -> Iterator[tuple]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("students ·"),
        TimeElapsedColumn(),
        TextColumn("· left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        yield bar, bar.add_task(f"grading {assignment}", total=total)


def _sum_up(
    console: Console,
    assignment: str,
    rows: list[Row],
    warnings: list[str],
    strays: list[Path],
) -> None:
    rows = sorted(rows, key=lambda row: (row.student, row.notebook))
    there = sum(bool(row.tier or row.reason) for row in rows)
    fresh = sum(row.fresh for row in rows)
    tiers_used = "".join(f" in tier {name}" for name in sorted({r.tier for r in rows if r.fresh}))
    told = f"{there} notebooks handed in, {fresh} run now{tiers_used}"
    console.print(f"{assignment}: {told}", highlight=False)
    lines = [f"{row.student}/{row.notebook}: {row.reason}" for row in rows if row.reason]
    lines += [f"{row.student}/{row.notebook}: {_place(s)}" for row in rows for s in row.stopped]
    lines += _together((row.student, note) for row in rows for note in row.notes)
    lines += [f"{path} is in no student's folder of an assignment: not graded" for path in strays]
    for line in dict.fromkeys((*warnings, *lines)):
        console.print(f"  {line}", style="yellow", highlight=False, soft_wrap=True, markup=False)


def _together(notes: Iterable[tuple[str, str]]) -> list[str]:
    """A line for each student and note; one for all where many have the same."""
    students: dict[str, dict[str, None]] = {}
    for student, note in notes:
        students.setdefault(note, {})[student] = None
    return [
        f"{len(who)} students: {note}" if len(who) > MANY else f"{student}: {note}"
        for note, who in students.items()
        for student in (list(who)[:1] if len(who) > MANY else who)
    ]


def _place(stopped: str) -> str:
    """Cells are named by their number."""
    return f"cell {stopped}" if stopped[:1].isdigit() else stopped
