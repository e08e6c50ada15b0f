"""Sources -> every generated file of the course, the same to the byte each time."""

import json
import logging
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tandem.course import FRAMEWORKS, CourseError, graded_bank, questions, write_atomically
from tandem.quiz.asked import asked_bank
from tandem.quiz.build import graded_notebook, quiz_notebook
from tandem.quiz.model import load_bank
from tandem.source import Cell, Source, exercises, lessons

HEADING = re.compile(r"^#{2,6} +(.+?) *$", re.MULTILINE)
README_TABLE = re.compile(r"(<!-- lessons -->\n).*?(<!-- /lessons -->)", re.DOTALL)


def generated(course: Path) -> dict[Path, str]:
    """Text of every generated file, by its path in the course; nothing is written."""
    found_lessons, found_exercises = lessons(course), exercises(course)
    files: dict[Path, str] = {
        Path("lessons/home.ipynb"): _text(home_notebook()),
        Path("lessons/progress.ipynb"): _text(progress_notebook()),
    }
    for lesson in found_lessons:
        following = _following(lesson, found_lessons)
        for framework in FRAMEWORKS:
            notebook = lesson_notebook(lesson, framework, course, following)
            files[lesson_path(lesson, framework)] = _text(notebook)
        files[workspace_path(lesson)] = _workspace(lesson)
    with_exercise = {exercise.folder for exercise in found_exercises}
    for question in questions(course):
        bank = Path("lessons", question, "quiz.yml")
        if (course / bank).exists():
            files[bank.with_suffix(".ipynb")] = _text(
                quiz_notebook(load_bank(course / bank), str(bank), question in with_exercise)
            )
    for exercise in found_exercises:
        sources = {f: _text(exercise_notebook(exercise, f, found_lessons)) for f in FRAMEWORKS}
        bank = graded_bank(course, exercise.folder)
        if bank.exists():
            quiz = load_bank(bank)
            sources["quiz"] = _text(graded_notebook(quiz, str(bank.relative_to(course))))
            asked = asked_bank(quiz).model_dump_json(indent=1, exclude_defaults=True) + "\n"
            for folder in ("solutions", "exercises"):  # nbgrader releases what lies in the first
                files[Path(folder, exercise.folder, "quiz.json")] = asked
        for name, text in sources.items():
            files[Path("solutions", exercise.folder, f"{name}.ipynb")] = text
        for name, text in released(course, exercise.folder, sources).items():
            files[Path("exercises", exercise.folder, f"{name}.ipynb")] = text
    files[Path("README.md")] = _readme(course, found_lessons)
    return files


def build(course: Path) -> list[str]:
    """Write what differs from `generated`, remove what no source makes; returns what changed."""
    files = generated(course)
    changed = []
    for path, text in files.items():
        target = course / path
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            write_atomically(target, text)
            changed.append(f"wrote {path}")
    for path in orphans(course, files):
        (course / path).unlink()
        changed.append(f"removed {path}: it has no source any more")
    return changed


def orphans(course: Path, files: dict[Path, str]) -> list[Path]:
    """Generated notebooks and workspaces on disk that no source makes."""
    patterns = ["lessons/**/*.ipynb", "lessons/**/*.jupyterlab-workspace"]
    patterns += [
        f"{folder}/*/{name}"
        for folder in ("solutions", "exercises")
        for name in ("*.ipynb", "quiz.json")
    ]
    on_disk = {file.relative_to(course) for pattern in patterns for file in course.glob(pattern)}
    return sorted(p for p in on_disk - set(files) if ".ipynb_checkpoints" not in p.parts)


# Lessons


def lesson_path(lesson: Source, framework: str) -> Path:
    """lessons/1-philosophy/eager_graphs.pytorch.ipynb"""
    return lesson.path.with_name(f"{lesson.name}.{framework}.ipynb")


def workspace_path(lesson: Source) -> Path:
    """lessons/1-philosophy/eager_graphs.jupyterlab-workspace"""
    return lesson.path.with_suffix(".jupyterlab-workspace")


def lesson_notebook(
    lesson: Source, framework: str, course: Path, following: Source | None
) -> NotebookNode:
    """One framework's notebook of a lesson, without outputs; `following` is the next lesson."""
    cells = [
        new_markdown_cell(_lesson_title(lesson, framework), id="title"),
        new_code_cell(_begin(lesson.key, framework), id="begin"),
        *_body(lesson.cells_of(framework)),
        new_markdown_cell(_lesson_end(lesson, framework, course, following), id="end"),
    ]
    return _notebook(cells, lesson)


