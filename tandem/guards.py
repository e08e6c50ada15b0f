"""Guards: each looks at one promise of the course and returns a line for every breach."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from tandem.build import HEADING, generated, orphans
from tandem.claims import load_claims
from tandem.course import FRAMEWORKS, graded_bank
from tandem.quiz.model import Bank, load_bank
from tandem.source import Cell, Source, exercises, lessons

# What only one framework has: naming it in the other's notebook is a slip of the author.
FOREIGN = {
    "pytorch": re.compile(
        r"\btf\.|\btensorflow\.|\bkeras\b|GradientTape|ConcreteFunction|get_concrete_function"
        r"|\bKeras\b|AutoGraph|apply_gradients|trainable_variables"
    ),
    "tensorflow": re.compile(
        r"\btorch\b|grad_fn|requires_grad|\.backward\(|zero_grad|next_functions|nn\.Module"
        r"|no_grad|state_dict|AccumulateGrad|retain_graph|Dynamo\b"
    ),
}
HIDDEN = re.compile(r"### (BEGIN|END) (SOLUTION|HIDDEN TESTS)")
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
SECRET = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)
STUB = "raise NotImplementedError"


def check_course(course: Path) -> list[str]:
    """Every finding in the course, as `path: what is wrong and what to do`."""
    all_lessons, all_exercises = lessons(course), exercises(course)
    files = generated(course)
    findings = [*check_stale(course, files)]
    for source in [*all_lessons, *all_exercises]:
        findings += check_structure(source)
        findings += check_foreign(source)
    for lesson in all_lessons:
        findings += check_records(lesson)
        findings += check_objectives(course, lesson)
    for exercise in all_exercises:
        findings += check_exercise(exercise, course)
    findings += check_order(all_lessons)
    findings += check_sections(course, all_lessons)
    findings += check_claims(course, all_lessons)
    return findings


def check_stale(course: Path, files: dict[Path, str]) -> Iterator[str]:
    """Generated files are what their sources make today."""
    for path, text in files.items():
        target = course / path
        if not target.exists():
            yield f"{path}: missing; run `tandem build`"
        elif target.read_text(encoding="utf-8") != text:
            yield f"{path}: stale or edited by hand; edit its source, then run `tandem build`"
    for path in orphans(course, files):
        yield f"{path}: no source makes this; run `tandem build` to remove it"


def check_order(all_lessons: list[Source]) -> Iterator[str]:
    """No two lessons of a question claim the same place."""
    first: dict[tuple[str, int], Path] = {}
    for lesson in all_lessons:
        place = (lesson.folder, lesson.head.order)
        if place in first:
            yield f"{lesson.path}: `order: {lesson.head.order}` is also that of {first[place]}"
        first.setdefault(place, lesson.path)


def check_structure(source: Source) -> Iterator[str]:
    """Headings and graded questions exist in both notebooks, in the same order."""
    for what, found in (("heading", _headings), ("graded cell", _graded)):
        here, there = (found(source.cells_of(framework)) for framework in FRAMEWORKS)
        for item in dict.fromkeys([*here, *there]):
            if (item in here) != (item in there):
                only = FRAMEWORKS["pytorch" if item in here else "tensorflow"]
                yield f"{source.path}: {what} `{item}` exists in the {only} notebook only"
        if sorted(here) == sorted(there) and here != there:
            yield f"{source.path}: {what}s stand in another order in the two notebooks"


def check_foreign(source: Source) -> Iterator[str]:
    """A notebook names the other framework's API only in what is tagged `compare`."""
    for framework in FRAMEWORKS:
        for cell in source.cells_of(framework):
            if "compare" in cell.tags:
                continue
            found = FOREIGN[framework].search(cell.text)
            if found:
                line = cell.line + cell.text[: found.start()].count("\n")
                yield (
                    f"{source.path}:{line}: `{found[0].strip()}` in the {FRAMEWORKS[framework]} "
                    "notebook; tag the cell with one framework, or `compare` if that is meant"
                )


