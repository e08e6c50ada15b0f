"""Building: one source, two notebooks, the same to the byte, nothing of the solution released."""

import json
from pathlib import Path

import nbformat
import pytest
from conftest import edit
from nbgrader.nbgraderformat import MetadataValidator

from tandem.build import build, generated
from tandem.course import CourseError

PAIR = [Path(f"lessons/1-tiny/hello.{f}.ipynb") for f in ("pytorch", "tensorflow")]


def test_a_second_build_changes_nothing(course):
    first = build(course)
    assert len(first) == len(generated(course))
    assert build(course) == []


def test_building_twice_in_two_places_gives_the_same_bytes(course, tmp_path):
    again = {path: text for path, text in generated(course).items()}
    assert generated(course) == again


def test_notebooks_are_valid_without_outputs_and_say_where_they_come_from(built):
    for path in PAIR:
        notebook = nbformat.read(built / path, as_version=4)
        nbformat.validate(notebook)
        assert notebook.metadata.tandem.source == "lessons/1-tiny/hello.md"
        assert "generated from lessons/1-tiny/hello.md" in notebook.cells[0].source
        assert not any(cell.get("outputs") for cell in notebook.cells)


def test_cell_ids_of_other_sections_stay_when_a_section_grows(built):
    def ids() -> list[str]:
        return [c["id"] for c in json.loads((built / PAIR[0]).read_text())["cells"]]

    before = ids()
    edit(built / "lessons/1-tiny/hello.md", "What is one and one?", "What is 1+1?\n\n+++\n\nThink.")
    build(built)
    assert [i for i in ids() if i in before] == before


def test_a_changed_source_rewrites_only_what_it_makes(built):
    edit(built / "lessons/1-tiny/hello.md", "Here we use 32 bits.", "Here we use 32 bits only.")
    assert build(built) == [f"wrote {PAIR[1]}"]


def test_a_notebook_without_a_source_is_removed(built):
    stray = built / "lessons/1-tiny/old.pytorch.ipynb"
    stray.write_text("{}")
    assert build(built) == ["removed lessons/1-tiny/old.pytorch.ipynb: it has no source any more"]
    assert not stray.exists()


def test_exercises_carry_valid_nbgrader_metadata_with_unique_ids(built):
    for folder in ("solutions", "exercises"):
        for framework in ("pytorch", "tensorflow"):
            path = built / folder / "1-tiny" / f"{framework}.ipynb"
            notebook = nbformat.read(path, as_version=4)
            MetadataValidator().validate_nb(notebook)
            ids = [cell.metadata.nbgrader.grade_id for cell in notebook.cells]
            assert len(ids) == len(set(ids))


def test_the_student_version_has_the_stub_and_neither_solution_nor_hidden_test(built):
    text = (built / "exercises/1-tiny/pytorch.ipynb").read_text()
    assert "raise NotImplementedError" in text
    assert "number + number" not in text
    assert "-50" not in text
    assert (built / "solutions/1-tiny/pytorch.ipynb").read_text().count("number + number") == 1


def test_the_workspace_opens_the_pair_side_by_side(built):
    workspace = json.loads((built / "lessons/1-tiny/hello.jupyterlab-workspace").read_text())
    opened = [value["data"]["path"] for key, value in workspace["data"].items() if ":" in key[8:9]]
    assert opened == [str(path) for path in PAIR]
    assert workspace["metadata"]["id"] == "1-tiny-hello"


def test_the_readme_lists_the_lesson_and_needs_its_markers(built):
    assert "lessons/1-tiny/hello.pytorch.ipynb" in (built / "README.md").read_text()
    (built / "README.md").write_text("# no table\n")
    with pytest.raises(CourseError, match=r"README\.md has lost its"):
        build(built)


def test_a_lesson_leads_to_the_next_one_and_the_last_one_to_quiz_and_exercise(course):
    first = course / "lessons/1-tiny/hello.md"
    second = (
        first.read_text().replace("title: Hello", "title: Again").replace("order: 1", "order: 2")
    )
    (course / "lessons/1-tiny/again.md").write_text(second)
    build(course)
    ends = {
        name: json.loads((course / f"lessons/1-tiny/{name}.pytorch.ipynb").read_text())["cells"][-1]
        for name in ("hello", "again")
    }
    text = {name: "".join(cell["source"]) for name, cell in ends.items()}
    assert "[the next lesson: Again](again.pytorch.ipynb)" in text["hello"]
    assert "next lesson" not in text["again"]
    assert "quiz.ipynb" in text["again"] and "exercises/1-tiny/pytorch.ipynb" in text["again"]
