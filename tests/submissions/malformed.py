"""Submissions whose file or cells are not what was handed out. What was answered still counts."""

import copy
import json

import nbformat

from submissions.book import EVERYTHING, POINTS, Work, case

NOT_JSON = r"not JSON"


def text_of(work: Work) -> str:
    """The notebook's file, all questions answered."""
    work.solve()
    return nbformat.writes(work.notebook)


def content_of(work: Work) -> dict:
    """The notebook as plain JSON, all questions answered."""
    return json.loads(text_of(work))


def hand_in(work: Work, content: object) -> None:
    """Let the file be this JSON."""
    work.raw = json.dumps(content).encode()


def hand_in_as(work: Work, *names: str) -> None:
    """Write the answered notebook under these names in place of the right one."""
    text = text_of(work)
    for name in names:
        (work.folder / name).write_text(text, encoding="utf-8")
    work.notebook = None


# The file


@case("The file is a text that is not JSON.", row=NOT_JSON)
def not_json(work: Work) -> None:
    work.raw = b"def sgd_step(w, b, x, y, learning_rate):\n    return w, b, 0.0\n"


@case("The file is the page of a website that asked for a login.", row=NOT_JSON)
def web_page(work: Work) -> None:
    work.raw = b"<!DOCTYPE html><html><body>Please log in.</body></html>"


@case("The file is empty.", row=r"empty")
def empty_file(work: Work) -> None:
    work.raw = b""


@case("The file holds nothing but zeros, as after a crash of the disk.", row=NOT_JSON)
def zeros(work: Work) -> None:
    work.raw = bytes(100_000)


@case("The folder is empty, as when nothing was handed in.")
def empty_folder(work: Work) -> None:
    work.notebook = None


@case("A folder has the notebook's name.", row=r"(?i)folder|directory")
def folder_of_this_name(work: Work) -> None:
    hand_in_as(work)
    work.file.mkdir()