def _lesson_title(lesson: Source, framework: str) -> str:
    head, partner = lesson.head, _partner(framework)
    objectives = "\n".join(f"- {objective.text}" for objective in head.objectives)
    return f"""{_note(str(lesson.path))}
# {head.title} · {FRAMEWORKS[framework]}

Question {head.question} of 6 · about {head.minutes} minutes ·
[the same in {FRAMEWORKS[partner]}]({lesson.name}.{partner}.ipynb) ·
[both side by side]({workspace_path(lesson).name}) ·
[home](../home.ipynb)

You need: {", ".join(head.prerequisites)}.

After this lesson you can:

{objectives}"""


def _following(lesson: Source, all_lessons: list[Source]) -> Source | None:
    """The next lesson of the same question, or None after its last one."""
    later = [other for other in all_lessons if other.head.order > lesson.head.order]
    return next((other for other in later if other.folder == lesson.folder), None)


def _lesson_end(lesson: Source, framework: str, course: Path, following: Source | None) -> str:
    partner = _partner(framework)
    links = [f"[the same lesson in {FRAMEWORKS[partner]}]({lesson.name}.{partner}.ipynb)"]
    if following:
        link = f"{following.name}.{framework}.ipynb"
        links.append(f"[the next lesson: {following.head.title}]({link})")
    if (course / lesson.path.with_name("quiz.yml")).exists():
        links.append(f"[the quiz of question {lesson.head.question}](quiz.ipynb)")
    if (course / "solutions" / lesson.folder / "exercise.md").exists():
        links.append(f"[the exercise](../../exercises/{lesson.folder}/{framework}.ipynb)")
    links.append("[home](../home.ipynb)")
    return "---\n\n**Go on with** " + " · ".join(links)


def _workspace(lesson: Source) -> str:
    """A JupyterLab workspace that opens the pair side by side; its links work at any base URL."""
    widgets = [f"notebook:{lesson_path(lesson, framework)}" for framework in FRAMEWORKS]
    areas = [{"type": "tab-area", "currentIndex": 0, "widgets": [widget]} for widget in widgets]
    dock = {"type": "split-area", "orientation": "horizontal", "sizes": [0.5, 0.5]}
    data = {
        "layout-restorer:data": {
            "main": {
                "mode": "multiple-document",
                "dock": {**dock, "children": areas},
                "current": widgets[0],
            },
            "left": {"collapsed": True, "visible": True, "widgets": []},
            "right": {"collapsed": True, "visible": True, "widgets": []},
        }
    }
    for widget in widgets:
        path = widget.removeprefix("notebook:")
        data[widget] = {"data": {"path": path, "factory": "Notebook"}}
    workspace = {"data": data, "metadata": {"id": f"{lesson.folder}-{lesson.name}"}}
    return json.dumps(workspace, indent=1) + "\n"


# Exercises


def exercise_notebook(exercise: Source, framework: str, all_lessons: list[Source]) -> NotebookNode:
    """nbgrader's source version: solutions, visible checks and hidden tests, metadata v3."""
    title = new_markdown_cell(_exercise_title(exercise, framework, all_lessons), id="title")
    begin = new_code_cell(_begin(exercise.key, framework), id="begin")
    cells = [title, begin, *_body(exercise.cells_of(framework))]
    for cell, source in zip(cells, [None, None, *exercise.cells_of(framework)], strict=True):
        cell.metadata["nbgrader"] = _nbgrader(cell, source)
    return _notebook(cells, exercise)


def _exercise_title(exercise: Source, framework: str, all_lessons: list[Source]) -> str:
    head, partner = exercise.head, _partner(framework)
    taught = [lesson for lesson in all_lessons if lesson.folder == exercise.folder]
    links = ", ".join(
        f"[{lesson.head.title}](../../{lesson_path(lesson, framework)})" for lesson in taught
    )
    return f"""{_note(str(exercise.path))}
# {head.title} · {FRAMEWORKS[framework]}

Exercise of question {head.question} · about {head.minutes} minutes · lessons: {links} ·
[the same exercise in {FRAMEWORKS[partner]}]({partner}.ipynb) · [home](../../lessons/home.ipynb)"""


def _nbgrader(cell: NotebookNode, source: Cell | None) -> dict:
    role = source.role if source else None
    meta = {
        "grade": role in ("test", "manual"),
        "grade_id": source.name if role else f"read_{cell.id.replace('-', '_')}",
        "locked": role in (None, "test"),
        "schema_version": 3,
        "solution": role in ("solution", "manual"),
        "task": False,
    }
    if source and source.points is not None:
        meta["points"] = source.points
    return meta


