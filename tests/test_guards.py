"""Every guard of `tandem check` has a course that trips it, and the untouched course trips none."""

import json
from pathlib import Path

import pytest
from conftest import edit

from tandem.build import build
from tandem.guards import check_course

LESSON = "lessons/1-tiny/hello.md"
EXERCISE = "solutions/1-tiny/exercise.md"
RELEASED = "exercises/1-tiny/pytorch.ipynb"


def test_the_untouched_course_passes(built):
    assert check_course(built) == []


SOURCE_FAULTS = {
    "a heading in one framework only": (
        LESSON,
        "Here we use 64 bits.",
        "### Bits\n\nHere we use 64 bits.",
        "heading `Bits` exists in the PyTorch notebook only",
    ),
    "a graded question in one framework only": (
        EXERCISE,
        "tags: [test]",
        "tags: [test, pytorch]",
        "graded cell `test_double` exists in the PyTorch notebook only",
    ),
    "a recorded value in one framework only": (
        LESSON,
        "total = np.float32(1)",
        'total = np.float32(1)\ntandem.record("bits", 32)',
        "`bits` is recorded in the TensorFlow notebook only",
    ),
    "a parity value that nothing records": (
        LESSON,
        "parity: {total: 1.0e-6}",
        "parity: {sum: 1.0e-6}",
        "parity names `sum`, which no cell records",
    ),
    "the other framework's API in code": (
        LESSON,
        "total = np.float32(1)",
        "total = torch.tensor(1)",
        "`torch` in the TensorFlow notebook",
    ),
    "the other framework's API in shared prose": (
        LESSON,
        "What is one and one?",
        "What is tf.add(1, 1)?",
        "`tf.` in the PyTorch notebook",
    ),
    "an objective without a section": (
        LESSON,
        "section: Adding",
        "section: Subtracting",
        "no heading is called `Subtracting`",
    ),
    "an objective that no quiz item checks": (
        LESSON,
        "quiz:one-and-one, ",
        "quiz:two-and-two, ",
        "nothing is called `quiz:two-and-two`",
    ),
    "an objective that no exercise checks": (
        LESSON,
        "exercise:double",
        "exercise:treble",
        "nothing is called `exercise:treble`",
    ),
    "a quiz item that names a missing section": (
        "lessons/1-tiny/quiz.yml",
        "section: hello#Adding",
        "section: hello#Taking away",
        "no section is called `hello#Taking away`",
    ),
    "a lesson that names a missing claim": (
        LESSON,
        "claims: [q1-tiny]",
        "claims: [q1-huge]",
        "claim `q1-huge` is not in lessons/claims.yml",
    ),
    "a claim that names a missing section": (
        "lessons/claims.yml",
        "tested_by: [hello#Adding, ",
        "tested_by: [hello#Nothing, ",
        "claim `q1-tiny`: nothing is called `hello#Nothing`",
    ),
}


@pytest.mark.parametrize("fault", SOURCE_FAULTS)
def test_a_fault_in_a_source_is_found(course, fault):
    file, old, new, expected = SOURCE_FAULTS[fault]
    edit(course / file, old, new)
    build(course)
    found = check_course(course)
    assert any(expected in finding for finding in found), found
    assert all(finding.count("\n") == 0 for finding in found)


def test_graded_questions_in_another_order_are_found(course):
    text = (course / EXERCISE).read_text()
    head, pytorch, tensorflow, test = text.split("```{code-cell}")
    extra = "---\ntags: [{}, solution]\nname: treble\n---\nraise NotImplementedError\n```\n\n"
    extras = {f: extra.format(f) for f in ("pytorch", "tensorflow")}
    cells = [head, extras["pytorch"], pytorch, tensorflow, extras["tensorflow"], test]
    (course / EXERCISE).write_text("```{code-cell}\n".join(c.lstrip("\n") for c in cells))
    build(course)
    assert any("another order" in finding for finding in check_course(course))


def test_two_lessons_in_the_same_place_are_found(course):
    (course / "lessons/1-tiny/again.md").write_text((course / LESSON).read_text())
    build(course)
    assert any(
        finding == f"{LESSON}: `order: 1` is also that of lessons/1-tiny/again.md"
        for finding in check_course(course)
    )


def test_a_stale_notebook_is_found(built):
    edit(built / LESSON, "Here we use 32 bits.", "Here we use 32 bits only.")
    assert check_course(built) == [
        "lessons/1-tiny/hello.tensorflow.ipynb: stale or edited by hand; "
        "edit its source, then run `tandem build`"
    ]


def test_a_missing_and_a_stray_notebook_are_found(built):
    (built / "lessons/1-tiny/hello.pytorch.ipynb").rename(built / "lessons/1-tiny/x.pytorch.ipynb")
    found = "\n".join(check_course(built))
    assert "hello.pytorch.ipynb: missing" in found
    assert "x.pytorch.ipynb: no source makes this" in found


def _change_cell(path: Path, grade_id: str, source: str) -> None:
    notebook = json.loads(path.read_text())
    cell = next(c for c in notebook["cells"] if c["metadata"]["nbgrader"]["grade_id"] == grade_id)
    cell["source"] = source
    path.write_text(json.dumps(notebook))


RELEASE_FAULTS = {
    "a solution": ("double", "def double(n):\n    return number + number", "solution `double`"),
    "a hidden test": ("test_double", "2.0 * (double(-50) == -100)", "hidden test `test_double`"),
    "a marker": ("test_double", "### BEGIN HIDDEN TESTS", "marker is in it"),
    "a stub that does not parse": ("double", "def double(n:\n  raise NotImplementedError", "parse"),
    "a stub that does not raise": ("double", "def double(number):\n    pass", "does not raise"),
    "a stub with a line of its own": (
        "double",
        "def double(number):\n    n = number\n    raise NotImplementedError",
        "a line its solution lacks: n = number",
    ),
}


@pytest.mark.parametrize("fault", RELEASE_FAULTS)
def test_a_fault_in_a_student_version_is_found(built, fault):
    grade_id, source, expected = RELEASE_FAULTS[fault]
    _change_cell(built / RELEASED, grade_id, source)
    found = [f for f in check_course(built) if f.startswith(RELEASED) and "stale" not in f]
    assert any(expected in finding for finding in found), found


def test_old_metadata_and_missing_points_are_found(built):
    notebook = json.loads((built / RELEASED).read_text())
    by_id = {c["metadata"]["nbgrader"]["grade_id"]: c for c in notebook["cells"]}
    by_id["double"]["metadata"]["nbgrader"]["schema_version"] = 2
    del by_id["test_double"]["metadata"]["nbgrader"]["points"]
    (built / RELEASED).write_text(json.dumps(notebook))
    found = "\n".join(check_course(built))
    assert "lacks nbgrader metadata of version 3" in found
    assert "graded cell `test_double` has no points" in found


def test_a_file_that_students_should_not_get_is_found(built):
    (built / "exercises/1-tiny/exercise.md").write_text("the solution")
    assert any("students would get this file" in finding for finding in check_course(built))
