"""The case book on stock nbgrader and on ours: what each gives away, loses, leaks or stops at."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from submissions.book import ASSIGNMENT, CANARY, EVERYTHING, ROOT, Case, Work, build
from submissions.classroom import (
    NEIGHBOUR,
    Class,
    Graded,
    all_cases,
    expected,
    fingerprint,
    grade_class,
    make_class,
    read_scores,
)

from autograder.confine.tiers import package_folders
from autograder.demo import new_course
from bench.classes import STOCK

LIMIT_S = 150  # after which stock nbgrader counts as hanging
FIRST_UID = 63000  # each hostile notebook runs as a user of its own, for it is not confined
OUTCOMES = ("unearned", "lost", "leaked", "aborted", "hung")


@dataclass(frozen=True)
class Found:
    """What a grader did with one submission."""

    student: str
    family: str
    outcomes: frozenset[str]


def compare(folder: Path, families: tuple[str, ...] = ()) -> dict:
    """Both graders on the same submissions: how often each outcome was seen, and for which.

    Each case in one framework, PyTorch where it has it: stock takes ten seconds and more for each.
    """
    wanted = (one for one in all_cases() if not families or one.family in families)
    cases = [replace(one, frameworks=one.frameworks[:1]) for one in wanted]
    ours = list(_ours(folder / "ours", cases))
    stock = list(_stock(folder / "stock", cases))
    return {
        "cases": len(cases),
        "ours": _table(ours),
        "stock": _table(stock),
        "stock_seen": {f.student: sorted(f.outcomes) for f in stock if f.outcomes},
        "ours_seen": {f.student: sorted(f.outcomes) for f in ours if f.outcomes},
    }


def _table(found: list[Found]) -> dict[str, dict[str, int]]:
    """Family -> outcome -> number of submissions."""
    table: dict[str, Counter] = {}
    for one in found:
        counts = table.setdefault(one.family, Counter(dict.fromkeys(OUTCOMES, 0)))
        counts["submissions"] += 1
        counts.update(one.outcomes)
    return {family: dict(counts) for family, counts in table.items()}


def _ours(folder: Path, cases: list[Case]) -> Iterator[Found]:
    shutil.rmtree(folder, ignore_errors=True)
    made = make_class(folder, cases)
    before = _state(made)
    graded = grade_class(made, "--cell-seconds", "6")
    changed = before != _state(made) or not _neighbours_are_well(graded)
    for student, (one, framework) in made.cases.items():
        outcomes = _outcomes(one, framework, student, graded)
        if (student, framework) not in graded.rows:
            outcomes.add("aborted")
        if changed:
            outcomes.add("leaked")
        yield Found(student, one.family, frozenset(outcomes))


def _stock(folder: Path, cases: list[Case]) -> Iterator[Found]:
    """Each submission alone with its neighbours in a course of its own: stock stops at the first
    fault, and what a notebook does to another's row must be seen."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    template = folder / "template"
    new_course(ROOT, template, STOCK)
    units = [(one, framework) for one in cases for framework in one.frameworks]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        work = (pool.submit(_stock_one, template, n, *unit) for n, unit in enumerate(units))
        for future in list(work):
            found = future.result()
            print(found.student, *sorted(found.outcomes), flush=True)
            yield found


def _stock_one(template: Path, number: int, one: Case, framework: str) -> Found:
    folder = template.parent / f"course-{number}"
    shutil.copytree(template, folder)
    config = folder / "nbgrader_config.py"
    config.write_text(config.read_text().replace(str(template), str(folder)))
    made = Class(folder)
    neighbour = Work(made.submitted / f"z-{NEIGHBOUR}" / ASSIGNMENT, framework)
    neighbour.solve("predict_log")
    neighbour.add(CANARY, kind="markdown")
    neighbour.save()
    made.secrets = [folder / "secret.txt", folder / "source" / "secret.txt"]
    for file in made.secrets:
        file.write_text(CANARY)
    student = f"{one.name}-{framework}"
    build(one, framework, made.submitted / student / ASSIGNMENT)
    uid = FIRST_UID + number
    before = _state(made)
    seconds, code = _autograde(folder, uid)
    graded = Graded({}, read_scores(folder / "gradebook.db"), made, seconds)
    outcomes = _outcomes(one, framework, student, graded)
    if code and one.row == "":
        outcomes.add("aborted")
    if seconds >= LIMIT_S:
        outcomes.add("hung")
    if before != _state(made) or graded.points(f"z-{NEIGHBOUR}", framework) != {"predict_log": 4}:
        outcomes.add("leaked" if not code else "aborted")
    shutil.rmtree(folder, ignore_errors=True)
    return Found(student, one.family, frozenset(outcomes))


def _autograde(folder: Path, uid: int) -> tuple[float, int]:
    """Stock `nbgrader autograde` as another user: wall seconds and exit status, -1 if it hung."""
    (folder / "home").mkdir()
    subprocess.run(["chown", "-R", f"{uid}:{uid}", str(folder)], check=True)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": packages(),
        "HOME": str(folder / "home"),
        "AUTOGRADER_CANARY": CANARY,
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    started = time.perf_counter()
    process = subprocess.Popen(
        [python(), "-m", "nbgrader", "autograde", ASSIGNMENT],
        cwd=folder,
        env=environment,
        user=uid,
        group=uid,
        extra_groups=[],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        code = -1
    _end_user(uid)
    process.wait()
    return time.perf_counter() - started, code


def python() -> str:
    """A Python that another user may run."""
    for place in (Path(sys.base_prefix), *Path(sys.base_prefix).parents):
        if not place.stat().st_mode & 0o005:
            return f"/usr/bin/python3.{sys.version_info.minor}"
    return sys.executable


def packages() -> str:
    """PYTHONPATH with which that Python finds this checkout and what is installed here."""
    return os.pathsep.join([str(ROOT), *package_folders()])


def _end_user(uid: int) -> None:
    """End every process of a user that was made for one notebook."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.uids().real == uid:
                process.send_signal(signal.SIGKILL)


def _state(made: Class) -> tuple:
    return fingerprint(made.submitted), [f.read_text() for f in made.secrets if f.exists()]


def _neighbours_are_well(graded: Graded) -> bool:
    return all(
        graded.points(f"{first}-{NEIGHBOUR}", framework) == EVERYTHING
        for first in "az"
        for framework in ("pytorch", "tensorflow")
    )


def _outcomes(one: Case, framework: str, student: str, graded: Graded) -> set[str]:
    points, right = graded.points(student, framework), expected(one)
    found = set()
    if any(points[name] > right.get(name, 0) for name in points):
        found.add("unearned")
    if any(points.get(name, 0) < right[name] for name in right):
        found.add("lost")
    if CANARY in graded.shown(student, framework):
        found.add("leaked")
    return found
