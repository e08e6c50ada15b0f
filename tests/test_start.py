"""The learner's copy: new things come in, nothing that the learner made is lost."""

import json

import nbformat
import pytest
from conftest import edit

from tandem.build import build
from tandem.course import CourseError
from tandem.start import start

PYTORCH = "lessons/1-tiny/hello.pytorch.ipynb"


@pytest.fixture
def mine(built, tmp_path):
    target = tmp_path / "my-course"
    start(built, target)
    return target


def write_into(notebook_path, source=None, output=None):
    notebook = nbformat.read(notebook_path, as_version=4)
    if source:
        notebook.cells[2].source = source
    if output:
        code = next(cell for cell in notebook.cells if cell.cell_type == "code")
        code.outputs = [nbformat.v4.new_output("stream", text=output)]
    nbformat.write(notebook, notebook_path)


def new_version(built):
    edit(built / "lessons/1-tiny/hello.md", "What is one and one?", "What is 1 + 1?")
    build(built)


def test_learners_get_notebooks_and_workspaces_but_no_sources(mine):
    names = {str(f.relative_to(mine)) for f in mine.rglob("*") if f.is_file()}
    assert {PYTORCH, "lessons/home.ipynb", "exercises/1-tiny/pytorch.ipynb"} <= names
    assert "lessons/1-tiny/hello.jupyterlab-workspace" in names
    assert not [name for name in names if name.endswith((".md", ".yml"))]
    assert not (mine / "solutions").exists()


def test_starting_again_changes_nothing(built, mine):
    before = {f: f.read_bytes() for f in mine.rglob("*") if f.is_file()}
    assert start(built, mine) == []
    assert {f: f.read_bytes() for f in mine.rglob("*") if f.is_file()} == before


def test_a_new_notebook_and_a_deleted_one_come_in(built, mine):
    (mine / PYTORCH).unlink()
    assert start(built, mine) == [f"new      {PYTORCH}"]


def test_an_edited_notebook_is_kept_and_the_new_version_put_beside_it(built, mine):
    write_into(mine / PYTORCH, source="my own words")
    edited = (mine / PYTORCH).read_bytes()
    new_version(built)
    messages = start(built, mine)
    beside = mine / "lessons/1-tiny/hello.pytorch.new.ipynb"
    assert (mine / PYTORCH).read_bytes() == edited
    assert "What is 1 + 1?" in beside.read_text()
    assert any(PYTORCH in m and "hello.pytorch.new.ipynb" in m for m in messages)
    assert start(built, mine) == []


def test_a_second_new_version_does_not_overwrite_the_first(built, mine):
    write_into(mine / PYTORCH, source="my own words")
    new_version(built)
    start(built, mine)
    write_into(mine / "lessons/1-tiny/hello.pytorch.new.ipynb", source="more of my words")
    edit(built / "lessons/1-tiny/hello.md", "What is 1 + 1?", "What is 2 - 0?")
    build(built)
    start(built, mine)
    assert "more of my words" in (mine / "lessons/1-tiny/hello.pytorch.new.ipynb").read_text()
    assert "2 - 0" in (mine / "lessons/1-tiny/hello.pytorch.new2.ipynb").read_text()


def test_a_notebook_that_was_only_run_is_updated_and_its_outputs_are_kept(built, mine):
    write_into(mine / PYTORCH, output="my result")
    new_version(built)
    start(built, mine)
    assert "What is 1 + 1?" in (mine / PYTORCH).read_text()
    kept = list((mine / ".tandem/replaced").rglob("*.ipynb"))
    assert any("my result" in f.read_text() for f in kept)


@pytest.mark.parametrize("content", ["", "not a notebook", "\xff"])
def test_a_damaged_notebook_of_the_learner_is_kept(built, mine, content):
    (mine / PYTORCH).write_bytes(content.encode("latin-1"))
    new_version(built)
    start(built, mine)
    assert (mine / PYTORCH).read_bytes() == content.encode("latin-1")


def test_a_damaged_list_of_deliveries_costs_no_edit(built, mine):
    write_into(mine / PYTORCH, source="my own words")
    (mine / ".tandem/delivered.json").write_text("{")
    start(built, mine)
    assert "my own words" in (mine / PYTORCH).read_text()


def test_a_folder_with_other_files_of_the_same_name_loses_nothing(built, tmp_path):
    target = tmp_path / "full"
    (target / "lessons").mkdir(parents=True)
    (target / "lessons/home.ipynb").write_text("mine")
    start(built, target)
    assert (target / "lessons/home.ipynb").read_text() == "mine"


def test_the_home_page_is_filled_in_and_kept_when_edited(built, mine):
    home = mine / "lessons/home.ipynb"
    page = json.loads(home.read_text())["cells"][-1]["outputs"][0]["data"]["text/markdown"]
    assert "## Next: Hello (" in "".join(page)
    notebook = nbformat.read(home, as_version=4)
    notebook.cells[0].source = "my own home"
    nbformat.write(notebook, home)
    start(built, mine)
    assert "my own home" in home.read_text()


def test_the_course_itself_and_a_file_are_refused(built, tmp_path):
    (tmp_path / "file").write_text("")
    for target in (built, built / "lessons" / "x", tmp_path / "file"):
        with pytest.raises(CourseError):
            start(built, target)
