"""A student's folder -> a clean notebook to run, or the reason why there is none.

Of what was handed in only the text of cells is taken. Tests, locked cells, points and all metadata
come from the released version, so that nothing a student wrote there counts. Nothing in the
folder is changed, and no link in it is followed.
"""

import fnmatch
import html
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import compute_checksum, parse_utc

from autograder.release import Release, SourceCell

MAX_NOTEBOOK = 64 * 2**20  # bytes of a notebook file
MAX_CELLS = 2_000
MAX_SOURCE = 4 * 2**20  # characters of all cells
MAX_FILES = 500  # files beside the notebooks, and their bytes:
MAX_BYTES = 64 * 2**20
MAX_DEPTH = 20  # folders in folders
COPY = re.compile(r"(?: ?\(\d+\)| - Copy|-Copy\d*|_copy\d*)$", re.IGNORECASE)
ENCODINGS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
CONFLICT = re.compile(rb"^(<<<<<<<|>>>>>>>) ", re.MULTILINE)
DAY = re.compile(r"\d{4}-\d\d-\d\d\b")
GONE = "# This cell was missing from what was handed in."


class Unreadable(Exception):
    """The notebook cannot be graded; the message says why, to student and instructor."""


@dataclass(frozen=True)
class Submission:
    """What a student handed in: a path for each notebook that is there, and notes on oddities.

    `refused` says why there is no path for a notebook that may be there.
    """

    student: str
    assignment: str
    folder: Path
    notebooks: dict[str, Path]
    refused: dict[str, str] = field(default_factory=dict)
    timestamp: datetime | None = None
    notes: tuple[str, ...] = ()


def find(folder: Path, student: str, assignment: str, names: Iterable[str]) -> Submission:
    """Look at a student's folder for the notebooks of these names.

    A copy of the right name, such as "pytorch (1).ipynb", stands in when it is the only one. Raises
    Unreadable when the folder itself is a link or none.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise Unreadable("what was handed in is a link" if folder.is_symlink() else "no folder")
    entries = sorted(entry.name for entry in os.scandir(folder))
    here = [name for name in entries if name.lower().endswith(".ipynb")]
    notebooks, refused, notes = {}, {}, []
    for name in names:
        exact = f"{name}.ipynb"
        alike = [other for other in here if _bare(other) == name.lower()]
        if exact in here:
            notebooks[name] = folder / exact
        elif len(alike) == 1:
            notebooks[name] = folder / alike[0]
            notes.append(f"{alike[0]!r} was taken for {exact}")
        elif alike:
            refused[name] = f"several files could be {exact}: {', '.join(map(repr, alike))}"
    taken = {path.name for path in notebooks.values()}
    doubtful = {name.lower() for name in refused}
    left = [file for file in here if file not in taken and _bare(file) not in doubtful]
    known = {name.lower(): name for name in notebooks}
    for file in left:
        if name := known.get(_bare(file)):
            notes.append(f"{file!r} was left out: {notebooks[name].name!r} was taken")
    extra = [file for file in left if _bare(file) not in known]
    if extra:
        unknown = ", ".join(map(repr, extra))
        for name in names:
            if name not in notebooks and name not in refused:
                refused[name] = f"there is no {name}.ipynb, but {unknown}: is it one of them?"
        notes.append(f"no notebook of the assignment has this name: {unknown}")
    timestamp = None
    try:
        timestamp = _timestamp(folder / "timestamp.txt")
    except (ValueError, OverflowError, OSError, Unreadable):
        notes.append("timestamp.txt cannot be read, so nothing is late: write 2026-12-31 18:00 UTC")
    return Submission(student, assignment, folder, notebooks, refused, timestamp, tuple(notes))


def _bare(file_name: str) -> str:
    """ "Pytorch (1).ipynb" -> "pytorch"."""
    return COPY.sub("", file_name[: -len(".ipynb")]).strip().lower()


def _timestamp(file: Path) -> datetime | None:
    if not os.path.lexists(file):
        return None
    text = _read_file(file, 1000).decode("utf-8").strip()
    if not text:
        return None
    if not DAY.match(text):  # nbgrader would guess whether day or month comes first
        raise ValueError
    return parse_utc(text)


def read(file: Path) -> NotebookNode:
    """The cells of a notebook file, in nbformat 4; raises Unreadable with the reason."""
    data = _read_file(file, MAX_NOTEBOOK)
    if not data.strip():
        raise Unreadable("the file is empty")
    try:
        found = bare(json.loads(_decode(data)))
    except RecursionError:
        raise Unreadable("its JSON is nested too deep") from None
    except ValueError as error:
        marks = "; it has the marks of an unfinished merge" if CONFLICT.search(data) else ""
        raise Unreadable(f"it is not JSON: {str(error)[:100]}{marks}") from None
    if not found.cells:
        raise Unreadable("it has no cells")
    return found


def _read_file(file: Path, most: int) -> bytes:
    """Content of a regular file of at most `most` bytes; a link is not followed."""
    try:
        opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        why = "it is a link" if os.path.islink(file) else os.strerror(error.errno).lower()
        raise Unreadable(f"the file cannot be read: {why}") from None
    try:
        info = os.fstat(opened)
        if not stat.S_ISREG(info.st_mode):
            kind = "a folder" if stat.S_ISDIR(info.st_mode) else "no ordinary file"
            raise Unreadable(f"it is {kind}")
        if info.st_size > most:
            raise Unreadable(f"it has {info.st_size / 2**20:.0f} MB, more than {most >> 20} MB")
        with open(opened, "rb", closefd=False) as stream:
            return stream.read(most)
    finally:
        os.close(opened)


def _decode(data: bytes) -> str:
    encoding = next((name for mark, name in ENCODINGS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable(f"its text is not {encoding[:5].upper()}") from None


def bare(content: object) -> NotebookNode:
    """A notebook of bare cells: their types and text, and the grade_id that each claims.

    Raises Unreadable for what is no notebook.
    """
    if not isinstance(content, dict) or "nbformat" not in content:
        raise Unreadable("it is JSON, but not a notebook")
    version = content["nbformat"]
    if version == 3:
        try:
            content = nbformat.reads(json.dumps(content), 4)
        except Exception as error:
            said = str(error)[:100]  # may hold anything that the student wrote
            raise Unreadable(f"it is an old notebook that cannot be read: {said!r}") from None
    elif version != 4:
        raise Unreadable(f"its format is {repr(version)[:60]}, and only 3 and 4 are known")
    found = content.get("cells")
    if not isinstance(found, list):
        raise Unreadable("it has no cells")
    if len(found) > MAX_CELLS:
        raise Unreadable(f"it has {len(found)} cells, more than {MAX_CELLS}")
    cells = [_cell(item) for item in found if isinstance(item, dict)]
    if sum(len(cell.source) for cell in cells) > MAX_SOURCE:
        raise Unreadable("its cells hold more text than a notebook may")
    return NotebookNode(cells=cells, foreign_kernel=foreign_kernel(content.get("metadata")))


def foreign_kernel(metadata: object) -> str:
    """Name of the kernel that a notebook's metadata ask for, "" when that is Python or none."""
    spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    if not isinstance(spec, dict):
        return ""
    name, language = (str(spec.get(key, "")) for key in ("name", "language"))
    python = name.startswith("python") or language.lower() == "python" or not name
    return "" if python else name


