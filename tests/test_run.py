"""Running notebooks: time, memory, values and faults are reported; pairs are compared."""

import json
from pathlib import Path

import pytest
from conftest import edit

from tandem.build import build
from tandem.parity import compare_pair
from tandem.run import Report, run_notebook, save_bundle
from tandem.source import read_source

LESSON = Path("lessons/1-tiny/hello.md")
PYTORCH = Path("lessons/1-tiny/hello.pytorch.ipynb")


def run_with(course: Path, code: str) -> Report:
    """Run the PyTorch notebook of the small course with `code` in its recording cell."""
    edit(course / LESSON, 'tandem.record("total", float(total))', code)
    build(course)
    return run_notebook(course, course / PYTORCH)


def test_a_run_reports_seconds_memory_and_values_and_leaves_no_trace(built, own_state):
    before = (built / PYTORCH).read_bytes()
    report = run_notebook(built, built / PYTORCH)
    assert report.faults == []
    assert report.recorded["total"]["value"] == pytest.approx(1 + 1e-7, abs=1e-12)
    assert report.seconds > 0.1
    assert (built / PYTORCH).read_bytes() == before
    assert list(own_state.iterdir()) == []


def test_peak_memory_counts_children_and_what_was_freed(course):
    grow = "import subprocess, sys\n\nsubprocess.run([sys.executable, '-c', {!r}], check=True)"
    hold = "import time; x = bytearray(300_000_000); time.sleep(0.5)"
    report = run_with(course, grow.format(hold))
    assert report.faults == []
    assert 350 < report.peak_mb < 1000


FAULTS = {
    "an error": ("1 / 0", "ZeroDivisionError: division by zero"),
    "text on stderr": ("import sys\n\nprint('careful', file=sys.stderr)", "stderr: careful"),
    "a deprecated call": (
        "import warnings\n\nwarnings.warn('old', DeprecationWarning, stacklevel=1)",
        "DeprecationWarning: old",
    ),
    "a dead kernel": ("import os\n\nos._exit(1)", "the kernel died"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_reported_with_its_cell(course, fault):
    code, expected = FAULTS[fault]
    report = run_with(course, code)
    assert any(f.startswith("cell adding-") and expected in f for f in report.faults), report


def test_an_expected_error_that_does_not_come_is_a_fault(course):
    edit(course / LESSON, "1 / 0", "1 / 1")
    build(course)
    report = run_notebook(course, course / PYTORCH)
    assert any("did not raise" in fault for fault in report.faults)


def test_a_cell_that_takes_too_long_is_stopped(course, monkeypatch):
    monkeypatch.setattr("tandem.run.CELL_SECONDS", 2)
    report = run_with(course, "while True:\n    pass")
    assert any("took over 2 seconds" in fault for fault in report.faults)


def reports(pytorch: object, tensorflow: object) -> list[Report]:
    values = {"pytorch": pytorch, "tensorflow": tensorflow}
    return [
        Report(f, recorded={} if v is None else {"total": {"value": v}}) for f, v in values.items()
    ]


@pytest.mark.parametrize(
    ("pytorch", "tensorflow", "verdict"),
    [
        (1.0, 1.0, "exact"),
        (1.0, 1.0 + 5e-7, "within"),
        (1.0, 1.0 + 2e-6, "outside"),
        ([1.0, 2.0], [1.0, 2.0], "exact"),
        ([1.0, 2.0], [1.0, 2.1], "outside"),
        ([1.0, 2.0], [1.0], "outside"),
        (1.0, None, "outside"),
    ],
)
def test_parity_says_exact_within_or_outside(course, pytorch, tensorflow, verdict):
    lesson = read_source(course, LESSON)
    (comparison,) = compare_pair(lesson, *reports(pytorch, tensorflow))
    assert comparison.verdict == verdict
    if tensorflow is None:
        assert comparison.reason == "not recorded by tensorflow"


def test_the_bundle_keeps_values_by_lesson_and_framework(course):
    (course / "tandem").mkdir()
    kept = {"value": 2.0, "unit": "s", "lesson": "1-tiny/hello", "framework": "pytorch"}
    save_bundle(course, [Report("x", recorded={"total": kept})])
    bundle = json.loads((course / "tandem/bundled.json").read_text())
    assert bundle["values"]["1-tiny/hello"]["pytorch"]["total"] == {"value": 2.0, "unit": "s"}
    assert len(bundle["date"]) == 10
