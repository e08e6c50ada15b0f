"""The progress page, and progress that is saved to a file and loaded elsewhere."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cli import tandem as command
from traitlets import Bunch

import tandem
from tandem.course import root
from tandem.progress import SAVED, _buttons, progress_markdown
from tandem.store import Store, StoreError

QUIZ = "1-philosophy"


def answer(item: str, option: str, **more: str) -> None:
    Store().append("answers", {"quiz": QUIZ, "item": item, "answer": [option], **more})


def test_a_new_learner_is_told_what_to_do():
    page = progress_markdown(root())
    assert page.startswith("## Next: First steps")
    assert "Nothing yet. Open a lesson from the [home page](home.ipynb) and run it." in page


def test_values_of_both_frameworks_stand_side_by_side():
    for framework, value in (("pytorch", 0.25), ("tensorflow", 0.5)):
        tandem.begin("1-philosophy/first_steps", framework)
        tandem.record("loss", value)
    tandem.record("seconds", 3.0, unit="s")
    page = progress_markdown(root())
    assert "| `loss` | 0.25 | 0.5 |" in page
    assert "| `seconds` | not run yet | 3 s |" in page
    assert "| First steps | begun | begun |" in page


def test_the_last_of_several_values_is_shown():
    tandem.begin("1-philosophy/first_steps", "pytorch")
    for value in (1.0, 2.0):
        tandem.record("loss", value)
    assert "| `loss` | 2 | not run yet |" in progress_markdown(root())


def test_the_quiz_shows_points_first_tries_and_calibration():
    answer("grads-accumulate", "three-three", confidence="certain")
    answer("grads-accumulate", "six-three")
    answer("eager-needs-no-session", "computed-at-its-line", confidence="certain")
    page = progress_markdown(root())
    assert "**2 of 14 points**, 2 of 14 answered, 1 right at first try." in page
    assert "Right at first try, by how sure you were: certain: 1 of 2." in page


def test_every_link_of_the_page_leads_to_a_file():
    for link in re.findall(r"\]\(([^)]+)\)", progress_markdown(root())):
        assert (root() / "lessons" / link).resolve().exists(), link


def test_progress_comes_back_on_another_machine(tmp_path, own_state):
    answer("grads-accumulate", "six-three")
    tandem.begin("1-philosophy/first_steps", "pytorch")
    Store().save_to(tmp_path / "mine.json")
    learner = Store().learner
    other = Store(tmp_path / "other")
    saved = json.loads((tmp_path / "mine.json").read_text())
    assert other.load(saved) == 2
    assert other.load(saved) == 0, "a second time adds nothing"
    assert other.entries("answers") == Store().entries("answers")
    assert other.learner == learner, "options keep their order"


def test_loading_adds_to_what_is_there_and_takes_nothing_away(tmp_path):
    there = Store(tmp_path / "there")
    there.append("answers", {"quiz": QUIZ, "item": "tape-once", "answer": ["both-work"]})
    answer("grads-accumulate", "six-three")
    learner = Store().learner
    Store().load(json.loads(there.path.read_text()))
    assert {e["item"] for e in Store().entries("answers")} == {"tape-once", "grads-accumulate"}
    assert Store().learner == learner


entries = st.lists(
    st.fixed_dictionaries(
        {"time": st.sampled_from(["2026-01-01", "2026-01-02"]), "n": st.integers()}
    )
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries, entries)
def test_the_order_of_loading_does_not_matter_for_what_is_there(tmp_path_factory, first, second):
    found = []
    for order in ((first, second), (second, first)):
        store = Store(tmp_path_factory.mktemp("store"))
        for given_entries in order:
            store.load({"schema": 1, "learner": "x", "entries": {"answers": given_entries}})
        found.append(sorted(store.entries("answers"), key=lambda e: (e["time"], e["n"])))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"schema": 1, "learner": "x"},
        {"schema": 1, "learner": "x", "entries": []},
        {"schema": 1, "learner": "x", "entries": {"answers": [3]}},
        {"schema": 1, "learner": "x", "entries": {"answers": {}}},
        {"schema": 1, "learner": "x", "entries": {"answers": [{"no": "time"}]}},
        {"schema": 99, "learner": "x", "entries": {}},
        {"schema": 1, "learner": 3, "entries": {}},
    ],
)
def test_what_is_no_saved_progress_changes_nothing(own_state, content):
    answer("grads-accumulate", "six-three")
    before = (own_state / "learner.json").read_bytes()
    with pytest.raises(StoreError, match="not a file of saved progress"):
        Store().load(content)
    assert (own_state / "learner.json").read_bytes() == before


def test_the_buttons_save_and_load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer("grads-accumulate", "six-three")
    row, said = _buttons().children
    save, load = row.children
    save.click()
    assert f"Saved to {SAVED}" in said.value
    monkeypatch.setenv("TANDEM_STATE", str(tmp_path / "new"))
    for content, told in (
        (b"{", "not a file of saved progress"),
        (Path(SAVED).read_bytes(), "Entries added: 1"),
    ):
        file = {"name": "x.json", "content": content, "size": 1, "type": ""}
        load.value = (Bunch(file, last_modified=datetime.now(UTC)),)
        assert told in said.value
    assert Store().entries("answers")


def test_the_commands_save_and_load_and_never_overwrite(tmp_path):
    answer("grads-accumulate", "six-three")
    file = tmp_path / "mine.json"
    assert command(root(), "progress", "save", str(file)).returncode == 0
    again = command(root(), "progress", "save", str(file))
    assert again.returncode == 2 and "is there already" in again.stderr
    loaded = command(root(), "progress", "load", str(file))
    assert loaded.returncode == 0 and "0 entries added" in loaded.stdout
    file.write_text("{")
    broken = command(root(), "progress", "load", str(file))
    assert broken.returncode == 2 and broken.stderr.count("\n") == 1
    missing = command(root(), "progress", "load", str(tmp_path / "nothing.json"))
    assert missing.returncode == 2 and "No such file" in missing.stderr