@case("The file ends in the middle, as after a broken download.", row=NOT_JSON)
def half_a_file(work: Work) -> None:
    text = text_of(work)
    work.raw = text[: len(text) // 2].encode()


@case("The file has the marks of an unfinished merge.", row=r"merge")
def merge_marks(work: Work) -> None:
    lines = text_of(work).splitlines()
    middle = len(lines) // 2
    marks = ["<<<<<<< HEAD", lines[middle], "=======", lines[middle], ">>>>>>> theirs"]
    work.raw = "\n".join([*lines[:middle], *marks, *lines[middle + 1 :]]).encode()


@case("The file is a JSON list.", row=r"not a notebook")
def json_list(work: Work) -> None:
    hand_in(work, content_of(work)["cells"])


@case("The file is a JSON number that is none.", row=r"not a notebook")
def bare_nan(work: Work) -> None:
    work.raw = b"NaN"


@case("The metadata holds NaN and infinity.", EVERYTHING)
def nan_in_metadata(work: Work) -> None:
    content = content_of(work)
    content["metadata"]["measured"] = [float("nan"), float("inf")]
    hand_in(work, content)


@case("The JSON is nested two hundred thousand deep.", row=r"deep")
def deep_json(work: Work) -> None:
    work.raw = b"[" * 200_000 + b"]" * 200_000


@case("The metadata is nested two hundred thousand deep.", row=r"deep")
def deep_metadata(work: Work) -> None:
    deep = '{"a":' * 200_000 + "1" + "}" * 200_000
    work.raw = text_of(work).replace('"metadata": {', f'"deep": {deep}, "metadata": {{', 1).encode()


@case("The metadata has 20 MB.", EVERYTHING)
def huge_metadata(work: Work) -> None:
    work.solve()
    work.notebook.metadata["ballast"] = "x" * (20 * 2**20)


# Encodings


def with_umlauts(work: Work) -> str:
    text_of(work)
    work.add("# für später: größer als zwei")
    return nbformat.writes(work.notebook)


@case("The file is in UTF-16, as some editors save it.", EVERYTHING)
def utf_16(work: Work) -> None:
    work.raw = with_umlauts(work).encode("utf-16")


@case("The file is in UTF-8 with a byte order mark.", EVERYTHING)
def byte_order_mark(work: Work) -> None:
    work.raw = with_umlauts(work).encode("utf-8-sig")


@case("The file is in Latin-1.", row=r"UTF-8")
def latin_1(work: Work) -> None:
    work.raw = with_umlauts(work).encode("latin-1")


@case("The file has the line ends of Windows.", EVERYTHING)
def windows_line_ends(work: Work) -> None:
    work.raw = with_umlauts(work).replace("\n", "\r\n").encode()


@case("A cell holds half a character that no encoding can carry.", EVERYTHING)
def lone_surrogate(work: Work) -> None:
    work.raw = with_umlauts(work).replace("größer", "\\ud800").encode()


@case("A cell of the student's own holds a null character.", EVERYTHING)
def null_character(work: Work) -> None:
    work.solve()
    work.add("print('a\0b')", before="slope")


# Formats


@case("The notebook is in format 3, as ten years ago.", EVERYTHING)
def format_3(work: Work) -> None:
    work.solve()
    old = nbformat.convert(work.notebook, 3)
    work.raw = nbformat.v3.writes_json(old).encode()


@case("The notebook is in format 5, which does not exist yet.", row=r"format.* 5")
def format_5(work: Work) -> None:
    hand_in(work, content_of(work) | {"nbformat": 5})


@case("The notebook is in a minor version of format 4 that does not exist yet.", EVERYTHING)
def format_4_99(work: Work) -> None:
    hand_in(work, content_of(work) | {"nbformat_minor": 99, "news": {"a": 1}})


@case("The version of the format is a word.", row=r"format")
def format_in_words(work: Work) -> None:
    hand_in(work, content_of(work) | {"nbformat": "four"})


@case("The notebook does not say its format.", row=r"not a notebook|format")
def no_format(work: Work) -> None:
    content = content_of(work)
    del content["nbformat"]
    hand_in(work, content)


@case("The notebook has no metadata, its cells no outputs and no counts.", EVERYTHING)
def missing_keys(work: Work) -> None:
    content = content_of(work)
    del content["metadata"], content["nbformat_minor"]
    for cell in content["cells"]:
        for key in ("id", "outputs", "execution_count"):
            cell.pop(key, None)
    hand_in(work, content)


@case("The cells are one object and no list.", row=r"cells")
def cells_are_no_list(work: Work) -> None:
    content = content_of(work)
    hand_in(work, content | {"cells": {"first": content["cells"][0]}})


@case("The text of every cell is a list of lines.", EVERYTHING)
def lists_of_lines(work: Work) -> None:
    content = content_of(work)
    for cell in content["cells"]:
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)
    hand_in(work, content)


@case("Between the cells lie numbers, words and cells without text or type.", EVERYTHING)
def strange_cells(work: Work) -> None:
    content = content_of(work)
    strange = [7, "cell", None, {}, {"cell_type": "code"}, {"cell_type": "video", "source": 7}]
    content["cells"][3:3] = strange
    hand_in(work, content)


@case("The outputs in the file are nonsense.", EVERYTHING)
def nonsense_in_outputs(work: Work) -> None:
    content = content_of(work)
    for cell in content["cells"]:
        cell["outputs"] = [{"output_type": "dance"}, 7]
        cell["execution_count"] = "first"
    hand_in(work, content)


# Names


@case("The browser has numbered the file, as for a second download.", EVERYTHING)
def numbered_name(work: Work) -> None:
    hand_in_as(work, f"{work.framework} (1).ipynb")


@case("The file's name begins with a capital.", EVERYTHING)
def capital_name(work: Work) -> None:
    hand_in_as(work, f"{work.framework.capitalize()}.ipynb")


@case("JupyterLab has named the file as a copy.", EVERYTHING)
def name_of_a_copy(work: Work) -> None:
    hand_in_as(work, f"{work.framework}-Copy1.ipynb")


@case("Two files could be the right one.", row=r"several")
def two_copies(work: Work) -> None:
    hand_in_as(work, f"{work.framework} (1).ipynb", f"{work.framework} (2).ipynb")


