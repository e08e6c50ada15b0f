"""The home page: where the learner is, what is next, a link to every notebook."""

import json
import re

import tandem
from tandem.home import home_markdown
from tandem.store import Store


def test_every_link_leads_to_a_file(built):
    links = re.findall(r"\]\(([^)]+)\)", home_markdown(built))
    assert len(links) >= 6
    for link in links:
        assert (built / "lessons" / link).resolve().exists(), link


def row(page: str, title: str) -> str:
    """The table row of a part."""
    return next(line for line in page.splitlines() if line.startswith(f"| **{title}"))


def test_a_new_learner_reads_what_is_next_how_long_it_takes_and_both_ways_in(built):
    heading, _, ways, _, progress, *_ = home_markdown(built).splitlines()
    minutes = json.loads((built / "lessons/1-tiny/hello.pytorch.ipynb").read_text())["metadata"][
        "tandem"
    ]["minutes"]
    assert heading == f"## Next: Hello ({minutes} minutes)"
    for link in ("[open in PyTorch](1-tiny/hello.py", "[open in TensorFlow](1-tiny/hello.t"):
        assert link in ways
    assert "[open both side by side](1-tiny/hello.jupyterlab-workspace)" in ways
    assert progress.startswith("Done: 0 of 3 parts") and "nothing opened yet" in progress


def test_next_moves_on_from_lesson_to_quiz_to_exercise_to_nothing(built):
    def top() -> str:
        return "\n".join(home_markdown(built).splitlines()[:5])

    tandem.begin("1-tiny/hello", "tensorflow")
    assert "[go on in TensorFlow](1-tiny/hello.tensorflow.ipynb)" in top()
    assert "last opened: Hello in TensorFlow" in top()
    tandem.record("total", 2)
    assert "## Next: Quiz of question 1" in top() and "Done: 1 of 3 parts" in top()
    Store().append("answers", {"quiz": "1-tiny", "item": "one-and-one"})
    assert "## Next: Exercise of question 1" in top()
    tandem.begin("1-tiny/exercise", "pytorch")
    with tandem.check("double"):
        pass
    assert "every part" in top() and "Done: 3 of 3 parts" in top()
    assert "last opened: Exercise of question 1 in PyTorch" in top()


def test_a_row_says_start_then_go_on_then_done(built):
    assert row(home_markdown(built), "Hello").count("[start]") == 2
    tandem.begin("1-tiny/hello", "pytorch")
    assert "[go on](1-tiny/hello.pytorch.ipynb) | [start](1-tiny" in row(
        home_markdown(built), "Hello"
    )
    tandem.record("total", 2)
    assert "[open](1-tiny/hello.pytorch.ipynb), done | [start](" in row(
        home_markdown(built), "Hello"
    )


def test_a_check_that_fails_after_it_passed_counts_as_failed(built):
    tandem.begin("1-tiny/exercise", "pytorch")
    with tandem.check("double"):
        pass
    assert "done" in row(home_markdown(built), "Exercise")
    with tandem.check("double"):
        raise NotImplementedError
    assert "[go on](../exercises/1-tiny/pytorch.ipynb), 0 of 1 checks passed" in row(
        home_markdown(built), "Exercise"
    )


def test_an_unreadable_store_still_gives_a_page(built, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TANDEM_STATE", str(tmp_path / "file"))
    assert "Hello" in home_markdown(built)
