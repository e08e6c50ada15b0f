"""The home page: where the learner is, what is next, a link to every notebook."""

import re

import tandem
from tandem.home import home_markdown
from tandem.store import Store


def test_every_link_leads_to_a_file(built):
    links = re.findall(r"\]\(([^)]+)\)", home_markdown(built))
    assert len(links) >= 6
    for link in links:
        assert (built / "lessons" / link).resolve().exists(), link


def test_next_moves_on_from_lesson_to_quiz_to_exercise_to_nothing(built):
    def next_line() -> str:
        return home_markdown(built).splitlines()[0]

    assert "[Hello" in next_line() and "hello.pytorch.ipynb" in next_line()
    tandem.begin("1-tiny/hello", "tensorflow")
    assert "hello.tensorflow.ipynb" in next_line(), "go on in the notebook that was begun"
    tandem.record("total", 2)
    assert "[Quiz]" in next_line()
    Store().append("answers", {"quiz": "1-tiny", "item": "one-and-one"})
    assert "[Exercise" in next_line()
    tandem.begin("1-tiny/exercise", "pytorch")
    with tandem.check("double"):
        pass
    assert "every part" in next_line()
    assert "last opened: 1-tiny/exercise in PyTorch" in next_line()


def test_a_check_that_fails_after_it_passed_counts_as_failed(built):
    tandem.begin("1-tiny/exercise", "pytorch")
    with tandem.check("double"):
        pass
    with tandem.check("double"):
        raise NotImplementedError
    assert "0 of 1" in home_markdown(built) or "not opened" in home_markdown(built)


def test_an_unreadable_store_still_gives_a_page(built, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TANDEM_STATE", str(tmp_path / "file"))
    assert "Hello" in home_markdown(built)