@case("The right file lies beside an older copy, which does not count.", EVERYTHING)
def copy_beside_the_notebook(work: Work) -> None:
    old = work.folder / f"{work.framework} (1).ipynb"
    old.write_text(nbformat.writes(work.notebook), encoding="utf-8")
    work.solve()


@case("Only a Python script is there: no notebook was handed in.")
def script(work: Work) -> None:
    hand_in_as(work, f"{work.framework}.py")


# Identities


@case("Every cell has the same id.", EVERYTHING)
def same_cell_ids(work: Work) -> None:
    content = content_of(work)
    for cell in content["cells"]:
        cell["id"] = "same"
    hand_in(work, content)


def add_copy(work: Work, name: str, place: int) -> nbformat.NotebookNode:
    """Copy the cell of a grade_id with all its metadata, `place` cells below itself."""
    cells = work.notebook.cells
    copied = copy.deepcopy(work.cell_of(name))
    cells.insert(cells.index(work.cell_of(name)) + place, copied)
    return copied


@case("An answer was copied and mended; the copy stands below the first draft.", EVERYTHING)
def copied_answer(work: Work) -> None:
    work.solve()
    add_copy(work, "slope", 1)
    work.answer("slope", "def slope(x):\n    return 0.0")


@case("A try that went wrong stands below the test of the right answer.", EVERYTHING)
def copied_answer_below_its_test(work: Work) -> None:
    work.solve()
    add_copy(work, "slope", 2).source = "def slope(x):\n    return 0.0"


@case("A test cell was copied.", EVERYTHING)
def copied_test(work: Work) -> None:
    work.solve()
    add_copy(work, "test_slope", 1)


@case("Every cell is there twice.", EVERYTHING)
def notebook_twice(work: Work) -> None:
    work.solve()
    work.notebook.cells += copy.deepcopy(work.notebook.cells)


@case("All of nbgrader's metadata is gone, as after an upload elsewhere.", EVERYTHING)
def no_nbgrader_metadata(work: Work) -> None:
    work.solve()
    for cell in work.notebook.cells:
        cell.metadata = nbformat.NotebookNode()


@case("nbgrader's metadata is of the wrong types.", EVERYTHING)
def metadata_of_wrong_types(work: Work) -> None:
    content = content_of(work)
    for cell in content["cells"]:
        nbgrader = cell["metadata"]["nbgrader"]
        if nbgrader["grade_id"] == "slope":
            cell["metadata"]["nbgrader"] = "x"
        elif nbgrader["grade_id"] == "newton":
            cell["metadata"] = ["newton"]
        else:
            nbgrader |= {"points": "many", "grade": "no", "schema_version": None}
    hand_in(work, content)


@case("A grade_id is a list and another one a number.", EVERYTHING)
def grade_ids_of_wrong_types(work: Work) -> None:
    work.solve()
    work.cell_of("slope").metadata.nbgrader.grade_id = ["slope"]
    work.cell_of("newton").metadata.nbgrader.grade_id = 4


@case("The notebook asks for R.", EVERYTHING)
def kernel_of_r(work: Work) -> None:
    work.solve()
    kernel = {"name": "ir", "display_name": "R", "language": "R"}
    work.notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {}})


@case("The notebook asks for bash.", EVERYTHING)
def kernel_of_bash(work: Work) -> None:
    work.solve()
    kernel = {"name": "bash", "display_name": "Bash", "language": "bash"}
    work.notebook.metadata = nbformat.from_dict({"kernelspec": kernel})


@case("The notebook asks for a kernel by a number.", EVERYTHING)
def kernel_of_wrong_type(work: Work) -> None:
    hand_in(work, content_of(work) | {"metadata": {"kernelspec": 3, "language_info": "Python"}})


# Cells


def change_type(work: Work, name: str, kind: str) -> None:
    cell = work.cell_of(name)
    cell.cell_type = kind
    for key in ("outputs", "execution_count"):
        cell.pop(key, None)


