"""The flow of grading: odd folders and files, what is shared and kept, what a killed run leaves."""

import os
import shutil
import subprocess
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
from nbformat.v4 import new_code_cell, new_notebook
from rich.console import Console
from submissions.classroom import fingerprint, read_scores

from autograder import session
from autograder.classroom import Classroom, run_nbgrader
from autograder.grade import _doubts
from autograder.jobs import Job
from autograder.journal import Journal

pytestmark = pytest.mark.slow


@pytest.fixture
def course(template, tmp_path) -> Path:
    return copy_course(template, tmp_path / "course")


def grade_here(course: Path, *assignments: str, **options) -> tuple[dict[str, list], str]:
    """Rows by student, and what was printed; in this process."""
    console = Console(record=True, width=200, file=open(os.devnull, "w"))  # noqa: SIM115
    rows: dict[str, list] = {}
    for row in session.grade(course, assignments, console=console, **options):
        rows.setdefault(row.student, []).append(row)
    return rows, console.export_text()


def test_what_needs_a_look_is_told_by_name(course):
    hand_in(course, "eve", "import os; os._exit(1)")
    hand_in(course, "zoe").rename(course / "submitted" / "zoe" / ASSIGNMENT / "notebook.ipynb")
    hand_in(course, "ada")
    folder = course / "submitted" / "fay" / f"{ASSIGNMENT}x"
    shutil.copytree(course / "submitted" / "ada" / ASSIGNMENT, folder)
    rows, printed = grade_here(course)
    assert "3 notebooks handed in, 2 run now in tier " in printed
    assert "eve/problem: cell 1: ended its process" in printed
    assert "zoe/problem: there is no problem.ipynb, but 'notebook.ipynb'" in printed
    assert rows["zoe"][0].reason, "so it is flagged, and the command ends with status 1"
    assert f"{folder} is in no student's folder of an assignment: not graded" in printed


@pytest.mark.parametrize(
    ("source", "doubted"),
    [("import torch", True), ("import tensorflow as tf\nimport torch", False), ("1", False)],
)
def test_the_other_framework_in_a_judged_notebook_is_told(source, doubted):
    notebook = new_notebook(cells=[new_code_cell(source)])
    job = Job("a", "1-philosophy", "tensorflow", "tensorflow", (), inputs={"slope": []})
    told = ["tensorflow.ipynb imports pytorch only: was it saved under the wrong name?"]
    assert _doubts(job, notebook) == (told if doubted else [])


def test_a_notebook_that_is_not_handed_in_gets_a_page_that_says_so(course):
    hand_in(course, "ada").unlink()
    rows, printed = grade_here(course)
    assert not rows["ada"][0].reason
    assert "ada: problem.ipynb was not handed in" in printed
    page = course / "autograded" / "ada" / ASSIGNMENT / "problem.ipynb"
    assert "problem.ipynb was not handed in" in page.read_text()


def test_lateness_follows_the_time_that_is_handed_in_now(course):
    from nbgrader.api import Gradebook

    def time() -> object:
        with Gradebook(f"sqlite:///{course}/gradebook.db", "classic") as gradebook:
            return gradebook.find_submission(ASSIGNMENT, "ada").timestamp

    file = hand_in(course, "ada", when="2026-12-02 09:00:00 UTC")
    grade_here(course)
    assert time().hour == 9
    for told in ("yesterday at noon", "01.12.2026 14:00"):  # which of the two is the month?
        file.with_name("timestamp.txt").write_text(told)
        _, printed = grade_here(course)
        assert "timestamp.txt cannot be read" in printed and time() is None


def state(course: Path) -> Path:
    return course / ".autograder"


def results(course: Path) -> int:
    return len(list((state(course) / ASSIGNMENT / "results").iterdir()))


def test_a_row_says_what_was_run_where_and_with_which_seed(course):
    hand_in(course, "a", f"{RIGHT}\nheap = bytearray(50_000_000)")
    (row,) = grade(course).values()
    assert (row["notebook"], row["points"], row["max_points"]) == ("problem", 6, 9)
    assert row["tier"] in "ABC" and row["fresh"] and len(row["seed"]) == 8
    assert row["seconds"] > 0 and row["cpu_s"] > 0 and row["own_cpu_s"] >= 0
    assert (row["reason"], row["notes"], row["stopped"], row["verdicts"]) == ("", [], [], [])


