"""Grading a small class with the real command: rows, gradebook, notebooks; nbgrader beside it."""

import json
import random
import re
import shutil
import sqlite3
import stat
import threading
from datetime import datetime, timedelta
from pathlib import Path

import nbformat
import pytest
from classic import (
    ASSIGNMENT,
    HALF,
    RIGHT,
    WRONG,
    copy_course,
    failing,
    grade,
    hand_in,
)
from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.server_extensions import formgrader

from autograder import gradebook as gradebook_module
from autograder.classroom import Classroom, ClassroomError, run_nbgrader
from autograder.gradebook import Gradebook as OurGradebook
from autograder.gradebook import GradebookError, NotebookGrades
from bench.classes import STOCK

pytestmark = pytest.mark.slow


@pytest.fixture
def course(template, tmp_path) -> Path:
    return copy_course(template, tmp_path / "course")


def in_gradebook(course: Path, student: str) -> dict[str, tuple]:
    """Cell -> (automatic points, points by hand, needs a look)."""
    with Gradebook(f"sqlite:///{course}/gradebook.db", "classic") as gradebook:
        (notebook,) = gradebook.find_submission(ASSIGNMENT, student).notebooks
        return {
            g.cell.name: (g.auto_score, g.manual_score, g.needs_manual_grade)
            for g in notebook.grades
        }


def graded_notebook(course: Path, student: str) -> Path:
    return course / "autograded" / student / ASSIGNMENT / "problem.ipynb"


def without_times(rows: dict[str, dict]) -> dict[str, dict]:
    changing = ("seconds", "cpu_s", "own_cpu_s", "memory", "fresh")
    return {s: {k: v for k, v in row.items() if k not in changing} for s, row in rows.items()}


def test_right_half_right_wrong_and_untouched_work(course):
    for student, answer in {"r": RIGHT, "h": HALF, "w": WRONG}.items():
        hand_in(course, student, answer)
    hand_in(course, "s", None, essay="")
    rows = grade(course)
    assert {student: row["points"] for student, row in rows.items()} == {
        "r": 6,
        "h": 2,
        "w": 0,
        "s": 0,
    }
    assert rows["r"]["max_points"] == 9 and rows["r"]["judged"] == "in the notebook"
    assert in_gradebook(course, "r") == {
        "test_positive": (2, None, False),
        "test_negative": (4, None, False),
        "essay": (None, None, True),
    }
    assert in_gradebook(course, "s")["essay"] == (0, None, False)


def test_the_same_submissions_get_the_same_gradebook_from_stock_nbgrader(template, tmp_path):
    work = {"r": RIGHT, "h": HALF, "w": WRONG, "s": None, "e": "def square(x)", "l": RIGHT}
    late = '\nc.LateSubmissionPlugin.penalty_method = "zero"\n'
    keys = ("student", "score", "max_score", "needs_manual_grade", "late_submission_penalty")
    found = []
    for engine, settings in (("ours", late), ("stock", late + STOCK)):
        course = copy_course(template, tmp_path / engine)
        run_nbgrader(
            course, "db", "assignment", "add", ASSIGNMENT, "--duedate", "2026-01-01 00:00:00 UTC"
        )
        config = course / "nbgrader_config.py"
        config.write_text(config.read_text() + settings)
        for student, answer in work.items():
            when = "2026-02-01 10:00:00 UTC" if student == "l" else ""
            hand_in(course, student, answer, when=when)
        grade(course) if engine == "ours" else run_nbgrader(course, "autograde", ASSIGNMENT)
        with Gradebook(f"sqlite:///{course}/gradebook.db", "classic") as gradebook:
            late_by = gradebook.find_submission(ASSIGNMENT, "l").total_seconds_late
            rows = gradebook.submission_dicts(ASSIGNMENT)
        table = sorted(tuple(row.get(key) for key in keys) for row in rows)
        found.append((late_by, table, {s: in_gradebook(course, s) for s in work}))
    assert found[0] == found[1]
    assert found[0][0] == timedelta(days=31, hours=10).total_seconds()


def test_what_is_graded_is_left_alone_and_what_is_new_or_changed_is_graded(course):
    for student in "abc":
        hand_in(course, student, f"{RIGHT}\n# {student}")
    assert all(row["fresh"] for row in grade(course).values())
    before = {s: graded_notebook(course, s).stat().st_mtime_ns for s in "abc"}
    hand_in(course, "b", WRONG)
    hand_in(course, "d", f"{RIGHT}\n# d")
    rows = grade(course)
    assert {s for s, row in rows.items() if row["fresh"]} == {"b", "d"}
    assert rows["b"]["points"] == 0 and rows["a"]["points"] == 6
    after = {s: graded_notebook(course, s).stat().st_mtime_ns for s in "abc"}
    assert {s for s in "abc" if before[s] != after[s]} == {"b"}


