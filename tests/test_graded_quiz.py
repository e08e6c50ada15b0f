"""The graded quiz of an exercise: nothing of a key goes out, answers come back in a file."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, edit
from nbclient import NotebookClient

import tandem
from autograder.classroom import run_nbgrader
from autograder.demo import ASSIGNMENT, new_course
from autograder.questions.quiz import quiz_questions
from tandem.course import CourseError, graded_bank
from tandem.guards import check_course
from tandem.quiz.asked import AskedBank, asked_bank
from tandem.quiz.graded import Answers
from tandem.quiz.model import load_bank
from tandem.quiz.scoring import key
from tandem.store import Store

BANK = load_bank(graded_bank(ROOT, ASSIGNMENT))
RIGHT = {item.id: key(item) for item in BANK.items}
RELEASED = ROOT / "exercises" / ASSIGNMENT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The exercise's folder as a student has it, where the kernel works."""
    shutil.copytree(RELEASED, tmp_path / "exercise")
    monkeypatch.chdir(tmp_path / "exercise")
    return tmp_path / "exercise"


def answer_everything(answers: dict) -> None:
    quiz = tandem.open_graded_quiz()
    for item_id, answer in answers.items():
        view = quiz.view(item_id)
        view.control.answer = answer
        view.keep.click()
        assert "Kept." in view.feedback.value


def test_what_is_released_has_no_field_for_a_key():
    text = (RELEASED / "quiz.json").read_text()
    assert AskedBank.model_validate_json(text) == asked_bank(BANK)
    for word in ("correct", "answer", "feedback", "misconception", "explanation", "check", "hints"):
        assert f'"{word}"' not in text
    cells = nbformat.read(RELEASED / "quiz.ipynb", 4).cells
    assert not any("HIDDEN" in cell.source or "grade(" in cell.source for cell in cells)


@pytest.mark.parametrize("file", ["quiz.ipynb", "quiz.json"])
def test_a_reason_in_what_students_get_is_a_finding(tmp_path, file):
    course = tmp_path / "course"
    for name in ("lessons", "solutions", "exercises", "autograder/questions"):
        shutil.copytree(ROOT / name, course / name)
    for name in ("README.md", "nbgrader_config.py"):
        shutil.copy(ROOT / name, course)
    stem = BANK.items[0].stem
    edit(course / "exercises" / ASSIGNMENT / file, stem, f"{stem} {BANK.items[0].explanation}")
    told = f"exercises/{ASSIGNMENT}/{file}: a reason, hint or check of item `{BANK.items[0].id}`"
    assert [finding for finding in check_course(course) if finding.startswith(told)]


def test_answers_are_kept_beside_the_notebook_and_restored(folder):
    answer_everything(RIGHT)
    kept = json.loads((folder / "quiz-answers.json").read_text())
    assert kept == {"quiz": ASSIGNMENT, "answers": RIGHT}
    for item_id, answer in RIGHT.items():
        view = tandem.open_graded_quiz().view(item_id)
        assert view.control.answer == answer
        assert "Kept." in view.feedback.value
    assert Store().entries("answers") == [], "the practice quiz knows nothing of it"


def test_nothing_chosen_is_not_kept_and_a_change_is_said(folder):
    view = tandem.open_graded_quiz().view("outside-the-tape")
    view.keep.click()
    assert "Choose an option first." in view.feedback.value
    assert not (folder / "quiz-answers.json").exists()
    view.control.answer = ["six-none"]
    assert "Not kept yet" in view.feedback.value


def test_an_answer_that_cannot_be_written_is_said(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    view = tandem.open_graded_quiz().view("outside-the-tape")
    view.control.answer = ["six-none"]
    monkeypatch.setattr("tandem.quiz.graded.write_atomically", full)
    view.keep.click()
    assert "Not kept: [Errno 28] No space left on device." in view.feedback.value


def test_damaged_answers_are_set_aside(folder, capsys):
    (folder / "quiz-answers.json").write_text("{")
    assert Answers(Path("quiz-answers.json")).read() == {}
    assert "could not be read: kept as quiz-answers.damaged-" in capsys.readouterr().out
    assert [p.read_text() for p in folder.glob("quiz-answers.damaged-*")] == ["{"]


def test_missing_and_damaged_questions_are_one_line(folder):
    (folder / "quiz.json").write_text("{}")
    with pytest.raises(CourseError, match=r"quiz.json is damaged"):
        tandem.open_graded_quiz()
    (folder / "quiz.json").unlink()
    with pytest.raises(CourseError, match="is not beside this notebook"):
        tandem.open_graded_quiz()


@pytest.mark.slow
def test_running_the_notebook_changes_no_answer(folder):
    answer_everything(RIGHT)
    before = (folder / "quiz-answers.json").read_bytes()
    notebook = nbformat.read(folder / "quiz.ipynb", 4)
    path = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=120, resources=path).execute(
        env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert "5 of 5 answers are kept" in notebook.cells[-1].outputs[0].data["text/html"]
    assert (folder / "quiz-answers.json").read_bytes() == before


@pytest.mark.parametrize("item", BANK.items, ids=lambda item: item.id)
def test_a_wrong_answer_names_its_reason_and_not_the_right_one(item):
    question = quiz_questions(ASSIGNMENT)[item.name]
    assert question.marks(RIGHT[item.id]) == (item.points, "")
    for junk in (None, 3, [], {}, "", [["six-none"]], {"a": []}):
        assert question.marks(junk) == (0.0, "not answered")
    options = getattr(item, "options", None) or []
    for option in options:
        if not option.correct:
            points, said = question.marks([option.id])
            assert points == 0 and option.feedback.removesuffix(".") in said


HAND_INS = {
    "ada": RIGHT,
    "bob": RIGHT | {"loop-gradient": "9", "unused-parameter": ["zero-zero"]},
    "cid": {},
    "dee": {item_id: {"$": ["x"]} for item_id in RIGHT},
}


@pytest.mark.slow
def test_the_judge_marks_what_was_handed_in(tmp_path):
    course = tmp_path / "course"
    new_course(ROOT, course)
    for student, answers in HAND_INS.items():
        folder = course / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        shutil.copy(RELEASED / "quiz.ipynb", folder)
        if answers:
            file = {"quiz": ASSIGNMENT, "answers": answers}
            (folder / "quiz-answers.json").write_text(json.dumps(file))
    (course / "submitted" / "eve" / ASSIGNMENT).mkdir(parents=True)
    shutil.copy(RELEASED / "quiz.ipynb", course / "submitted" / "eve" / ASSIGNMENT)
    (course / "submitted" / "eve" / ASSIGNMENT / "quiz-answers.json").write_text("[1,")
    done = subprocess.run(
        [sys.executable, "-m", "autograder.cli", "grade", "--course", str(course), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = {r["student"]: r for r in json.loads(done.stdout) if r["notebook"] == "quiz"}
    assert {s: r["points"] for s, r in rows.items()} == {
        "ada": 10, "bob": 6, "cid": 0, "dee": 0, "eve": 0
    }  # fmt: skip
    run_nbgrader(course, "generate_feedback", ASSIGNMENT)
    page = (course / "feedback" / "bob" / ASSIGNMENT / "quiz.html").read_text()
    assert "your answer: “`9`”. This counts only the last round" in " ".join(page.split())
    assert "<p>5 of 5 answers are kept" in page, "HTML that is harmless is shown as such"
    assert "VBox" not in page
    assert "27" not in json.dumps([v for v in rows["bob"]["verdicts"]])
    assert not list(course.rglob("release/**/quiz.yml"))