def released(course: Path, assignment: str, sources: dict[str, str]) -> dict[str, str]:
    """Student versions made by nbgrader's own generate_assignment, without touching a gradebook."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import PyFileConfigLoader

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source", assignment)
        source.mkdir(parents=True)
        for framework, text in sources.items():
            (source / f"{framework}.ipynb").write_text(text, encoding="utf-8")
        config = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
        config.CourseDirectory.update(
            root=folder, source_directory="source", release_directory="release"
        )
        config.CourseDirectory.assignment_id = assignment
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
        log = logging.getLogger("tandem.released")
        log.setLevel(logging.CRITICAL)
        converter = GenerateAssignment(
            coursedir=CourseDirectory(config=config), config=config, parent=None, log=log
        )
        try:
            converter.start()
        except NbGraderException as error:
            raise CourseError(
                f"solutions/{assignment}: nbgrader could not release it: {error}"
            ) from None
        release = Path(folder, "release", assignment)
        return {f: (release / f"{f}.ipynb").read_text(encoding="utf-8") for f in sources}


# Home and README


def home_notebook() -> NotebookNode:
    """The page that opens first; `tandem start` fills in its output, running the cell renews it."""
    text = """# Tandem: PyTorch and TensorFlow, side by side

Each lesson comes twice, once for each framework, with the same data and the same numbers. Read
one, or open both side by side. Then take the quiz and do the exercise. The minutes are for one
framework; the second goes faster.

After working, renew this page: click the cell below and press Shift+Enter."""
    cells = [
        new_markdown_cell(text, id="title"),
        new_code_cell("import tandem\n\ntandem.show_home()", id="home"),
    ]
    return _notebook(cells)


def progress_notebook() -> NotebookNode:
    """The page of all that the learner's file holds."""
    text = """# Your progress

Run the cell below (click it, then press Shift+Enter) to see what you have recorded, answered and
passed so far. [home](home.ipynb)

All of it is in one file on this machine. On Binder the machine is gone soon after you stop working:
save your progress to a file with the button below the page, download that file, and load it next
time."""
    cells = [
        new_markdown_cell(text, id="title"),
        new_code_cell("import tandem\n\ntandem.show_progress()", id="progress"),
    ]
    return _notebook(cells)


def _readme(course: Path, all_lessons: list[Source]) -> str:
    rows = ["| question | lesson | minutes | open |", "|---|---|---|---|"]
    for lesson in all_lessons:
        links = " · ".join(f"[{FRAMEWORKS[f]}]({lesson_path(lesson, f)})" for f in FRAMEWORKS)
        rows.append(
            f"| {lesson.folder} | {lesson.head.title}: {lesson.head.summary} "
            f"| {lesson.head.minutes} | {links} |"
        )
    text = (course / "README.md").read_text(encoding="utf-8")
    if not README_TABLE.search(text):
        raise CourseError("README.md has lost its `<!-- lessons -->` … `<!-- /lessons -->` markers")
    table = "\n".join(rows)
    return README_TABLE.sub(lambda m: f"{m[1]}{table}\n{m[2]}", text)


# What all notebooks share


def _notebook(cells: list[NotebookNode], source: Source | None = None) -> NotebookNode:
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    if source:
        head = source.head.model_dump(include={"title", "question", "order", "minutes", "summary"})
        metadata["tandem"] = {"source": str(source.path), "key": source.key, **head}
    return new_notebook(cells=cells, metadata=metadata)


def _text(notebook: NotebookNode) -> str:
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def _note(source: str) -> str:
    return f"<!-- generated from {source}; edit that file, then run `tandem build` -->"


def _begin(key: str, framework: str) -> str:
    return f'import tandem\n\ntandem.begin("{key}", "{framework}")'


def _partner(framework: str) -> str:
    return next(other for other in FRAMEWORKS if other != framework)


def _body(cells: list[Cell]) -> Iterator[NotebookNode]:
    for cell, cell_id in zip(cells, _cell_ids(cells), strict=True):
        if cell.kind == "markdown":
            yield new_markdown_cell(cell.text, id=cell_id)
        else:
            tags = sorted(cell.tags & {"raises-exception", "warns", "compare"})
            metadata = {"tags": tags} if tags else {}
            yield new_code_cell(cell.text, id=cell_id, metadata=metadata)


def _cell_ids(cells: list[Cell]) -> Iterator[str]:
    """Ids that stay when other sections change: the cell's name, or its section and place there."""
    section, place = "start", 0
    taken: set[str] = set()
    for cell in cells:
        headings = HEADING.findall(cell.text) if cell.kind == "markdown" else []
        if headings:
            section, place = _slug(headings[-1]), 0
        place += 1
        wanted = cell.name.replace("_", "-") if cell.name else f"{section}-{place}"
        while wanted in taken:
            wanted += "-x"
        taken.add(wanted)
        yield wanted


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48] or "section"
