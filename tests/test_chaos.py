"""Killed, full, forbidden: nothing is lost, nothing is graded twice, and the message is clear."""

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from classic import (
    ASSIGNMENT,
    HALF,
    RIGHT,
    WRONG,
    command,
    copy_course,
    failing,
    grade,
    hand_in,
)
from submissions.classroom import read_scores

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ANSWERS = {"right": (RIGHT, 6), "half": (HALF, 2), "wrong": (WRONG, 0)}
PAUSE = "\nimport time\ntime.sleep({})"


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    print(f"CHAOS_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def course(template, tmp_path) -> Path:
    """Eight students whose notebooks take about a third of a second each."""
    made = copy_course(template, tmp_path / "course")
    for number in range(8):
        name = list(ANSWERS)[number % 3]
        hand_in(made, f"{name}-{number}", f"{ANSWERS[name][0]}{PAUSE.format(0.3)}\n# {number}")
    return made


def start(course: Path, *options: str) -> subprocess.Popen:
    return subprocess.Popen(
        command(course, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def family(process: subprocess.Popen) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def assert_nothing_runs(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def graded_lines(course: Path) -> Counter:
    journal = course / ".autograder" / ASSIGNMENT / "journal.jsonl"
    entries = [json.loads(line) for line in journal.read_bytes().splitlines()]
    return Counter(entry["graded"][0] for entry in entries if "graded" in entry)


def wait_for_grades(course: Path, number: int) -> None:
    """Until so many students are graded."""
    journal = course / ".autograder" / ASSIGNMENT / "journal.jsonl"
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.read_bytes().count(b"graded") >= number):
        assert time.monotonic() < deadline, "grading has begun"
        time.sleep(0.02)


def assert_whole(course: Path, rows: dict[str, dict]) -> None:
    """Everyone has their points, in the rows and in the gradebook, and a whole graded notebook."""
    scores = read_scores(course / "gradebook.db")
    assert len(rows) == 8
    for student, row in rows.items():
        points = ANSWERS[student.partition("-")[0]][1]
        assert row["points"] == points, row
        earned = {k: v for k, v in scores[student, "problem"].items() if k != "essay"}
        assert sum(earned.values()) == points
        folder = course / "autograded" / student / ASSIGNMENT
        assert "cells" in json.loads((folder / "problem.ipynb").read_text())
        assert [entry.name for entry in folder.parent.iterdir()] == [ASSIGNMENT]


def test_kill_9_at_any_moment_and_the_same_command_again(course, chance):
    for _ in range(4):
        process = start(course)
        time.sleep(chance.uniform(1.5, 3.5))
        processes = family(process)
        process.kill()
        process.wait()
        assert_nothing_runs(processes)
    assert_whole(course, grade(course))
    assert set(graded_lines(course).values()) == {1}


def test_ctrl_c_stops_with_a_word_and_the_same_command_goes_on(course):
    process = start(course)
    wait_for_grades(course, 2)
    processes = family(process)
    assert processes
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1] == "autograder: stopped; run the same command again"
    assert "Traceback" not in errors
    assert_nothing_runs(processes)
    assert_whole(course, grade(course))


def test_a_warm_process_that_is_killed_in_the_middle_costs_nobody_points(course, chance):
    process = start(course, "--json", "--jobs", "2")
    for _ in range(3):
        time.sleep(chance.uniform(1.5, 2.5))
        for each in family(process):
            with contextlib.suppress(psutil.Error):
                if "inside.zygote" in each.cmdline() and each.parent().pid == process.pid:
                    each.kill()
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert_whole(course, {row["student"]: row for row in json.loads(out)})


def test_a_notebooks_own_process_that_is_killed_costs_nobody_points(course):
    process = start(course, "--json", "--jobs", "1")
    deadline, killed = time.monotonic() + 60, 0
    while process.poll() is None and killed < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
        with contextlib.suppress(psutil.Error):
            leaves = [each for each in family(process) if not each.children()]
            young = [each for each in leaves if 0.1 < time.time() - each.create_time() < 0.3]
            for each in young[:1]:
                each.kill()
                killed += 1
    out, errors = process.communicate(timeout=120)
    assert killed and process.returncode == 0, (killed, errors)
    assert_whole(course, {row["student"]: row for row in json.loads(out)})


@contextlib.contextmanager
def mounted(place: Path, *options: str) -> Iterator[None]:
    mount = ["mount", *options, str(place)]
    if os.getuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("only root can mount a file system here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_file_system_that_is_full_is_one_line_and_nothing_is_lost(course):
    place = course / "autograded"
    place.mkdir()
    with mounted(place, "-t", "tmpfs", "-o", "size=16k", "tmpfs"):
        assert "No space left on device" in failing(course)
        subprocess.run(["mount", "-o", "remount,size=10m", str(place)], check=True)
        assert_whole(course, grade(course))
    assert set(graded_lines(course).values()) == {1}


@pytest.mark.parametrize("pages", [2, 7])
def test_a_full_disk_under_the_journal_is_one_line_and_grading_goes_on(course, pages, tmp_path):
    place, kept = course / ".autograder", tmp_path / "kept"
    shutil.copytree(place, kept)
    with mounted(place, "-t", "tmpfs", "-o", f"size={4 * pages}k", "tmpfs"):
        with contextlib.suppress(OSError):
            shutil.copytree(kept, place, dirs_exist_ok=True)
        assert "No space left on device" in failing(course)
        subprocess.run(["mount", "-o", "remount,size=10m", str(place)], check=True)
        assert_whole(course, grade(course))
        assert set(graded_lines(course).values()) == {1}


@pytest.mark.parametrize("what", ["autograded", ".autograder"])
def test_a_folder_that_may_not_be_written_is_one_line(course, what):
    place = course / what
    place.mkdir(exist_ok=True)
    with mounted(place, "--bind", str(place)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
        assert "Read-only file system" in failing(course)
    assert_whole(course, grade(course))


def test_a_full_disk_under_the_gradebook_is_one_line_and_no_submission_is_half_there(course):
    place = course / "book"
    place.mkdir()
    size = (course / "gradebook.db").stat().st_size // 1024
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text().replace("gradebook.db", "book/gradebook.db"))
    with mounted(place, "-t", "tmpfs", "-o", f"size={size + 24}k", "tmpfs"):
        shutil.copy(course / "gradebook.db", place)
        assert "disk is full" in failing(course)
        subprocess.run(["mount", "-o", "remount,size=10m", str(place)], check=True)
        rows = grade(course)
        shutil.copy(place / "gradebook.db", course)
    assert_whole(course, rows)


def test_a_scheduler_that_is_not_there_is_one_line(course):
    options = ("--engine", "dask", "--scheduler", "tcp://127.0.0.1:1")
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in failing(course, *options)


def test_a_gradebook_that_is_locked_in_the_middle_is_waited_for(course):
    process = start(course, "--json")
    wait_for_grades(course, 2)
    held = sqlite3.connect(course / "gradebook.db", isolation_level=None, timeout=30)
    held.execute("begin exclusive")
    time.sleep(7)  # longer than SQLite itself waits
    held.execute("rollback")
    held.close()
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert_whole(course, {row["student"]: row for row in json.loads(out)})


def test_a_gradebook_that_may_not_be_written_is_one_line(course):
    book = course / "gradebook.db"
    with mounted(book, "--bind", str(book)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(book)], check=True)
        assert "the gradebook cannot be written" in failing(course)
    assert_whole(course, grade(course))
