"""The `autograder` command as an instructor meets it: one-line errors, a clean stop."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from classic import copy_course, hand_in
from conftest import ROOT
from nbgrader.api import Gradebook

COMMAND = [sys.executable, "-m", "autograder.cli"]


def autograder(course: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, "TANDEM_COURSE": str(course)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_report_before_the_release_says_what_to_do(course):
    result = autograder(course, "report")
    assert result.returncode == 2
    assert "release an assignment first" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nonsense", "9-nothing", "1-philosophy"])
def test_an_assignment_that_is_unknown_or_not_released_is_one_line(course, name):
    (course / "classroom").mkdir(exist_ok=True)
    with Gradebook(f"sqlite:///{course}/classroom/gradebook.db"):
        pass
    result = autograder(course, "report", name)
    assert result.returncode == 2
    assert repr(name) in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_the_table_of_points_takes_any_name_and_is_sorted(template, tmp_path):
    course = copy_course(template, tmp_path / "course")
    for student in ("zoe", "Jones, Bob"):
        hand_in(course, student)
    for command in (("grade",), ("export", str(tmp_path / "grades.csv"))):
        assert autograder(course, *command, "--course", str(course)).returncode == 0
    with open(tmp_path / "grades.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["student_id"] for row in rows] == ["Jones, Bob", "zoe"]
    assert {(row["score"], row["max_score"]) for row in rows} == {("6.0", "9.0")}


def line_of(course: Path, *arguments: str) -> str:
    """The one line that a mistake is answered with."""
    result = autograder(course, *arguments)
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report", "nope"), "no assignment 'nope' was released (released: ps1)"),
        (("report", "ps2"), "did you mean ps1?"),
        (("feedback", "nope"), "no assignment 'nope' was released"),
        (("feedback", "ps1"), "nothing of ps1 is graded yet"),
        (("export", "/nowhere/grades.csv"), "no file in a folder that is there"),
        (("grade", "--student", "zoe"), "no assignment has a submission of zoe"),
        (("grade", "--scheduler", "tcp://x:1"), "--scheduler is for the dask engine"),
        (("grade", "nope"), "no assignment 'nope' was released (released: ps1)"),
        (("grade", "../../etc"), "no assignment '../../etc' was released"),
        (("grade", "ps1", "--student", "zoe"), "nothing of zoe for 'ps1' was handed in"),
        (("grade", "--engine", "dask", "--scheduler", "nonsense"), "needs the address"),
    ],
)
def test_a_mistake_in_a_command_is_one_line(template, tmp_path, arguments, said):
    course = copy_course(template, tmp_path / "course")
    hand_in(course, "ada")
    assert said in line_of(course, *arguments, "--course", str(course))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["grade", "report"])
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("this is ( not python", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
        ('c.CourseDirectory.db_url = "not a url"', "db_url"),
        ('c.CourseDirectory.db_url = "nonsense://x"', "db_url"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_line_and_never_passed_over(
    template, tmp_path, command, setting, said
):
    course = copy_course(template, tmp_path / "course")
    hand_in(course, "ada")
    config = course / "nbgrader_config.py"
    config.write_text(f"{config.read_text()}\n{setting}\n")
    assert said in line_of(course, command, "ps1", "--course", str(course))
    assert not (course / "autograded").exists()


@pytest.mark.slow
def test_a_folder_without_a_course_is_one_line(tmp_path):
    for command in (["grade"], ["report"], ["feedback", "ps1"], ["export", "x.csv"]):
        assert "no nbgrader_config.py" in line_of(tmp_path, *command, "--course", str(tmp_path))


@pytest.mark.slow
def test_ctrl_c_in_the_demo_stops_it_with_a_word_and_leaves_no_process(tmp_path):
    for name in ("lessons", "solutions", "exercises", "tests/answers", "autograder/questions"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("README.md", "nbgrader_config.py"):
        shutil.copy(ROOT / name, tmp_path)
    process = subprocess.Popen(
        [*COMMAND, "demo"],
        env={**os.environ, "TANDEM_COURSE": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    autograded = tmp_path / "build/demo/autograded"
    deadline = time.monotonic() + 120
    while not autograded.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert autograded.exists(), "grading has begun"
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "autograder: stopped" in errors
    time.sleep(2)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
