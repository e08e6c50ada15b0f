"""The `autograder` command as an instructor meets it: one-line errors, a clean stop."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
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
def test_ctrl_c_in_the_demo_stops_it_with_a_word_and_leaves_no_process(tmp_path):
    for name in ("lessons", "solutions", "exercises", "tests/answers"):
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