def test_like_notebooks_share_a_result_and_have_rows_grades_and_folders_of_their_own(course):
    for student in "abc":
        hand_in(course, student)
    grade_here(course, students=["a"])
    before = results(course)
    rows, _ = grade_here(course)
    assert results(course) == before
    assert {s: (r.points, r.fresh) for s, [r] in rows.items()} == dict.fromkeys("abc", (6, False))
    scores = read_scores(course / "gradebook.db")
    assert scores["a", "problem"] == scores["b", "problem"] == scores["c", "problem"]
    assert all((course / "autograded" / s / ASSIGNMENT / "problem.ipynb").is_file() for s in "abc")


def test_a_second_run_needs_no_job_and_the_solutions_time_is_measured_once(course, monkeypatch):
    hand_in(course, "a")
    grade_here(course)
    kept = (state(course) / "limits.json").read_bytes(), (state(course) / "seeds.json").read_bytes()

    def no_job(*about):
        raise AssertionError("a job was run")

    monkeypatch.setattr("autograder.engines.local.Local.one", no_job)
    rows, printed = grade_here(course)
    assert rows["a"][0].points == 6 and not rows["a"][0].fresh
    assert "1 notebooks handed in, 0 run now" in printed
    assert kept == (
        (state(course) / "limits.json").read_bytes(),
        (state(course) / "seeds.json").read_bytes(),
    )


def test_what_was_handed_in_is_not_changed(course):
    hand_in(course, "a", f"{RIGHT}\nopen('data.csv', 'w').write('changed')", when="2026-01-01 UTC")
    folder = course / "submitted"
    (folder / "a" / ASSIGNMENT / "data.csv").write_text("1,2")
    (folder / "a" / ASSIGNMENT / "link").symlink_to("/etc/hostname")
    hand_in(course, "b").write_bytes(b"not JSON")
    before = fingerprint(folder), [p.lstat().st_mtime_ns for p in sorted(folder.rglob("*"))]
    grade(course, status=1)
    assert before == (
        fingerprint(folder),
        [p.lstat().st_mtime_ns for p in sorted(folder.rglob("*"))],
    )
    assert (course / "autograded/a" / ASSIGNMENT / "data.csv").read_text() == "changed"


def test_no_file_that_was_made_leaves_the_folder_or_takes_the_place_of_a_notebook(course):
    code = f"""{RIGHT}
import os
os.makedirs("deep/er", exist_ok=True)
for name in ("deep/er/made.txt", "problem.ipynb", "timestamp.txt", "../escaped.txt", ".hidden"):
    try:
        open(name, "w").write("42")
    except OSError:
        pass
os.symlink("/etc/hostname", "link.txt")
"""
    hand_in(course, "a", code)
    assert grade(course)["a"]["points"] == 6
    folder = course / "autograded/a" / ASSIGNMENT
    found = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert found == ["deep/er/made.txt", "problem.ipynb"]
    assert nbformat.read(folder / "problem.ipynb", 4).cells
    assert [p.name for p in folder.parent.iterdir()] == [ASSIGNMENT]


def deep(folder: Path, levels: int) -> None:
    """Folders in folders, more of them than a path may name."""
    here = os.getcwd()
    try:
        os.chdir(folder)
        for _ in range(levels):
            os.mkdir("d")
            os.chdir("d")
        Path("x.txt").write_text("x")
    finally:
        os.chdir(here)


def test_odd_folders_and_times_stop_nobody(course):
    for student in ("a", "number", "deep", "pipe", "twice", "away"):
        hand_in(course, student)
    folders = {s: course / "submitted" / s / ASSIGNMENT for s in os.listdir(course / "submitted")}
    (folders["number"] / "timestamp.txt").write_text("9" * 30)
    deep(folders["deep"], 1500)
    os.mkfifo(folders["pipe"] / "data.csv")
    os.mkfifo(folders["pipe"] / "timestamp.txt")
    folders["twice"].joinpath("problem.ipynb").rename(folders["twice"] / "problem (1).ipynb")
    shutil.rmtree(folders["away"])
    folders["away"].symlink_to(folders["a"])
    try:
        rows = grade(course, status=1)
    finally:
        subprocess.run(["rm", "-rf", folders["deep"]], check=True)
    assert {s: row["points"] for s, row in rows.items()} == dict.fromkeys(folders, 6) | {"away": 0}
    assert "timestamp.txt" in rows["number"]["notes"][0]
    assert "is a link" in rows["away"]["reason"]
    assert "'problem (1).ipynb' was taken for problem.ipynb" in rows["twice"]["notes"]