def _cell(item: dict) -> NotebookNode:
    source, kind = item.get("source", ""), item.get("cell_type")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    source = source if isinstance(source, str) else ""
    source = source.replace("\r\n", "\n").encode("utf-8", "replace").decode()
    kind = kind if kind in ("code", "markdown") else "raw"
    return NotebookNode(cell_type=kind, source=source, name=_claimed_name(item))


def _claimed_name(item: dict) -> str:
    metadata = item.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return name if isinstance(name, str) else ""


def clean(found: NotebookNode, release: Release) -> NotebookNode:
    """The released notebook with the student's answers and the cells they added.

    A graded cell is known by its grade_id; of several copies the last one above its test counts.
    What was deleted is put back. The student's order is kept when every cell is there once and no
    test stands above its answer; else graded cells stand in the order of the release, each
    followed by the student's own cells that followed it. Raises Unreadable for a notebook of
    another assignment.
    """
    names = [cell.name for cell in found.cells if cell.name]
    places = {cell.name: _place(cell, found, release) for cell in release.cells}
    if names and not places.keys() & set(names):
        raise Unreadable(
            f"it is not {release.notebook}.ipynb of {release.assignment}: none of its graded cells "
            f"is known (the first is {names[0][:60]!r})"
        )
    if found.foreign_kernel and not json.loads(release.kernelspec):
        raise Unreadable(f"its kernel is {found.foreign_kernel[:60]!r}, not Python")
    if _is_whole_and_in_order(names, release):
        return _notebook([_own_or_graded(cell, release) for cell in found.cells], release)
    own: list[NotebookNode] = []
    parts: dict[str, list[NotebookNode]] = {"": own}
    for number, cell in enumerate(found.cells):
        if places.get(cell.name) == number:
            own = parts[cell.name] = [cell]
        else:
            own.append(cell)
    cells = [_extra(cell) for cell in parts[""]]
    for source in release.cells:
        answer, *extra = parts.get(source.name, [None])
        cells.append(_graded(source, answer))
        cells += [_extra(cell) for cell in extra]
    return _notebook(cells, release)


