"""Intake: of what was handed in only the text of answers counts, and nothing stops the class."""

import copy
import json
import os

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import intake
from autograder.intake import GONE, Unreadable
from autograder.release import Release, SourceCell

CELLS = (
    SourceCell("begin", "code", "import math", True, False, False, False, 0, "0"),
    SourceCell("square", "code", "def square(x): ...", False, False, True, False, 0, "1"),
    SourceCell("test_square", "code", "assert square(3) == 9", True, True, False, False, 2, "2"),
    SourceCell("essay", "markdown", "Why?", False, True, True, False, 3, "3"),
)
RELEASE = Release("ps1", "problem", CELLS, "{}")
LOCKED = [cell for cell in CELLS if cell.locked]


def notebook(*cells: tuple[str, str, str]) -> dict:
    """A notebook file's content from (name, type, source)."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {
                "cell_type": kind,
                "source": source,
                "metadata": {"nbgrader": {"grade_id": name}} if name else {},
                "outputs": [],
            }
            for name, kind, source in cells
        ],
    }


WHOLE = [(cell.name, cell.cell_type, cell.source) for cell in CELLS]
ANSWER = ("square", "code", "def square(x): return x * x")


def cleaned(*cells: tuple[str, str, str]) -> list[tuple[str, str]]:
    """(name, source) of the clean notebook's cells."""
    clean = intake.clean(intake.bare(notebook(*cells)), RELEASE)
    nbformat.validate(clean)
    assert len({cell.id for cell in clean.cells}) == len(clean.cells)
    return [(c.metadata.get("nbgrader", {}).get("grade_id", ""), c.source) for c in clean.cells]


def test_answers_come_from_the_student_and_all_else_from_the_release():
    found = cleaned(("begin", "code", "import evil"), ANSWER, ("test_square", "code", "pass"))
    assert dict(found) == {
        "begin": "import math",
        "square": ANSWER[2],
        "test_square": "assert square(3) == 9",
        "essay": "Why?",
    }


def test_points_flags_and_types_in_metadata_do_not_count():
    content = notebook(("begin", "code", ""), ANSWER, ("test_square", "markdown", "text"))
    about = {"points": 400, "grade": False, "locked": False, "solution": True, "checksum": "x"}
    content["cells"][2]["metadata"]["nbgrader"] |= about
    test = intake.clean(intake.bare(content), RELEASE).cells[2]
    assert test.cell_type == "code"
    assert test.metadata.nbgrader.points == 2
    assert (test.metadata.nbgrader.grade, test.metadata.nbgrader.solution) == (True, False)


def test_deleted_cells_are_put_back_and_a_deleted_answer_does_not_bring_the_stub():
    own = ("", "code", "def square(x): return x * x")
    assert cleaned(own) == [
        ("", own[2]),
        ("begin", "import math"),
        ("square", GONE),
        ("test_square", "assert square(3) == 9"),
        ("essay", "Why?"),
    ]


def test_of_copies_the_last_above_the_test_counts():
    first, second = ANSWER, ("square", "code", "def square(x): return x ** 2")
    scratch = ("square", "code", "def square(x): return 0")
    found = cleaned(WHOLE[0], first, second, WHOLE[2], scratch, WHOLE[3])
    assert [source for name, source in found if name == "square"] == [second[2]]


def test_own_cells_keep_their_place_and_a_test_above_its_answer_is_put_below():
    helper = ("", "code", "helper = 1")
    assert [name for name, _ in cleaned(WHOLE[0], helper, *WHOLE[1:])][:3] == [
        "begin",
        "",
        "square",
    ]
    found = cleaned(WHOLE[0], WHOLE[2], ANSWER, helper, WHOLE[3])
    assert [name for name, _ in found] == ["begin", "square", "", "test_square", "essay"]


def test_questions_in_another_order_stay_so():
    found = cleaned(WHOLE[3], WHOLE[0], ANSWER, WHOLE[2])
    assert [name for name, _ in found] == ["essay", "begin", "square", "test_square"]


def test_a_stub_is_known_as_unanswered():
    from nbgrader.utils import compute_checksum

    clean = intake.clean(intake.bare(notebook(*WHOLE)), RELEASE)
    for cell in clean.cells:
        cell.metadata.nbgrader.checksum = compute_checksum(cell)
    clean.cells[1].source += "\n# answered"
    assert intake.unanswered(clean) == {"essay"}


garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from([*(cell.name for cell in CELLS), "other", ""])
strange_cells = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw"]) | garbage},
    optional={
        "source": st.text() | st.lists(st.text()) | garbage,
        "metadata": garbage | names.map(lambda name: {"nbgrader": {"grade_id": name}}),
        "outputs": garbage,
    },
)