@case("The cell of an answer was turned into Markdown by a slip of the keyboard.", EVERYTHING)
def answer_in_markdown(work: Work) -> None:
    work.solve()
    change_type(work, "slope", "markdown")


@case("The cell of an answer was turned into a raw cell.", EVERYTHING)
def answer_in_a_raw_cell(work: Work) -> None:
    work.solve()
    change_type(work, "slope", "raw")


@case("The cell of an answer holds prose now, and the answer stands below it.", EVERYTHING)
def prose_above_the_answer(work: Work) -> None:
    work.solve()
    code = work.cell_of("slope").source
    work.add(code, after="slope")
    work.answer("slope", "Here I ask the framework for the gradient, and it's easy.")
    change_type(work, "slope", "markdown")


@case("A test was turned into Markdown.", EVERYTHING)
def test_in_markdown(work: Work) -> None:
    work.solve()
    change_type(work, "test_slope", "markdown")


@case("All tests were deleted.", EVERYTHING)
def tests_deleted(work: Work) -> None:
    work.solve()
    for question in POINTS:
        work.notebook.cells.remove(work.cell_of(f"test_{question}"))


@case("All cells of text and examples were deleted; the answers and tests are left.", EVERYTHING)
def only_answers_left(work: Work) -> None:
    work.solve()
    kept = [name for question in POINTS for name in (question, f"test_{question}")]
    work.notebook.cells = [work.cell_of(name) for name in kept]


@case("An answer's cell was deleted, and the function written in a new one.", EVERYTHING)
def answer_in_a_new_cell(work: Work) -> None:
    work.solve()
    code = work.cell_of("slope").source
    work.add(code, before="slope")
    work.notebook.cells.remove(work.cell_of("slope"))


@case("An answer's cell was cut and pasted, which took its metadata.", EVERYTHING)
def answers_pasted(work: Work) -> None:
    work.solve()
    for question in POINTS:
        work.cell_of(question).metadata = nbformat.NotebookNode()


@case("An answer and its test were deleted.", EVERYTHING | {"slope": 0})
def question_deleted(work: Work) -> None:
    work.solve()
    for name in ("slope", "test_slope"):
        work.notebook.cells.remove(work.cell_of(name))


@case("An answer and the test below it were merged into one cell.", EVERYTHING)
def answer_and_test_in_one_cell(work: Work) -> None:
    work.solve()
    test = work.cell_of("test_slope")
    work.cell_of("slope").source += f"\n\n\n{test.source}"
    work.notebook.cells.remove(test)


# Other notebooks


@case("This is a notebook of another assignment.", row=r"(?i)not .*1-philosophy|assignment")
def another_assignment(work: Work) -> None:
    work.solve()
    for cell in work.notebook.cells:
        cell.metadata.nbgrader.grade_id = f"other_{cell.metadata.nbgrader.grade_id}"
        cell.source = "other = 1" if cell.cell_type == "code" else "Something else."


@case("The other framework's answers; only one question needs no framework.", {"predict_log": 4})
def other_framework(work: Work) -> None:
    other = "tensorflow" if work.framework == "pytorch" else "pytorch"
    answered = Work(work.folder, other)
    answered.solve()
    work.notebook = answered.notebook


@case("An older release, which had no fifth question.", EVERYTHING | {"predict_log": 0})
def older_release(work: Work) -> None:
    work.solve()
    for name in ("predict_log", "test_predict_log"):
        work.notebook.cells.remove(work.cell_of(name))


@case("An older release, which had one question more.", EVERYTHING)
def release_with_one_more_question(work: Work) -> None:
    work.solve()
    for name in ("slope", "test_slope"):
        add_copy(work, name, 2).metadata.nbgrader.grade_id = name.replace("slope", "curvature")
    work.cell_of("curvature").source = "def curvature(x):\n    return 0.0"
    work.cell_of("test_curvature").source = "assert curvature(1.0) == 0.0"


@case("An older release, whose tests said something else.", EVERYTHING)
def older_tests(work: Work) -> None:
    work.solve()
    work.cell_of("test_slope").source = "assert slope(1.0) > 100"