def _is_whole_and_in_order(names: list[str], release: Release) -> bool:
    """Whether `names` are the released cells, each once, and each test is below its answer."""
    known = [name for name in names if any(cell.name == name for cell in release.cells)]
    if len(known) != len(release.cells) or len(set(known)) != len(known):
        return False
    answer = ""
    for cell in release.cells:
        if cell.solution:
            answer = cell.name
        elif cell.grade and answer and known.index(cell.name) < known.index(answer):
            return False
    return True


def _own_or_graded(cell: NotebookNode, release: Release) -> NotebookNode:
    source = next((source for source in release.cells if source.name == cell.name), None)
    return _extra(cell) if source is None else _graded(source, cell)


def _place(source: SourceCell, found: NotebookNode, release: Release) -> int | None:
    """Where the copy of a released cell that counts stands; None when there is none."""
    copies = [number for number, cell in enumerate(found.cells) if cell.name == source.name]
    later = release.cells[release.cells.index(source) + 1 :]
    test = next((cell.name for cell in later if cell.grade and not cell.solution), None)
    tests = [number for number, cell in enumerate(found.cells) if cell.name == test]
    above = [number for number in copies if tests and number < tests[0]]
    return (above or copies or [None])[-1]


def _extra(cell: NotebookNode) -> NotebookNode:
    """A cell of the student's own."""
    return _new(cell.cell_type, cell.source)


def _graded(source: SourceCell, answer: NotebookNode | None) -> NotebookNode:
    """A cell of the release; only a solution or a task takes the student's text."""
    if source.solution or source.task:
        gone = GONE if source.cell_type == "code" and not source.grade else source.source
        text = gone if answer is None else answer.source
    else:
        text = source.source
    cell = _new(source.cell_type, text)
    cell.metadata.nbgrader = NotebookNode(
        schema_version=3,
        grade_id=source.name,
        cell_type=source.cell_type,
        grade=source.grade,
        solution=source.solution,
        task=source.task,
        locked=source.locked,
        checksum=source.checksum,
    )
    if source.grade or source.task:
        cell.metadata.nbgrader.points = source.points
        cell.metadata.deletable = False
    return cell


def _new(kind: str, source: str) -> NotebookNode:
    """What nbformat's own new_code_cell and so on make, without validating each cell alone."""
    cell = NotebookNode(cell_type=kind, source=source, metadata=NotebookNode())
    return NotebookNode(**cell, execution_count=None, outputs=[]) if kind == "code" else cell


def _notebook(cells: list[NotebookNode], release: Release) -> NotebookNode:
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    default = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {
        "kernelspec": json.loads(release.kernelspec) or default,
        "language_info": {"name": "python"},
    }
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def refusal(reason: str, release: Release) -> NotebookNode:
    """What stands in the place of a notebook that could not be graded: the reason, no answers."""
    notebook = clean(NotebookNode(cells=[], foreign_kernel=""), release)
    said = f"**This notebook could not be graded: {html.escape(reason)}.**"
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell(said, id="reason"))
    return notebook


def unanswered(notebook: NotebookNode) -> frozenset[str]:
    """Names of the solution cells that still hold the stub."""
    cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    return frozenset(
        cell.metadata.nbgrader.grade_id
        for cell in cells
        if cell.source == GONE or compute_checksum(cell) == cell.metadata.nbgrader.checksum
    )


def files(folder: Path, ignore: Iterable[str]) -> tuple[dict[str, bytes], list[str]]:
    """The files beside the notebooks by relative path, and notes.

    Links, notebooks and what lies deeper than MAX_DEPTH folders are left out.
    """
    found: dict[str, bytes] = {}
    notes: list[str] = []
    size = 0
    for path in _walk(folder, tuple(ignore)):
        name = path.relative_to(folder).as_posix()
        try:
            content = _read_file(path, MAX_BYTES)
            name.encode()
        except (Unreadable, UnicodeError) as error:
            notes.append(f"{name!r} was left out: {error}")
            continue
        size += len(content)
        if len(found) >= MAX_FILES or size > MAX_BYTES:
            notes.append(f"only {len(found)} of the files beside the notebooks were taken")
            break
        found[name] = content
    return found, notes


def _walk(folder: Path, ignore: tuple[str, ...]) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        if len(Path(here).relative_to(folder).parts) >= MAX_DEPTH:
            folders.clear()
        folders[:] = sorted(name for name in folders if not _ignored(name, ignore))
        for name in sorted(names):
            if not name.endswith(".ipynb") and not _ignored(name, ignore):
                yield Path(here, name)


def _ignored(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
