"""The `autograder` command: a thin skin for instructors."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from tandem.course import CourseError, checkout, write_atomically

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Grade a class of the course.",
    pretty_exceptions_enable=False,
)
quiz_app = typer.Typer(no_args_is_help=True, help="Practice quizzes: export them, see how they do.")
app.add_typer(quiz_app, name="quiz")
console = Console()
errors = Console(stderr=True)

Course = Annotated[
    Path | None, typer.Option(help="folder with nbgrader_config.py; without it this checkout")
]
QuizName = Annotated[str, typer.Argument(metavar="QUIZ", help="its name, such as 1-philosophy")]
Folder = Annotated[Path, typer.Argument(help="the learners' files (*.json), in it and below")]


@app.command(epilog="Example: autograder grade 1-philosophy --jobs 2")
def grade(
    assignments: Annotated[
        list[str] | None,
        typer.Argument(help="names of assignments; all of them when none is named"),
    ] = None,
    course: Course = None,
    student: Annotated[list[str] | None, typer.Option(help="only this student; repeatable")] = None,
    jobs: Annotated[int, typer.Option(min=0, help="notebooks at a time; 0: one for each core")] = 0,
    force: Annotated[bool, typer.Option("--force", help="grade again what is graded")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the rows as JSON")] = False,
    engine: Annotated[str, typer.Option(help="local or dask")] = "local",
    scheduler: Annotated[str, typer.Option(help="address of the Dask scheduler: tcp://…")] = "",
    tier: Annotated[str, typer.Option(help="A, B or C: this tier or none")] = "",
    cell_seconds: Annotated[
        float | None, typer.Option(min=0.1, help="longest time of a cell; else by the solution's")
    ] = None,
    allow_unconfined: Annotated[
        bool, typer.Option("--allow-unconfined", help="run student code with your own rights")
    ] = False,
) -> None:
    """Grade what was handed in: run, judge, write the gradebook and autograded/.

    What is graded already is left alone, so that after an interruption the same command goes on.
    Exit status 0: all graded; 1: some work needs a look; 2: nothing could be done.
    """
    from autograder import session

    rows = session.grade(
        course or checkout(),
        assignments or [],
        students=student or [],
        slots=jobs,
        force=force,
        engine=engine,
        scheduler=scheduler,
        tier_name=tier,
        cell_s=cell_seconds,
        allow_unconfined=allow_unconfined,
        console=errors if as_json else console,
    )
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    if any(row.reason for row in rows):
        raise typer.Exit(1)


@app.command(epilog="Example: autograder doctor")
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="the findings as JSON")] = False,
) -> None:
    """Try what a hostile notebook would try, in every tier; say what this machine can promise."""
    from autograder.confine.doctor import choose
    from autograder.report import doctor_table

    chosen, tried = choose()
    if as_json:
        found = {name: [asdict(f) for f in findings] for name, findings in tried.items()}
        print(json.dumps({"tier": chosen and chosen.name, "tried": found}, indent=1))
    else:
        console.print(doctor_table(chosen, tried))
    if chosen is None:
        raise typer.Exit(1)


@app.command(epilog="Example: autograder feedback 1-philosophy")
def feedback(
    assignment: Annotated[str, typer.Argument(help="name of the assignment")],
    course: Course = None,
) -> None:
    """Write a feedback page for each graded notebook, anew each time, as nbgrader does."""
    from autograder.classroom import Classroom
    from autograder.gradebook import Gradebook

    classroom = Classroom.open(course or checkout())
    with Gradebook(classroom.db_url, classroom.course_id) as gradebook:
        gradebook.releases(assignment)  # raises for one that was never released
    if not list(classroom.autograded("x", assignment).parent.parent.glob(f"*/{assignment}")):
        raise CourseError(f"nothing of {assignment} is graded yet: autograder grade {assignment}")
    classroom.run("generate_feedback", assignment, "--force")
    console.print(f"feedback pages: {classroom.feedback}", soft_wrap=True, highlight=False)


@app.command(epilog="Example: autograder export classroom/grades.csv")
def export(
    file: Annotated[Path, typer.Argument(help="the CSV file to write")],
    course: Course = None,
) -> None:
    """Write everyone's points as CSV: one line for each student and assignment."""
    from autograder.classroom import Classroom
    from autograder.gradebook import Gradebook

    file = _to_write(file, "a CSV file")
    classroom = Classroom.open(course or checkout())
    with Gradebook(classroom.db_url, classroom.course_id):
        pass  # raises when there is none; nbgrader would make an empty one
    classroom.run("export", f"--to={file}", "--exporter=autograder.nbgrader.Csv")
    console.print(f"grades: {file}", soft_wrap=True, highlight=False)