@settings(deadline=None, max_examples=200)
@given(cells=st.lists(strange_cells | garbage, max_size=8), version=st.just(4) | garbage)
def test_whatever_is_handed_in_gives_a_reason_or_a_valid_notebook_with_the_released_tests(
    cells, version
):
    content = {"nbformat": version, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    try:
        clean = intake.clean(intake.bare(copy.deepcopy(content)), RELEASE)
    except Unreadable as error:
        assert str(error)
        return
    nbformat.validate(clean)
    graded = [c for c in clean.cells if "nbgrader" in c.metadata]
    assert sorted(c.metadata.nbgrader.grade_id for c in graded) == sorted(c.name for c in CELLS)
    found = {c.metadata.nbgrader.grade_id: c.source for c in graded}
    assert all(found[cell.name] == cell.source for cell in LOCKED)


WRONG_FILES = {
    b"": "empty",
    b"  \n": "empty",
    b"hello": "not JSON",
    b"[1, 2]": "not a notebook",
    b"{}": "not a notebook",
    json.dumps({"nbformat": 5, "cells": []}).encode(): "format is 5",
    json.dumps({"nbformat": ["x" * 10**6], "cells": []}).encode(): "^its format is .{60}, and",
    json.dumps({"nbformat": 3, "worksheets": "\x1b[2J\n"}).encode(): r"old notebook .{0,150}$",
    b'{"nbformat": 4, "cells": ' + b"9" * 5000 + b"}": "not JSON",
    json.dumps({"nbformat": 4, "cells": [{}] * 2001}).encode(): "2001 cells, more than 2000",
    json.dumps(notebook(("square", "code", "x" * (2**22 + 1)))).encode(): "more text than",
    json.dumps({"nbformat": 4}).encode(): "no cells",
    json.dumps(notebook(("theirs", "code", "1"))).encode(): "none of its graded cells is known",
    b'{"nbformat": 4,\n<<<<<<< HEAD\n"cells": []}': "unfinished merge",
    b"[" * 100_000: "nested too deep",
    '{"nbformat": 4, "cells": "é"}'.encode("latin-1"): "not UTF-8",
}


@pytest.mark.parametrize(("content", "reason"), WRONG_FILES.items())
def test_a_wrong_file_has_its_reason(tmp_path, content, reason):
    file = tmp_path / "problem.ipynb"
    file.write_bytes(content)
    with pytest.raises(Unreadable, match=reason):
        intake.clean(intake.read(file), RELEASE)
    assert file.read_bytes() == content


def test_an_old_notebook_is_brought_up_to_date(tmp_path):
    cell = {"cell_type": "code", "input": ANSWER[2], "outputs": [], "language": "python"}
    cell["metadata"] = {"nbgrader": {"grade_id": "square"}}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}}
    file = tmp_path / "problem.ipynb"
    file.write_text(json.dumps(old | {"worksheets": [{"cells": [cell], "metadata": {}}]}))
    clean = intake.clean(intake.read(file), RELEASE)
    assert [c.source for c in clean.cells if c.cell_type == "code"][1] == ANSWER[2]


def test_with_all_names_gone_the_answers_still_run_before_the_tests():
    found = cleaned(*(("", kind, source) for _, kind, source in [WHOLE[0], ANSWER, *WHOLE[2:]]))
    names = [name for name, _ in found]
    assert found.index(("", ANSWER[2])) < names.index("test_square")


def test_unknown_names_are_cells_of_the_students_own():
    found = cleaned(*WHOLE[:3], ("mine", "code", "mine = 1"), WHOLE[3])
    assert ("", "mine = 1") in found and len(found) == 5


@settings(deadline=None, max_examples=100)
@given(order=st.permutations(range(4)))
def test_in_whatever_order_no_test_runs_before_its_answer_is_defined(order):
    names = [name for name, _ in cleaned(*[WHOLE[number] for number in order])]
    assert names.index("square") < names.index("test_square")
    assert sorted(names) == sorted(cell.name for cell in CELLS)


def test_a_folder_a_link_a_pipe_and_a_giant_are_not_read(tmp_path, monkeypatch):
    file = tmp_path / "problem.ipynb"
    for make, reason in (
        (lambda: file.mkdir(), "it is a folder"),
        (lambda: file.symlink_to("/etc/hostname"), "it is a link"),
        (lambda: os.mkfifo(file), "no ordinary file"),
    ):
        make()
        with pytest.raises(Unreadable, match=reason):
            intake.read(file)
        file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()
    file.write_bytes(b"x" * 2000)
    monkeypatch.setattr(intake, "MAX_NOTEBOOK", 1000)
    with pytest.raises(Unreadable, match="MB"):
        intake.read(file)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_say_what_they_are_can_be_read(tmp_path, encoding):
    file = tmp_path / "problem.ipynb"
    file.write_bytes(json.dumps(notebook(*WHOLE)).encode(encoding))
    assert len(intake.read(file).cells) == 4


