"""The learner's file: nothing in it is ever lost, whatever happens to it."""

import json
import subprocess
import sys

import pytest

from tandem.store import Store, StoreError


def test_what_was_appended_comes_back_in_order_with_its_time():
    Store().append("answers", {"item": "a"})
    Store().append("answers", {"item": "b"})
    entries = Store().entries("answers")
    assert [entry["item"] for entry in entries] == ["a", "b"]
    assert all(entry["time"].endswith("+00:00") for entry in entries)
    assert Store().entries("measurements") == []


def test_reading_writes_nothing(own_state):
    assert Store().entries("answers") == []
    assert list(own_state.iterdir()) == []


def test_the_learner_keeps_one_random_id():
    assert Store().learner == Store().learner
    Store().append("answers", {})
    assert len(Store().learner) == 32


@pytest.mark.parametrize(
    "content", ["", "{", '{"schema": 1}', "[]", '{"schema": 1, "learner": 3, "entries": {}}']
)
def test_a_damaged_file_is_set_aside_and_kept(own_state, content, capsys):
    file = own_state / "learner.json"
    file.write_text(content)
    Store().append("answers", {"item": "a"})
    kept = list(own_state.glob("learner.damaged-*.json"))
    assert [f.read_text() for f in kept] == [content]
    assert kept[0].name in capsys.readouterr().out
    assert len(Store().entries("answers")) == 1


def test_a_file_of_a_newer_tandem_is_left_alone(own_state):
    file = own_state / "learner.json"
    content = json.dumps({"schema": 99, "learner": "x", "entries": {}})
    file.write_text(content)
    with pytest.raises(StoreError, match="newer Tandem"):
        Store().append("answers", {})
    assert file.read_text() == content


def test_a_folder_that_cannot_be_used_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="set TANDEM_STATE") as caught:
        Store(tmp_path / "file").append("answers", {})
    assert "\n" not in str(caught.value)


def test_an_interrupted_write_leaves_the_old_file(own_state, monkeypatch):
    Store().append("answers", {"item": "a"})

    def full(*_):
        raise OSError(28, "full")

    monkeypatch.setattr("tandem.store.os.replace", full)
    with pytest.raises(StoreError, match="full"):
        Store().append("answers", {"item": "b"})
    monkeypatch.undo()
    assert [e["item"] for e in Store(own_state).entries("answers")] == ["a"]


def test_two_programs_writing_at_once_lose_nothing(own_state):
    code = "from tandem.store import Store\nfor i in range(40): Store().append('answers', {'i': i})"
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert sorted(e["i"] for e in Store().entries("answers")) == sorted([*range(40)] * 2)
