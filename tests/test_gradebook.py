"""The one place that writes grades: whole submissions, as nbgrader itself would have them."""

import sqlite3
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from classic import ASSIGNMENT, copy_course, source
from nbformat import write
from nbgrader.api import Gradebook as Stock
from sqlalchemy import text

from autograder import gradebook as module
from autograder.classroom import run_nbgrader
from autograder.gradebook import Gradebook, GradebookError, NotebookGrades

pytestmark = pytest.mark.slow  # the course they share takes some seconds to make
DUE, LATE = datetime(2026, 1, 1), datetime(2026, 1, 3)
FULL = {"test_positive": 2.0, "test_negative": 4.0, "essay": None}


@pytest.fixture
def course(template, tmp_path) -> Path:
    return copy_course(template, tmp_path / "course")


@pytest.fixture
def book(course):
    with Gradebook(f"sqlite:///{course}/gradebook.db", "classic") as gradebook:
        yield gradebook


def put(book: Gradebook, grades: NotebookGrades | None, when=None, penalty=None) -> None:
    given = {} if grades is None else {"problem": grades}
    book.write(ASSIGNMENT, "ada", when, given, penalty or (lambda *about: None))


def stored(book: Gradebook) -> dict[str, tuple]:
    """Cell -> (automatic points, points by hand, needs a look)."""
    with Stock(book.db_url, "classic") as gradebook:
        (notebook,) = gradebook.find_submission(ASSIGNMENT, "ada").notebooks
        return {
            g.cell.name: (g.auto_score, g.manual_score, g.needs_manual_grade)
            for g in notebook.grades
        }


def comments(book: Gradebook) -> dict[str, str | None]:
    with Stock(book.db_url, "classic") as gradebook:
        (notebook,) = gradebook.find_submission(ASSIGNMENT, "ada").notebooks
        return {c.cell.name: c.auto_comment for c in notebook.comments}


def lateness(book: Gradebook) -> tuple[float, float]:
    """Seconds late and points lost, as nbgrader says them."""
    with Stock(book.db_url, "classic") as gradebook:
        found = gradebook.find_submission(ASSIGNMENT, "ada")
        return found.total_seconds_late, found.late_submission_penalty


def by_hand(book: Gradebook, cell_name: str, points: float) -> None:
    with Stock(book.db_url, "classic") as gradebook:
        found = gradebook.find_grade(cell_name, "problem", ASSIGNMENT, "ada")
        found.manual_score = points
        gradebook.db.commit()


def set_due(book: Gradebook) -> None:
    with Stock(book.db_url, "classic") as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate=DUE)


def all_points(student: str, score: float, late: float) -> float:
    return score


def test_what_a_cell_does_not_earn_again_is_gone(book):
    put(book, NotebookGrades(FULL))
    put(book, NotebookGrades({"test_negative": 1.0}))
    assert stored(book) == {
        "test_positive": (0, None, False),
        "test_negative": (1, None, False),
        "essay": (0, None, False),
    }


def test_points_by_hand_stay_and_are_flagged(book):
    put(book, NotebookGrades(FULL))
    by_hand(book, "test_positive", 1.5)
    put(book, NotebookGrades(FULL))
    assert stored(book)["test_positive"] == (2, 1.5, True)
    assert stored(book)["test_negative"] == (4, None, False)
    assert stored(book)["essay"] == (None, None, True)


def test_a_notebook_that_was_not_handed_in_earns_nothing_and_needs_no_look(book):
    put(book, NotebookGrades(FULL))
    put(book, None)
    assert set(stored(book).values()) == {(0, None, False)}


def test_a_notebook_that_could_not_be_graded_needs_a_look_in_every_question(book):
    put(book, NotebookGrades(reason="it is empty"))
    assert set(stored(book).values()) == {(0, None, True)}
    assert set(comments(book).values()) == {"it is empty"}


def test_an_unanswered_cell_has_nbgraders_comment_and_loses_it_when_it_is_answered(book):
    put(book, NotebookGrades(FULL, frozenset({"square"})))
    assert comments(book) == {"square": "No response.", "essay": None}
    put(book, NotebookGrades(FULL))
    assert comments(book) == {"square": None, "essay": None}


def test_late_work_loses_what_the_plugin_says_and_never_more_than_it_earned(book):
    set_due(book)
    put(book, NotebookGrades(FULL), LATE, all_points)
    assert lateness(book) == (2 * 86400, 6)
    put(book, NotebookGrades(FULL), LATE, lambda *about: 1e6)
    assert lateness(book) == (2 * 86400, 6)
    put(book, NotebookGrades(FULL), LATE, lambda *about: -3)
    assert lateness(book) == (2 * 86400, 0)