def test_resubmitting_broken_code_without_its_test_loses_the_old_points(course):
    file = hand_in(course, "a")
    assert grade(course)["a"]["points"] == 6
    notebook = nbformat.read(file, 4)
    notebook.cells = [
        c for c in notebook.cells if not c.metadata.nbgrader.grade_id.startswith("test")
    ]
    notebook.cells[1].source = "def square(x):\n    raise ValueError"
    nbformat.write(notebook, file)
    assert grade(course)["a"]["points"] == 0
    assert in_gradebook(course, "a")["test_positive"][0] == 0


def test_one_student_and_force(course):
    for student in "ab":
        hand_in(course, student, f"{RIGHT}\n# {student}")
    assert set(grade(course, "--student", "b")) == {"b"}
    assert not graded_notebook(course, "a").exists()
    rows = grade(course, ASSIGNMENT, "--force", "--student", "b")
    assert rows["b"]["fresh"] and rows["b"]["points"] == 6


def test_points_by_hand_stay_and_the_question_is_flagged(course):
    hand_in(course, "a", WRONG)
    grade(course)
    with Gradebook(f"sqlite:///{course}/gradebook.db", "classic") as gradebook:
        found = gradebook.find_grade("test_positive", "problem", ASSIGNMENT, "a")
        found.manual_score = 1.5
        gradebook.db.commit()
    hand_in(course, "a", RIGHT)
    grade(course)
    assert in_gradebook(course, "a")["test_positive"] == (2, 1.5, True)


def test_unreadable_work_is_a_row_with_a_reason_and_the_class_goes_on(course):
    hand_in(course, "a")
    for student, content in {"b": b"not JSON", "c": b""}.items():
        hand_in(course, student).write_bytes(content)
    (course / "submitted" / "lonely.ipynb").write_text("{}")
    rows = grade(course, status=1)
    assert rows["a"]["points"] == 6 and not rows["a"]["reason"]
    assert "not JSON" in rows["b"]["reason"] and "empty" in rows["c"]["reason"]
    assert in_gradebook(course, "b")["test_positive"] == (0, None, True)
    assert "could not be graded: it is not JSON" in graded_notebook(course, "b").read_text()


def test_grades_do_not_depend_on_order_or_number_at_a_time(template, tmp_path):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    students = [f"s{n}" for n in range(8)]
    answers = [
        RIGHT,
        HALF,
        WRONG,
        "1/0",
        "while True: pass",
        "import os; os._exit(1)",
        "x =",
        RIGHT,
    ]
    found = []
    for number, jobs in enumerate(("1", "2")):
        course = copy_course(template, tmp_path / str(number))
        pairs = list(zip(students, answers, strict=True))
        random.Random(seed + number).shuffle(pairs)
        for student, answer in pairs:
            hand_in(course, student, f"{answer}\n# {student}")
        rows = grade(course, "--jobs", jobs, "--cell-seconds", "1")
        found.append((without_times(rows), {s: in_gradebook(course, s) for s in students}))
    for rows, _ in found:
        for row in rows.values():
            del row["seed"]
    assert found[0] == found[1]


def test_the_seed_of_a_class_stays_and_is_private(course):
    classroom = Classroom.open(course)
    assert classroom.seed(ASSIGNMENT) == classroom.seed(ASSIGNMENT) != classroom.seed("other")
    assert stat.S_IMODE((classroom.state / "seeds.json").stat().st_mode) == 0o600


def test_graded_notebooks_are_for_reading_and_files_they_made_are_kept(course):
    code = f"{RIGHT}\nopen('made.txt', 'w').write('42')\n"
    hand_in(course, "a", code, when="2026-02-01 10:00:00 UTC")
    (course / "submitted/a" / ASSIGNMENT / "data.csv").write_text("1,2")
    grade(course)
    folder = graded_notebook(course, "a").parent
    assert sorted(f.name for f in folder.iterdir()) == [
        "data.csv",
        "made.txt",
        "problem.ipynb",
        "timestamp.txt",
    ]
    assert {stat.S_IMODE(f.stat().st_mode) for f in folder.iterdir()} == {0o444}
    assert (folder / "made.txt").read_text() == "42"