def check_records(lesson: Source) -> Iterator[str]:
    """Both notebooks record the same names, and every parity name is recorded."""
    names = {f: set(_calls(lesson.cells_of(f), "record")) for f in FRAMEWORKS}
    for name in sorted(names["pytorch"] ^ names["tensorflow"]):
        only = FRAMEWORKS["pytorch" if name in names["pytorch"] else "tensorflow"]
        yield f"{lesson.path}: `{name}` is recorded in the {only} notebook only"
    for name in sorted(set(lesson.head.parity) - set.union(*names.values())):
        yield f"{lesson.path}: parity names `{name}`, which no cell records"


def check_objectives(course: Path, lesson: Source) -> Iterator[str]:
    """Every objective has a section that teaches it and a quiz item or question that checks it."""
    headings = _headings(lesson.cells)
    bank = _bank(course, lesson)
    items = {item.id for item in bank.items} if bank else set()
    exercise = course / "solutions" / lesson.folder / "exercise.md"
    checks = set(re.findall(r"tandem\.check\(\"(\w+)\"", _read(exercise)))
    known = {f"quiz:{item}" for item in items} | {f"exercise:{name}" for name in checks}
    for objective in lesson.head.objectives:
        where = f"{lesson.path}: objective `{objective.id}`"
        if objective.section not in headings:
            yield f"{where}: no heading is called `{objective.section}`"
        for reference in objective.checked_by:
            if reference not in known:
                yield f"{where}: nothing is called `{reference}`"


def check_exercise(exercise: Source, course: Path) -> Iterator[str]:
    """Student versions hold no solution, hidden test or source; stubs parse and say what to do."""
    for framework in FRAMEWORKS:
        path = Path("exercises", exercise.folder, f"{framework}.ipynb")
        if not (course / path).exists():
            continue  # check_stale says so
        released = json.loads((course / path).read_text(encoding="utf-8"))["cells"]
        by_id = {_grade_id(cell): cell for cell in released}
        text = "\n".join("".join(cell["source"]) for cell in released)
        for cell in exercise.cells_of(framework):
            yield from _leaks(path, cell, text)
            if cell.role == "solution" and cell.kind == "code":
                yield from _stub(path, cell, by_id.get(cell.name))
        for cell in released:
            yield from _metadata(path, cell)
    bank = graded_bank(course, exercise.folder)
    graded = {"quiz.ipynb", "quiz.json"} if bank.exists() else set()
    for name in sorted(graded):
        yield from _tells(Path("exercises", exercise.folder, name), course, load_bank(bank))
    extra = sorted(p.name for p in (course / "exercises" / exercise.folder).glob("*"))
    for name in extra:
        wanted = {f"{f}.ipynb" for f in FRAMEWORKS} | graded
        if name not in wanted and not name.startswith("."):
            yield f"exercises/{exercise.folder}/{name}: students would get this file; remove it"


def _tells(path: Path, course: Path, bank: Bank) -> Iterator[str]:
    """What students get of a graded quiz says nothing of its key: no reason, hint or check."""
    text = _read(course / path).replace("\\n", "\n").replace('\\"', '"')
    for item in bank.items:
        entries = [*(getattr(item, "options", None) or []), *getattr(item, "wrong", [])]
        entries += getattr(item, "lines", [])
        secrets = [item.explanation, *item.hints, *(entry.feedback or "" for entry in entries)]
        secrets += [
            line
            for check in (item.check.programs if item.check else {}).values()
            for line in check.splitlines()
            if "answer" in line
        ]
        if any(secret and secret.strip() in text for secret in secrets):
            yield f"{path}: a reason, hint or check of item `{item.id}` is in it"


