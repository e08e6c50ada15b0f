"""Recording: plain finite numbers go into the store, anything else is refused with a reason."""

import numpy as np
import pytest

import tandem
from tandem import measurements as module
from tandem.store import Store


@pytest.fixture(autouse=True)
def no_session(monkeypatch):
    monkeypatch.setattr(module, "_session", None)


@pytest.fixture
def begun():
    tandem.begin("1-tiny/hello", "pytorch")


def test_a_measurement_says_where_and_on_what_it_was_taken(begun, capsys):
    tandem.record("eager_op_us", 2.5, unit="µs")
    (entry,) = Store().entries("measurements")
    assert (entry["lesson"], entry["framework"]) == ("1-tiny/hello", "pytorch")
    assert (entry["name"], entry["value"], entry["unit"]) == ("eager_op_us", 2.5, "µs")
    assert entry["versions"]["torch"].startswith("2.")
    assert entry["machine"]["cores"] >= 1
    assert entry["device"] == "CPU"
    assert "recorded eager_op_us = 2.5 µs" in capsys.readouterr().out


@pytest.mark.parametrize("value", [1, 2.5, [1, 2], [[1.0], [2.0]], np.float32(1), np.ones((2, 3))])
def test_numbers_and_arrays_are_kept_exactly(begun, value):
    tandem.record("x", value)
    (entry,) = Store().entries("measurements")
    np.testing.assert_array_equal(entry["value"], value)


@pytest.mark.parametrize("value", ["1", None, True, {"a": 1}, [1, "2"], object()])
def test_what_is_not_a_number_is_refused(begun, value):
    with pytest.raises(TypeError, match=r"tandem.record\('x'\)"):
        tandem.record("x", value)
    assert Store().entries("measurements") == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1.0, -float("inf")]])
def test_numbers_that_are_not_finite_are_refused(begun, value):
    with pytest.raises(ValueError, match="NaN or an infinity"):
        tandem.record("x", value)


def test_a_huge_array_is_refused(begun):
    with pytest.raises(ValueError, match="at most 10000"):
        tandem.record("x", np.zeros(10_001))


def test_recording_before_the_first_cell_says_what_to_do():
    with pytest.raises(RuntimeError, match="run the first cell"):
        tandem.record("x", 1)


def test_a_store_that_cannot_be_written_does_not_stop_the_lesson(
    begun, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TANDEM_STATE", str(tmp_path / "file"))
    tandem.record("x", 1)
    assert "could not keep this" in capsys.readouterr().out


def test_the_table_shows_both_frameworks_and_whose_numbers_they_are(begun):
    tandem.record("x", 1.0)
    tandem.begin("1-tiny/hello", "tensorflow")
    tandem.record("x", 3.0)
    text = tandem.show_recorded("x").data
    assert "| `x` | 1 | 3 |" in text
    assert text.count("yours") == 2


def test_the_newest_value_counts_and_a_missing_partner_is_said(begun):
    tandem.record("x", 1.0)
    tandem.record("x", 2.0)
    assert "| `x` | 2 | not run yet |" in tandem.show_recorded("x").data


def test_the_bundled_copy_stands_in_for_a_partner_that_was_not_run(begun, tmp_path, monkeypatch):
    bundle = tmp_path / "bundled.json"
    bundle.write_text(
        '{"date": "2026-11-23", "machine": "Linux, 2 cores", "values":'
        ' {"1-tiny/hello": {"tensorflow": {"x": {"value": 7.0, "unit": "s"}}}}}'
    )
    monkeypatch.setattr(module, "_bundle", lambda: bundle)
    tandem.record("x", 1.0, unit="s")
    text = tandem.show_recorded("x").data
    assert "| `x` | 1 s | 7 s |" in text
    assert "measured by the authors on 2026-11-23" in text


def test_a_name_that_nothing_recorded_is_an_error(begun):
    with pytest.raises(KeyError, match="nothing is recorded under 'y'"):
        tandem.show_recorded("y")