def test_work_in_time_or_with_an_extension_loses_nothing(book):
    set_due(book)
    put(book, NotebookGrades(FULL), LATE, all_points)
    with Stock(book.db_url, "classic") as gradebook:
        gradebook.grant_extension(ASSIGNMENT, "ada", days=3)
    put(book, NotebookGrades(FULL), LATE, all_points)
    assert lateness(book) == (0, 0)
    put(book, NotebookGrades(FULL), DUE - timedelta(seconds=1), all_points)
    assert lateness(book) == (0, 0)


def test_the_penalty_is_asked_for_with_the_score_of_now_not_of_before(book):
    set_due(book)
    asked = []
    for points in (2.0, 1.0):
        grades = NotebookGrades({"test_positive": points})
        put(book, grades, LATE, lambda *about: asked.append(about))
    assert asked == [("ada", 2.0, 172800.0), ("ada", 1.0, 172800.0)]


def test_an_error_in_the_middle_leaves_what_was_there(book):
    def broken(*about) -> float:
        raise ArithmeticError

    set_due(book)
    put(book, NotebookGrades(FULL), DUE)
    with pytest.raises(ArithmeticError):
        put(book, NotebookGrades(), LATE, broken)
    assert stored(book)["test_negative"][0] == 4
    assert lateness(book) == (0, 0)
    put(book, NotebookGrades({"test_negative": 3.0}), DUE)
    assert stored(book)["test_negative"][0] == 3


def test_a_question_that_came_later_is_graded_for_those_who_were_there(book):
    put(book, NotebookGrades(FULL))
    with Stock(book.db_url, "classic") as gradebook:  # the command refuses it after a submission
        about = {"max_score": 1, "cell_type": "code"}
        gradebook.add_grade_cell("test_zero", "problem", ASSIGNMENT, **about)
        gradebook.add_solution_cell("zero", "problem", ASSIGNMENT)
        for table in ("grade", "comment"):
            new = "select id from base_cell where name in ('test_zero', 'zero')"
            gradebook.db.execute(text(f"delete from {table} where cell_id in ({new})"))
        gradebook.db.commit()
    assert "test_zero" not in stored(book)
    book.book.db.expire_all()
    put(book, NotebookGrades(FULL | {"test_zero": 1.0}))
    assert stored(book)["test_zero"] == (1, None, False)
    assert stored(book)["test_negative"] == (4, None, False)
    assert "zero" in comments(book)


def test_a_second_release_with_another_text_counts_from_then_on(course):
    changed = source()
    changed.cells[2].source = "assert square(4) == 16"
    write(changed, course / "source" / ASSIGNMENT / "problem.ipynb")
    with Gradebook(f"sqlite:///{course}/gradebook.db", "classic") as book:
        put(book, NotebookGrades(FULL))
        before = book.releases(ASSIGNMENT)["problem"]
    run_nbgrader(course, "generate_assignment", ASSIGNMENT, "--force")
    with Gradebook(f"sqlite:///{course}/gradebook.db", "classic") as book:
        after = book.releases(ASSIGNMENT)["problem"]
        assert stored(book)["test_positive"][0] == 2
    assert before.digest() != after.digest()
    sources = {cell.name: cell.source for cell in after.cells}
    assert sources["test_positive"] == "assert square(4) == 16"


@pytest.mark.parametrize("question", ["has_submission", "releases", "assignments"])
def test_questions_to_a_gradebook_wait_for_its_holder(book, question):
    ask = getattr(book, question)
    held = sqlite3.connect(
        Path(book.db_url.removeprefix("sqlite:///")), isolation_level=None, check_same_thread=False
    )
    given = {"has_submission": [ASSIGNMENT, "ada"], "releases": [ASSIGNMENT]}.get(question, [])
    held.execute("begin exclusive")
    threading.Timer(6, lambda: (held.execute("rollback"), held.close())).start()
    assert ask(*given) in (False, [ASSIGNMENT]) or question == "releases"


def test_a_gradebook_that_stays_held_is_a_clear_message_for_every_question(book, monkeypatch):
    monkeypatch.setattr(module, "LOCKED_S", 0)
    held = sqlite3.connect(book.db_url.removeprefix("sqlite:///"), isolation_level=None)
    held.execute("begin exclusive")
    for ask in (lambda: book.has_submission(ASSIGNMENT, "ada"), book.assignments):
        with pytest.raises(GradebookError, match="held by another program"):
            ask()
    held.close()