def test_a_folder_whose_name_is_not_utf_8_is_named(course):
    hand_in(course, "a")
    place = os.fsencode(course / "submitted") + b"/caf\xe9"
    try:
        os.makedirs(place + b"/" + ASSIGNMENT.encode())
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    assert r"'caf\udce9'" in failing(course)


def test_settings_of_the_class_that_are_damaged_are_named_and_kept(course):
    hand_in(course, "a")
    state(course).mkdir(exist_ok=True)
    (state(course) / "seeds.json").write_text('{"ps1": "1')
    assert "seeds.json is damaged" in failing(course)
    assert (state(course) / "seeds.json").read_text() == '{"ps1": "1'


def test_every_assignment_is_summed_up_on_its_own(course):
    shutil.copytree(course / "source" / ASSIGNMENT, course / "source" / "ps2")
    run_nbgrader(course, "generate_assignment", "ps2")
    hand_in(course, "a")
    shutil.copytree(course / "submitted/a" / ASSIGNMENT, course / "submitted/a/ps2")
    hand_in(course, "b").write_bytes(b"")
    rows, printed = grade_here(course)
    assert len(rows["a"]) == 2 and len(rows["b"]) == 1
    assert "ps1: 2 notebooks" in printed and "ps2: 1 notebooks" in printed
    assert printed.count("b/problem: the file is empty") == 1


def test_work_that_goes_back_to_what_was_graded_before_a_killed_run_is_graded_again(course):
    hand_in(course, "a", RIGHT)
    grade_here(course)
    hand_in(course, "a", WRONG)
    publish = Classroom.publish
    try:
        Classroom.publish = lambda *about: (_ for _ in ()).throw(KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            grade_here(course)
    finally:
        Classroom.publish = publish
    assert read_scores(course / "gradebook.db")["a", "problem"]["test_positive"] == 0
    hand_in(course, "a", RIGHT)
    grade_here(course)
    assert read_scores(course / "gradebook.db")["a", "problem"]["test_positive"] == 2


def test_a_graded_folder_or_submission_that_is_gone_is_made_again(course):
    hand_in(course, "a", HALF)
    grade_here(course)
    shutil.rmtree(course / "autograded" / "a")
    assert grade_here(course)[0]["a"][0].points == 2
    assert (course / "autograded/a" / ASSIGNMENT / "problem.ipynb").is_file()
    run_nbgrader(course, "db", "student", "remove", "a", "--force")
    grade_here(course)
    assert read_scores(course / "gradebook.db")["a", "problem"]["test_positive"] == 2


def test_a_result_that_was_damaged_is_run_again(course):
    hand_in(course, "a")
    grade_here(course)
    for file in (state(course) / ASSIGNMENT / "results").iterdir():
        file.write_bytes(b"")
    rows, _ = grade_here(course)
    assert rows["a"][0].fresh and rows["a"][0].points == 6


def test_a_solution_that_fails_its_own_tests_is_a_warning(course):
    hand_in(course, "a")
    file = course / "source" / ASSIGNMENT / "problem.ipynb"
    notebook = nbformat.read(file, 4)
    notebook.cells[1].source = WRONG
    nbformat.write(notebook, file)
    rows, printed = grade_here(course)
    assert "the instructor's own problem earns 0 of 6 points" in printed
    assert rows["a"][0].points == 6


def test_the_lock_is_free_again_whatever_happened(course):
    hand_in(course, "a")
    classroom = Classroom.open(course)
    kept = []
    for _ in range(2):
        try:
            with classroom.lock():
                raise ArithmeticError
        except ArithmeticError as error:
            kept.append(error)  # its traceback holds the frames
    with classroom.lock():
        pass


def test_the_journal_has_one_line_for_each_student_and_work(course):
    for student in "ab":
        hand_in(course, student, f"{RIGHT}\n# {student}")
    grade_here(course)
    grade_here(course)
    with Journal(state(course) / ASSIGNMENT) as journal:
        assert set(journal.graded) == {"a", "b"} and all(journal.graded.values())
    lines = (state(course) / ASSIGNMENT / "journal.jsonl").read_bytes().splitlines()
    assert len(lines) == 4  # two runs, two grades