@pytest.mark.parametrize(
    "name", ["problem (1).ipynb", "Problem.ipynb", "problem-Copy2.ipynb", "problem - Copy.ipynb"]
)
def test_the_only_copy_is_taken_with_a_note(tmp_path, name):
    (tmp_path / name).write_text("{}")
    found = intake.find(tmp_path, "ada", "ps1", ["problem"])
    assert found.notebooks == {"problem": tmp_path / name}
    assert "was taken for problem.ipynb" in found.notes[0]


def test_two_copies_are_for_a_person_to_look_at(tmp_path):
    for name in ("problem (1).ipynb", "problem (2).ipynb"):
        (tmp_path / name).write_text("{}")
    found = intake.find(tmp_path, "ada", "ps1", ["problem"])
    assert not found.notebooks
    assert "several files could be problem.ipynb" in found.refused["problem"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-02 09:00:00 UTC\n", "2026-12-02T09:00:00"),
        ("2026-12-02 09:00:00.250000 UTC", "2026-12-02T09:00:00.250000"),
        ("", None),
    ],
)
def test_a_time_is_read_and_an_empty_file_is_none(tmp_path, text, expected):
    (tmp_path / "timestamp.txt").write_text(text)
    found = intake.find(tmp_path, "ada", "ps1", [])
    assert (found.timestamp and found.timestamp.isoformat()) == expected
    assert not found.notes


@pytest.mark.parametrize(
    "content", [b"yesterday-ish", b"9" * 30, b"\xff\xfe", b"\0", b"2026-13-45", b"2" * 2000]
)
def test_a_time_that_is_nonsense_or_huge_is_a_note(tmp_path, content):
    (tmp_path / "timestamp.txt").write_bytes(content)
    found = intake.find(tmp_path, "ada", "ps1", [])
    assert found.timestamp is None and "timestamp.txt" in found.notes[0]


def test_a_time_that_is_a_link_a_folder_or_a_pipe_is_a_note(tmp_path):
    file = tmp_path / "timestamp.txt"
    for make, remove in (
        (lambda: file.symlink_to("/etc/hostname"), file.unlink),
        (file.mkdir, file.rmdir),
        (lambda: os.mkfifo(file), file.unlink),
    ):
        make()
        found = intake.find(tmp_path, "ada", "ps1", [])
        assert found.timestamp is None and "timestamp.txt" in found.notes[0]
        remove()


@settings(deadline=None, max_examples=200)
@given(text=st.text(max_size=60) | st.from_regex(r"[0-9:+ .TZ-]{1,60}", fullmatch=True))
def test_no_text_in_place_of_a_time_stops_the_class(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("time")
    (folder / "timestamp.txt").write_bytes(text.encode())
    found = intake.find(folder, "ada", "ps1", [])
    assert found.timestamp is None or found.timestamp.tzinfo is None


def test_files_beside_the_notebook_are_taken_and_links_are_not(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "points.csv").write_bytes(b"1,2")
    (tmp_path / "out.csv").symlink_to("/etc/hostname")
    (tmp_path / "notes.md").write_bytes(b"x")
    found, notes = intake.files(tmp_path, ["*.md"])
    assert found == {"data/points.csv": b"1,2"}
    assert "out.csv" in notes[0]


def test_files_beside_the_notebook_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "MAX_FILES", 3)
    for number in range(5):
        (tmp_path / f"{number}.csv").write_bytes(b"x")
    found, notes = intake.files(tmp_path, [])
    assert len(found) == 3 and "only 3 of the files" in notes[0]
    monkeypatch.setattr(intake, "MAX_BYTES", 2)
    (tmp_path / "0.csv").write_bytes(b"xxx")
    found, notes = intake.files(tmp_path, [])
    assert "0.csv" not in found and len(found) == 2 and len(notes) == 2


def test_files_in_a_linked_folder_and_far_down_are_not_taken(tmp_path):
    work, other = tmp_path / "work", tmp_path / "other"
    other.mkdir()
    (other / "secret.txt").write_text("secret")
    deep = work.joinpath(*["d"] * 30)
    deep.mkdir(parents=True)
    (deep / "x.txt").write_text("x")
    (work / "link").symlink_to(other)
    (work / "d" / "near.txt").write_text("x")
    assert intake.files(work, [])[0] == {"d/near.txt": b"x"}


def test_a_folder_that_is_a_link_or_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path)
    for name, reason in (("file", "no folder"), ("link", "is a link"), ("none", "no folder")):
        with pytest.raises(Unreadable, match=reason):
            intake.find(tmp_path / name, "ada", "ps1", ["problem"])
