"""Visible checks: not attempted, wrong and passed are told apart, and warnings cost nothing."""

import os
import sys

import pytest

import tandem
from tandem.store import Store


@pytest.fixture(autouse=True)
def begun(monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    tandem.begin("1-tiny/exercise", "pytorch")


def results() -> list[str]:
    return [entry["result"] for entry in Store().entries("checks")]


def test_a_passed_check_is_kept(capsys):
    with tandem.check("double"):
        assert 1 + 1 == 2
    assert results() == ["passed"]
    assert "double: the visible check passes" in capsys.readouterr().out


def test_a_stub_is_reported_and_the_next_cell_can_run(capsys):
    with tandem.check("double"):
        raise NotImplementedError
    assert results() == ["not attempted"]
    assert "double: not attempted yet" in capsys.readouterr().out


def test_a_wrong_answer_raises_its_message():
    with pytest.raises(AssertionError, match="should be 6"), tandem.check("double"):
        raise AssertionError("double(3) should be 6")
    assert results() == ["failed"]


def test_while_grading_a_wrong_answer_is_printed_so_that_hidden_cases_can_count(
    monkeypatch, capsys
):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with tandem.check("double"):
        raise AssertionError("double(3) should be 6")
    assert "double(3) should be 6" in capsys.readouterr().out


def test_while_validating_a_stub_fails(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    with pytest.raises(NotImplementedError), tandem.check("double"):
        raise NotImplementedError


def test_warnings_and_logs_go_to_standard_output(capfd):
    with tandem.check("double"):
        print("from Python", file=sys.stderr)
        os.write(2, b"from C++\n")
    out, err = capfd.readouterr()
    assert err == ""
    assert "from Python" in out and "from C++" in out
    print("after", file=sys.stderr)
    assert capfd.readouterr().err == "after\n"