def check_sections(course: Path, all_lessons: list[Source]) -> Iterator[str]:
    """Every `lesson#Heading` that a quiz item names exists."""
    headings = {lesson.name: _headings(lesson.cells) for lesson in all_lessons}
    for folder in sorted({lesson.folder for lesson in all_lessons}):
        path = Path("lessons", folder, "quiz.yml")
        if not (course / path).exists():
            continue
        for item in load_bank(course / path).items:
            lesson, _, heading = (item.section or "").partition("#")
            if heading not in headings.get(lesson, []):
                yield f"{path}: item `{item.id}`: no section is called `{item.section}`"


def check_claims(course: Path, all_lessons: list[Source]) -> Iterator[str]:
    """Claims that lessons name are in the ledger, and each row of a built question is tested."""
    claims = {claim.id: claim for claim in load_claims(course / "lessons" / "claims.yml")}
    for lesson in all_lessons:
        for name in lesson.head.claims:
            if name not in claims:
                yield f"{lesson.path}: claim `{name}` is not in lessons/claims.yml"
    known = {f"{lesson.name}#{h}" for lesson in all_lessons for h in _headings(lesson.cells)}
    for lesson in all_lessons:
        bank = _bank(course, lesson)
        known |= {f"quiz:{item.id}" for item in bank.items} if bank else set()
    built = {lesson.head.question for lesson in all_lessons}
    for claim in claims.values():
        for reference in claim.tested_by:
            if claim.question in built and reference not in known:
                yield f"lessons/claims.yml: claim `{claim.id}`: nothing is called `{reference}`"


def _leaks(path: Path, cell: Cell, released: str) -> Iterator[str]:
    for pattern, what in ((SOLUTION, "solution"), (SECRET, "hidden test")):
        visible = pattern.sub("", cell.text)
        for region in pattern.findall(cell.text):
            for line in filter(_telling, map(str.strip, region.splitlines())):
                if line in released and line not in visible:
                    yield f"{path}: a line of the {what} `{cell.name}` is in it: {line}"
    if HIDDEN.search(released):
        yield f"{path}: a solution or hidden-test marker is in it"


def _telling(line: str) -> bool:
    """Lines that would give something away: neither short, nor a comment, nor a bare import."""
    return len(line) > 12 and not line.startswith(("#", "import ", "from "))


def _stub(path: Path, cell: Cell, released: dict | None) -> Iterator[str]:
    if released is None:
        yield f"{path}: the cell `{cell.name}` is missing"
        return
    stub = "".join(released["source"])
    try:
        ast.parse(stub)
    except SyntaxError as error:
        yield f"{path}: the stub `{cell.name}` does not parse: {error.msg}, line {error.lineno}"
    if STUB not in stub:
        yield f"{path}: the stub `{cell.name}` does not raise NotImplementedError"
    solution = {line.strip() for line in cell.text.splitlines()}
    for line in stub.splitlines():
        if line.strip() not in solution and STUB not in line:
            yield f"{path}: the stub `{cell.name}` has a line its solution lacks: {line.strip()}"


def _metadata(path: Path, cell: dict) -> Iterator[str]:
    meta = cell["metadata"].get("nbgrader")
    if not meta or meta.get("schema_version") != 3 or not meta.get("grade_id"):
        yield f"{path}: cell `{cell.get('id')}` lacks nbgrader metadata of version 3"
    elif meta["grade"] and not meta.get("points"):
        yield f"{path}: graded cell `{meta['grade_id']}` has no points"


def _headings(cells: list[Cell]) -> list[str]:
    text = "\n".join(cell.text for cell in cells if cell.kind == "markdown")
    return HEADING.findall(text)


def _graded(cells: list[Cell]) -> list[str]:
    return [cell.name for cell in cells if cell.role]


def _calls(cells: list[Cell], function: str) -> list[str]:
    text = "\n".join(cell.text for cell in cells if cell.kind == "code")
    return re.findall(rf"tandem\.{function}\(\s*[\"'](\w+)[\"']", text)


def _bank(course: Path, lesson: Source) -> Bank | None:
    path = course / lesson.path.with_name("quiz.yml")
    return load_bank(path) if path.exists() else None


def _grade_id(cell: dict) -> str | None:
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