@app.command(epilog="Example: autograder demo")
def demo() -> None:
    """Release, submit, grade and give feedback to a made class in build/demo; print the grades."""
    from autograder.demo import demo as run_demo

    run_demo(checkout(), console)


@app.command(epilog="Example: autograder report 1-philosophy")
def report(
    assignment: Annotated[str, typer.Argument(help="name of the assignment")] = "1-philosophy",
    course: Course = None,
) -> None:
    """Print the class's gradebook: points per question, total, lateness."""
    from autograder.classroom import Classroom
    from autograder.report import gradebook_table

    classroom = Classroom.open(course or checkout())
    console.print(gradebook_table(classroom.db_url, classroom.course_id, assignment))


@quiz_app.command(epilog="Example: autograder quiz gift 1-philosophy quiz-1.gift.txt")
def gift(
    quiz: QuizName, file: Annotated[Path, typer.Argument(help="the text file to write")]
) -> None:
    """Write a quiz in GIFT, for Moodle's question bank."""
    from tandem.quiz.gift import gift as gift_of
    from tandem.quiz.model import practice_bank

    text = gift_of(practice_bank(quiz))
    file = _to_write(file, "a text file")
    if file.exists():
        raise CourseError(f"{file} is there already: name another file, or move it away")
    try:
        write_atomically(file, text)
    except OSError as error:
        raise CourseError(f"{file}: {error.strerror}; name a file that can be written") from None
    console.print(f"questions: {file}", soft_wrap=True, highlight=False, markup=False)


@quiz_app.command(epilog="Example: autograder quiz items 1-philosophy collected")
def items(
    quiz: QuizName,
    folder: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="the numbers as JSON")] = False,
) -> None:
    """Say how each item of a quiz did at first try: how hard, how telling, which wrong answers."""
    from autograder.report import item_tables
    from tandem.quiz.analysis import item_analysis
    from tandem.quiz.model import practice_bank
    from tandem.quiz.scoring import KIND

    reports = item_analysis(practice_bank(quiz), _entries(folder, KIND))
    if as_json:
        print(json.dumps([asdict(report) for report in reports], indent=1))
    else:
        console.print(*item_tables(reports))


@quiz_app.command(epilog="Example: autograder quiz tally 1-philosophy grads-accumulate collected")
def tally(
    quiz: QuizName,
    item: Annotated[str, typer.Argument(help="the item's id")],
    folder: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="the numbers as JSON")] = False,
) -> None:
    """Count the votes on an item: the share of each answer in the first and in the last vote."""
    from autograder.report import tally_table
    from tandem.quiz.analysis import tally as tally_of
    from tandem.quiz.model import practice_bank
    from tandem.quiz.scoring import VOTES

    asked = practice_bank(quiz).item(item)
    votes = tally_of(quiz, asked, _entries(folder, VOTES))
    if as_json:
        print(json.dumps(asdict(votes), indent=1))
    else:
        console.print(tally_table(votes))


def _to_write(file: Path, kind: str) -> Path:
    file = file.absolute()
    if file.is_dir() or not file.parent.is_dir():
        raise CourseError(f"{file} is no file in a folder that is there: name {kind}")
    return file


def _entries(folder: Path, kind: str) -> list[list[dict]]:
    """Each learner's entries of one kind; names the files that had to be skipped."""
    from tandem.quiz.learners import read_learners

    learners, skipped = read_learners(folder)
    for line in skipped:
        errors.print(line, style="yellow", highlight=False, markup=False, soft_wrap=True)
    return [entries.get(kind, []) for entries in learners]


def main() -> None:
    """Entry point: a user's mistake is one line, not a traceback."""
    try:
        app()
    except CourseError as error:
        message = f"autograder: {escape(str(error))}"
        errors.print(message, style="red", highlight=False, soft_wrap=True)
        sys.exit(2)
    except SystemExit as end:
        if end.code == 130:  # Typer's status for Ctrl-C
            forced = "; with --force it begins anew" if "--force" in sys.argv else ""
            errors.print(f"autograder: stopped; run the same command again{forced}")
        raise


if __name__ == "__main__":
    main()
