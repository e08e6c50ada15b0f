"""The case book (tests/submissions): hostile, broken and awkward work gets what it deserves.

One class holds every case once for each framework; the real command grades it. With EVERY_TIER=1 it
is graded once in each tier that this machine has.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from conftest import ROOT
from submissions.book import CANARY, EVERYTHING, FAMILIES
from submissions.classroom import (
    NEIGHBOUR,
    Graded,
    all_cases,
    expected,
    fingerprint,
    grade_class,
    make_class,
)

from autograder.confine import doctor, tiers
from bench import compare
from tandem.course import FRAMEWORKS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]
TIERS = "ABC" if os.environ.get("EVERY_TIER") else ["strongest"]
SHORT, LONG = "4", "60"  # seconds for a cell: what never ends, and what compiles
BOOK = all_cases()
PAIRS = [(one, framework) for one in BOOK for framework in one.frameworks]


@pytest.fixture(scope="module", params=TIERS)
def graded(request, tmp_path_factory) -> Iterator[list[Graded]]:
    """The class of what never ends, and the class of all others, graded in one tier."""
    closed = tmp_path_factory.mktemp("book")  # to other users, as tier C needs it
    python, options = (sys.executable,), ()
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "strongest":
            if doctor.chosen(closed) is None:
                pytest.skip("this machine's kernel confines nothing")
        else:
            python, options = (compare.python(),), ("--tier", request.param)
            patch.setenv("PYTHONPATH", private_copy(closed / "grader"))
        endless = [one for one in BOOK if one.family == "exhaustion"]
        others = [one for one in BOOK if one.family != "exhaustion"]
        yield [
            grade(closed / "endless", endless, "--cell-seconds", SHORT, *options, python=python),
            grade(closed / "others", others, "--cell-seconds", LONG, *options, python=python),
        ]


def grade(folder: Path, cases: list, *options: str, python: tuple[str, ...]) -> Graded:
    made = make_class(folder, cases)
    before = fingerprint(made.submitted), [file.read_text() for file in made.secrets]
    graded = grade_class(made, *options, python=python)
    after = fingerprint(made.submitted), [file.read_text() for file in made.secrets]
    print(f"{len(made.cases)} submissions in {graded.seconds:.0f} s")
    graded.unchanged = before == after
    return graded


def private_copy(folder: Path) -> str:
    """A PYTHONPATH with the grader where other users cannot read its answers."""
    for package in ("autograder", "tandem"):
        shutil.copytree(ROOT / package, folder / package)
    return os.pathsep.join([str(folder), *tiers.package_folders()])


@pytest.mark.parametrize(("one", "framework"), PAIRS, ids=[f"{c.name}-{f}" for c, f in PAIRS])
def test_a_case_gets_what_it_earned_and_shows_no_secret(graded, one, framework):
    student = f"{one.name}-{framework}"
    graded = next(each for each in graded if student in each.classroom.cases)
    row, shown = graded.rows[student, framework], graded.shown(student, framework)
    earned = expected(one, row["tier"])
    assert graded.points(student, framework) == earned, (one.tries, row["stopped"])
    assert row["points"] == sum(earned.values())
    assert CANARY not in shown
    assert re.search(one.row, "; ".join([row["reason"], *row["notes"]]))
    assert one.row or not row["reason"]
    for words in one.shows:
        assert re.search(words, shown)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("student", [f"a-{NEIGHBOUR}", f"z-{NEIGHBOUR}"])
def test_nobody_changes_the_row_of_another_student(graded, student, framework):
    assert all(each.points(student, framework) == EVERYTHING for each in graded)


def test_what_was_handed_in_and_the_secrets_are_as_they_were(graded):
    assert all(each.unchanged for each in graded)


def test_the_gradebook_holds_the_rows_of_the_class_and_no_other(graded):
    for each in graded:
        students = {*each.classroom.cases, f"a-{NEIGHBOUR}", f"z-{NEIGHBOUR}"}
        assert {student for student, _ in each.scores} == students


def test_nothing_is_left_running(graded):
    def marks(process: psutil.Process) -> str:
        try:
            return f"{process.username()} {process.cmdline()}"
        except psutil.Error:
            return ""

    left = [
        m for m in map(marks, psutil.process_iter()) if "inside.zygote" in m or "/home/student" in m
    ]
    assert not left


def test_the_book_has_ninety_cases_in_six_families():
    assert len(BOOK) >= 90
    assert {one.family for one in BOOK} == set(FAMILIES)


def test_a_tier_that_does_not_hold_grades_nothing(tmp_path, monkeypatch):
    from autograder import session
    from autograder.engines import EngineError

    finding = doctor.Finding("no network", False, "reached")
    monkeypatch.setattr(doctor, "examine", lambda tier: [finding])
    with pytest.raises(EngineError, match="does not hold here: no network"):
        session._tier(None, "A", allow_unconfined=False)
    assert doctor.chosen(tmp_path) is None
    assert tiers.tier("D").name == "D"


def test_an_ordinary_user_has_a_tier_too(tmp_path_factory):
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    folder = tmp_path_factory.mktemp("user")
    for place in (folder, folder.parent, folder.parent.parent):
        place.chmod(0o755)
    os.chown(folder, 65534, 65534)
    found = subprocess.run(
        [compare.python(), "-m", "autograder.cli", "doctor", "--json"],
        cwd=folder,
        user=65534,
        group=65534,
        extra_groups=[],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *tiers.package_folders()]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    said = json.loads(found.stdout)
    assert said["tier"] in ("A", "B")
    assert "needs root" in said["tried"]["C"][0]["seen"]
