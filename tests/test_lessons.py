"""Every lesson runs as a learner would run it, within its bounds, and the pair's numbers agree."""

import json
from functools import cache

import pytest
from conftest import ROOT

from tandem.build import lesson_path
from tandem.course import FRAMEWORKS
from tandem.parity import compare_pair
from tandem.run import Report, run_notebook
from tandem.source import lessons

SECONDS, MEGABYTES = 60, 1200
LESSONS = {lesson.key: lesson for lesson in lessons(ROOT)}
NOTEBOOKS = [(key, framework) for key in LESSONS for framework in FRAMEWORKS]

pytestmark = pytest.mark.slow


@cache
def report(key: str, framework: str) -> Report:
    return run_notebook(ROOT, ROOT / lesson_path(LESSONS[key], framework))


@pytest.mark.parametrize(("key", "framework"), NOTEBOOKS)
def test_a_lesson_runs_without_fault_in_a_minute_and_1200_mb(key, framework):
    result = report(key, framework)
    assert result.faults == []
    assert result.seconds < SECONDS
    assert result.peak_mb < MEGABYTES


@pytest.mark.parametrize("key", LESSONS)
def test_what_the_pair_recorded_agrees(key):
    rows = list(compare_pair(LESSONS[key], *(report(key, framework) for framework in FRAMEWORKS)))
    assert rows, "a lesson declares what must agree"
    assert [row for row in rows if row.verdict == "outside"] == []


@pytest.mark.parametrize("key", LESSONS)
def test_losses_and_gradients_are_held_to_one_in_a_hundred_thousand(key):
    assert all(tolerance <= 1e-5 for tolerance in LESSONS[key].head.parity.values())


@pytest.mark.parametrize(("key", "framework"), NOTEBOOKS)
def test_the_bundled_copy_has_every_number_that_the_lesson_records(key, framework):
    bundle = json.loads((ROOT / "tandem/bundled.json").read_text())
    numbers = {
        n for n, v in report(key, framework).recorded.items() if type(v["value"]) is not list
    }
    assert set(bundle["values"][key][framework]) == numbers
