"""The `autograder` command: a thin skin for instructors."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from tandem.course import CourseError, checkout

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Grade a class of the course.",
    pretty_exceptions_enable=False,
)
console = Console()


@app.command(epilog="Example: autograder demo")
def demo() -> None:
    """Release, submit, grade and give feedback to a made class in build/demo; print the grades."""
    from autograder.demo import demo as run_demo

    run_demo(checkout(), console)


@app.command(epilog="Example: autograder report 1-philosophy")
def report(
    assignment: Annotated[str, typer.Argument(help="name of the assignment")] = "1-philosophy",
) -> None:
    """Print the class's gradebook: points per question, total, lateness."""
    from autograder.questions import find_questions
    from autograder.report import gradebook_table

    gradebook = checkout() / "classroom" / "gradebook.db"
    if not gradebook.exists():
        raise CourseError(f"{gradebook} does not exist yet: release the assignment first")
    try:
        questions = list(find_questions(assignment))
    except (KeyError, ModuleNotFoundError):
        raise CourseError(f"no assignment is called {assignment!r}") from None
    console.print(gradebook_table(f"sqlite:///{gradebook}", assignment, questions))


def main() -> None:
    """Entry point: a user's mistake is one line, not a traceback."""
    try:
        app()
    except CourseError as error:
        message = f"autograder: {error}"
        Console(stderr=True).print(message, style="red", highlight=False, soft_wrap=True)
        sys.exit(2)
    except SystemExit as end:
        if end.code == 130:  # Typer's status for Ctrl-C
            Console(stderr=True).print("autograder: stopped; run the same command again")
        raise


if __name__ == "__main__":
    main()