def test_feedback_and_formgrader_show_the_work_and_no_script_of_it(course):
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    code = (
        f"{RIGHT}\nfrom IPython.display import *\ndisplay(HTML('<b>bold</b>'))\nprint({evil!r})\n"
    )
    kinds = ("HTML", "Markdown", "Latex", "SVG", "Javascript")
    code += "".join(f"display({kind}({evil!r}))\n" for kind in kinds)
    file = hand_in(course, "a", code, essay=f"*My* {evil} [essay](javascript:alert(3))")
    notebook = nbformat.read(file, 4)
    notebook.cells += [nbformat.v4.new_raw_cell(evil), nbformat.v4.new_markdown_cell(evil)]
    nbformat.write(notebook, file)
    strange = {"metadata": {"nbgrader": {"grade_id": evil}}, "cell_type": "code", "source": ""}
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [strange]}
    hand_in(course, "b").write_text(json.dumps(content))
    grade(course, status=1)
    run_nbgrader(course, "generate_feedback", ASSIGNMENT)
    pages = [(course / "feedback" / s / ASSIGNMENT / "problem.html").read_text() for s in "ab"]
    assert "<em>My</em>" in pages[0] and "<b>bold</b>" in pages[0] and "[essay]" not in pages[0]
    pages += [as_the_formgrader_shows_it(course, student) for student in "ab"]
    for page in pages:
        assert not re.search(r"<script>alert|<img[^>]*onerror|<svg|href=.javascript:", page)


def as_the_formgrader_shows_it(course: Path, student: str) -> str:
    config = Classroom.open(course).nbgrader.config.copy()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [
        str(Path(formgrader.__file__).parent / "templates")
    ]
    about = {"index": 0, "total": 1, "base_url": "", "mathjax_url": "", "notebook_id": "problem"}
    exporter = HTMLExporter(config=config)
    return exporter.from_filename(str(graded_notebook(course, student)), resources=about)[0]


def test_the_button_of_the_formgrader_grades_with_this_engine(course):
    hand_in(course, "a", HALF)
    classroom = Classroom.open(course)
    api = NbGraderAPI(coursedir=classroom.coursedir, config=classroom.nbgrader.config)
    done = api.autograde(ASSIGNMENT, "a")
    assert done["success"], done
    assert in_gradebook(course, "a")["test_negative"][0] == 0
    assert (course / ".autograder" / "tier.json").exists(), "a tier was chosen"


# Mistakes of the instructor: one line each


def test_an_unknown_assignment_or_student_and_an_empty_class(course):
    assert "no assignment 'nope' was released (released: ps1)" in failing(course, "nope")
    assert "nothing was handed in for 'ps1'" in failing(course, ASSIGNMENT)
    hand_in(course, "a")
    assert "nothing of zoe for 'ps1' was handed in" in failing(
        course, ASSIGNMENT, "--student", "zoe"
    )


def test_a_gradebook_that_is_missing_or_none(course):
    hand_in(course, "a")
    shutil.move(course / "gradebook.db", course / "kept.db")
    assert "there is no gradebook" in failing(course)
    (course / "gradebook.db").write_text("this is not a database, whatever its name says")
    assert "the gradebook cannot be used: file is not a database" in failing(course)


def test_a_folder_that_is_no_course_and_engines_that_are_not_there(course, tmp_path):
    hand_in(course, "a")
    assert "has no nbgrader_config.py" in failing(tmp_path)
    assert "no engine is called 'cloud'" in failing(course, "--engine", "cloud")
    assert "needs the address" in failing(course, "--engine", "dask")
    assert "there is no tier" in failing(course, "--tier", "Z")


def test_two_gradings_at_once_are_refused(course):
    hand_in(course, "a")
    with Classroom.open(course).lock():
        assert "another grading of this course is at work" in failing(course)
    with Classroom.open(course).lock(), pytest.raises(ClassroomError):
        Classroom.open(course).lock().__enter__()


def test_a_gradebook_that_is_held_for_a_moment_is_waited_for(course):
    hand_in(course, "a")
    held = sqlite3.connect(course / "gradebook.db", isolation_level=None, check_same_thread=False)
    held.execute("begin exclusive")
    threading.Timer(8, lambda: (held.execute("rollback"), held.close())).start()
    assert grade(course)["a"]["points"] == 6


def test_a_gradebook_that_stays_held_is_one_line_and_its_results_are_kept(course, monkeypatch):
    hand_in(course, "a")
    monkeypatch.setattr(gradebook_module, "LOCKED_S", 1)
    with OurGradebook(f"sqlite:///{course}/gradebook.db", "classic") as gradebook:
        held = sqlite3.connect(course / "gradebook.db", isolation_level=None)
        held.execute("begin exclusive")
        with pytest.raises(GradebookError, match="held by another program"):
            gradebook.write(ASSIGNMENT, "a", None, {}, lambda *given: None)
        held.close()


def test_a_submission_is_written_whole_or_not_at_all(course):
    def broken(*given):
        raise ArithmeticError

    with OurGradebook(f"sqlite:///{course}/gradebook.db", "classic") as gradebook:
        run_nbgrader(
            course, "db", "assignment", "add", ASSIGNMENT, "--duedate", "2026-01-01 00:00:00 UTC"
        )
        grades = {"problem": NotebookGrades({"test_positive": 2.0})}
        with pytest.raises(ArithmeticError):
            gradebook.write(ASSIGNMENT, "a", datetime(2026, 2, 1), grades, broken)
        assert not gradebook.has_submission(ASSIGNMENT, "a")
