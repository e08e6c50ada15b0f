"""The instructor's round trip on a made class, from release to feedback."""

import re
import shutil
import subprocess

import pytest
from conftest import ROOT
from nbgrader.api import Gradebook
from rich.console import Console

from autograder.classroom import run_nbgrader
from autograder.demo import ASSIGNMENT, database, demo
from autograder.questions.q1_philosophy import answers
from autograder.questions.quiz import quiz_questions
from tandem.course import FRAMEWORKS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def graded():
    """Student -> notebook -> points by question, after `make demo`; with the printed report."""
    console = Console(record=True, width=160)
    demo(ROOT, console)
    scores: dict[str, dict[str, dict[str, float]]] = {}
    with Gradebook(database(ROOT / "build/demo")) as gradebook:
        for submission in gradebook.assignment_submissions(ASSIGNMENT):
            of_student = scores.setdefault(submission.student.id, {})
            for notebook in submission.notebooks:
                points = {g.name.removeprefix("test_"): g.score for g in notebook.grades}
                of_student[notebook.name] = points
        late = {
            s.student.id: s.total_seconds_late for s in gradebook.assignment_submissions(ASSIGNMENT)
        }
    return scores, late, console.export_text()


@pytest.fixture(scope="module")
def full() -> dict[str, dict[str, float]]:
    """Notebook -> question -> its points."""
    exercise = {name: question.points for name, question in answers.QUESTIONS.items()}
    quiz = {name: question.points for name, question in quiz_questions(ASSIGNMENT).items()}
    return dict.fromkeys(FRAMEWORKS, exercise) | {"quiz": quiz}


@pytest.mark.parametrize("student", ["right", "late", "loud"])
def test_right_work_gets_every_point_even_when_it_warns_on_stderr(graded, full, student):
    scores, _, _ = graded
    assert scores[student] == full


@pytest.mark.parametrize("student", ["empty", "wrong", "hostile"])
def test_stubs_wrong_and_hostile_work_get_nothing(graded, full, student):
    scores, _, _ = graded
    nothing = {notebook: dict.fromkeys(points, 0.0) for notebook, points in full.items()}
    assert scores[student] == nothing


def test_nearly_right_work_gets_part_of_the_points(graded, full):
    scores, _, _ = graded
    for notebook, most in full.items():
        points = scores["nearly"][notebook]
        assert 0 < sum(points.values()) < sum(most.values())
        assert notebook == "quiz" or any(0 < points[name] < most[name] for name in most)


def test_only_the_late_student_is_late(graded):
    _, late, _ = graded
    assert {student for student, seconds in late.items() if seconds} == {"late"}


def test_the_report_shows_every_student_and_total(graded):
    _, _, text = graded
    for student in ("right", "nearly", "wrong", "empty", "late", "loud", "hostile"):
        assert (
            len(re.findall(rf"^ *{student} +(?:pytorch|tensorflow|quiz) ", text, re.MULTILINE)) == 3
        ), text
    assert "30 h" in text


@pytest.mark.parametrize(("student", "earns"), [("right", 20.0), ("hostile", 0.0)])
def test_nbgraders_own_command_runs_on_the_same_engine(graded, student, earns):
    folder = ROOT / "build/demo"
    run_nbgrader(folder, "autograde", ASSIGNMENT, "--force", "--student", student)
    with Gradebook(database(folder)) as gradebook:
        submission = gradebook.find_submission(ASSIGNMENT, student)
        scores = {notebook.name: notebook.score for notebook in submission.notebooks}
        assert scores == {"pytorch": earns, "tensorflow": earns, "quiz": earns / 2}
    page = (folder / "autograded" / student / ASSIGNMENT / "pytorch.ipynb").read_text()
    assert f"sgd_step: {earns / 5:g} of 4 points" in page


def feedback(student: str, framework: str) -> str:
    page = ROOT / "build/demo/feedback" / student / ASSIGNMENT / f"{framework}.html"
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_feedback_names_the_mistake_and_the_section(graded, framework):
    assert "not attempted yet" in feedback("empty", framework)
    page = feedback("wrong", framework)
    assert "See first_steps, section" in page or "See eager_graphs, section" in page


@pytest.mark.parametrize(
    ("folder", "framework", "passes"),
    [
        ("exercises", "pytorch", False),
        ("exercises", "tensorflow", False),
        ("solutions", "pytorch", True),
    ],
)
def test_validate_fails_on_stubs_and_passes_the_solution(tmp_path, folder, framework, passes):
    notebook = tmp_path / f"{framework}.ipynb"
    shutil.copy(ROOT / folder / ASSIGNMENT / f"{framework}.ipynb", notebook)
    result = subprocess.run(
        ["nbgrader", "validate", notebook.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("Success! Your notebook passes all the tests." in result.stdout) == passes
    failed = result.stdout.count("The following cell failed")
    assert failed == (0 if passes else 5)
