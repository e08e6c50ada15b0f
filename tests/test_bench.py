"""The benchmarks' class, results and tables; nbgrader's own tests with our engine (a sample)."""

import json

import pytest
from conftest import ROOT

from bench import readme
from bench.classes import digest, handed_in
from bench.grading import STUDENTS, Run, _where
from bench.suite import EXCEPTIONS, run

# One of each kind: scores, an exploit, penalties, files, hidden tests, kernels, timeouts.
SAMPLE = (
    "test_grade_timestamp",
    "test_showtraceback_exploit",
    "test_late_submission_penalty_plugin",
    "test_grade_overwrite_files_subdirs",
    "test_hidden_tests_single_notebook",
    "test_missing_source_kernelspec",
    "test_no_execute",
    "test_autograde_timeout",
)
RESULTS = json.loads((ROOT / "bench/results.json").read_text("utf-8"))


def test_the_class_is_the_one_that_was_measured():
    assert digest(STUDENTS) == RESULTS["speed"]["class"]["digest"]


def test_no_two_notebooks_are_alike():
    texts = [text for _, _, text in handed_in(4, ("pytorch", "tensorflow"))]
    assert len(set(texts)) == len(texts) == 8


def test_the_readme_shows_the_results_that_are_kept(tmp_path):
    copy = tmp_path / "README.md"
    copy.write_text((ROOT / "README.md").read_text("utf-8"), "utf-8")
    readme.renew(RESULTS, copy)
    assert copy.read_text("utf-8") == (ROOT / "README.md").read_text("utf-8")


def test_a_changed_result_changes_the_readme(tmp_path):
    copy = tmp_path / "README.md"
    copy.write_text("<!-- nbgrader -->\nold\n<!-- /nbgrader -->\n", "utf-8")
    part = {"date": "2026-01-01", "cores": 2, "load_before": 0.1, "passed": 3, "exceptions": {}}
    readme.renew({"nbgrader": part}, copy)
    assert "3 passed" in copy.read_text("utf-8") and "old" not in copy.read_text("utf-8")


def test_overhead_is_wall_time_over_the_students_own_time_per_core():
    run = Run(10, 2, 6.0, 10.0, 10.5, 0.5, 1, 0.0)
    assert run.overhead == pytest.approx(1.2)
    assert sum(_where(run).values()) == pytest.approx(1.0)


def test_at_most_three_of_nbgraders_tests_are_left_out_each_with_a_reason():
    assert len(EXCEPTIONS) <= 3
    assert all(len(reason) > 20 for reason in EXCEPTIONS.values())


@pytest.mark.slow
def test_a_sample_of_nbgraders_own_tests_passes_with_our_engine(tmp_path):
    found = run(tmp_path, SAMPLE)
    assert found["exit"] == 0
    assert found["passed"] == len(SAMPLE)


@pytest.mark.slow
def test_the_sample_would_notice_an_engine_that_does_not_work(tmp_path, monkeypatch):
    from bench import suite

    broken = suite.CONFIG.replace('"autograder.nbgrader.Run",', "")
    monkeypatch.setattr(suite, "CONFIG", broken)
    assert run(tmp_path, ("test_hidden_tests_single_notebook",))["exit"] != 0
