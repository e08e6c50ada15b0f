"""The `autograder` command: a thin skin for instructors."""

import sys

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


@app.callback()
def _group() -> None:
    """Keeps `demo` a named command while it is the only one."""


@app.command(epilog="Example: autograder demo")
def demo() -> None:
    """Release, submit, grade and give feedback to a made class in build/demo; print the grades."""
    from autograder.demo import demo as run_demo

    run_demo(checkout(), console)


def main() -> None:
    """Entry point: a user's mistake is one line, not a traceback."""
    try:
        app()
    except CourseError as error:
        Console(stderr=True).print(f"autograder: {error}", style="red", highlight=False)
        sys.exit(2)
    except KeyboardInterrupt:
        Console(stderr=True).print("autograder: stopped")
        sys.exit(130)


if __name__ == "__main__":
    main()
