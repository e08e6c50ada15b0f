"""The journal: what was run and graded is on disk, and what was torn or damaged does no harm."""

import json
import multiprocessing
import os
import signal

import pytest

from autograder.jobs import Result
from autograder.journal import Journal

RESULT = Result({0: []}, {0: True}, {}, {"a.txt": b"x"}, {}, "A", 1.0, 1.0, 1.0, 5)


def test_results_and_grades_are_there_after_reopening(tmp_path):
    with Journal(tmp_path) as journal:
        journal.keep_result("one", RESULT)
        journal.keep_graded("ada", "work")
    with Journal(tmp_path) as journal:
        assert journal.result("one") == RESULT
        assert journal.graded == {"ada": "work"}
        assert journal.result("two") is None


@pytest.mark.parametrize("torn", [b'{"ran": "two"', b"\x00\x00", b'{"ran": "two"}'])
def test_a_torn_last_line_is_cut_off_and_the_journal_goes_on(tmp_path, torn):
    with Journal(tmp_path) as journal:
        journal.keep_result("one", RESULT)
    with open(tmp_path / "journal.jsonl", "ab") as file:
        file.write(torn)
    with Journal(tmp_path) as journal:
        assert journal.ran == {"one"}
        journal.keep_graded("ada", "work")
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines()
    assert [json.loads(line) for line in lines] == [{"ran": "one"}, {"graded": ["ada", "work"]}]


def test_a_damaged_result_counts_as_not_run(tmp_path):
    with Journal(tmp_path) as journal:
        journal.keep_result("one", RESULT)
        (tmp_path / "results" / "one").write_bytes(b"damaged")
        assert journal.result("one") is None
        journal.keep_result("one", RESULT)
        assert journal.result("one") == RESULT


def test_a_line_in_the_middle_that_is_damaged_ends_the_journal_there(tmp_path):
    with Journal(tmp_path) as journal:
        journal.keep_graded("ada", "1")
        journal.keep_graded("bob", "2")
    file = tmp_path / "journal.jsonl"
    first, second = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + b"\x00" * 8 + b"\n" + second)
    with Journal(tmp_path) as journal:
        assert journal.graded == {"ada": "1"}
    assert file.read_bytes() == first


def test_the_last_word_on_a_student_counts(tmp_path):
    with Journal(tmp_path) as journal:
        for work in ("1", "2", ""):
            journal.keep_graded("ada", work)
    with Journal(tmp_path) as journal:
        assert journal.graded == {"ada": ""}


def test_a_result_that_is_missing_counts_as_not_run(tmp_path):
    with Journal(tmp_path) as journal:
        journal.keep_result("one", RESULT)
    (tmp_path / "results" / "one").unlink()
    with Journal(tmp_path) as journal:
        assert journal.result("one") is None


def write_for_ever(folder) -> None:
    with Journal(folder) as journal:
        for number in range(10**9):
            journal.keep_result(str(number), RESULT)
            journal.keep_graded(str(number), "work")


def test_after_kill_9_every_line_is_whole_and_every_result_is_there(tmp_path):
    for _ in range(3):
        process = multiprocessing.get_context("fork").Process(
            target=write_for_ever, args=[tmp_path]
        )
        process.start()
        process.join(0.3)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        with Journal(tmp_path) as journal:
            assert journal.ran and journal.graded.keys() <= journal.ran
            assert all(journal.result(address) == RESULT for address in journal.ran.copy())
