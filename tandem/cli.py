"""The `tandem` command: a thin skin over build, check, run, parity and start."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from tandem.course import FRAMEWORKS, CourseError, checkout, root
from tandem.store import Store, StoreError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="PyTorch and TensorFlow, side by side: build, verify and open the course.",
    pretty_exceptions_enable=False,
)
console = Console()
progress_console = Console(stderr=True)

Pattern = Annotated[str, typer.Argument(help="part of a notebook's path, e.g. eager_graphs")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON instead of a table")]


@app.command(epilog="Example: tandem build")
def build() -> None:
    """Rebuild everything that is generated; says what changed."""
    from tandem.build import build as build_course

    changed = build_course(checkout())
    for line in changed:
        console.print(line, highlight=False, soft_wrap=True)
    if not changed:
        console.print("everything is up to date")


@app.command(epilog="Example: tandem check")
def check() -> None:
    """Verify the course: nothing stale, pairs alike, nothing leaked. Exit status 1 on findings."""
    from tandem.guards import check_course

    findings = check_course(checkout())
    for finding in findings:
        console.print(finding, highlight=False, soft_wrap=True, markup=False)
    if findings:
        raise typer.Exit(1)
    console.print("the course passes every check")


@app.command(epilog="Examples: tandem run · tandem run eager_graphs --json")
def run(
    pattern: Pattern = "",
    as_json: AsJson = False,
    save: Annotated[Path | None, typer.Option(help="folder for copies with outputs")] = None,
    bundle: Annotated[
        bool, typer.Option(help="keep the values as the bundled copy shown to learners (authors)")
    ] = False,
) -> None:
    """Execute lesson notebooks: seconds, peak memory, recorded values. Exit status 1 on faults."""
    from tandem.run import save_bundle

    reports = _run(pattern, save)
    if bundle:
        save_bundle(checkout(), reports)
    if as_json:
        print(json.dumps([report.as_dict() for report in reports], indent=1))
    else:
        console.print(_reports_table(reports))
        for report in reports:
            for fault in report.faults:
                line = f"{report.notebook}: {fault}"
                console.print(line, markup=False, highlight=False, soft_wrap=True)
    if any(report.faults for report in reports):
        raise typer.Exit(1)


@app.command(epilog="Examples: tandem parity · tandem parity eager_graphs --json")
def parity(pattern: Pattern = "", as_json: AsJson = False) -> None:
    """Run the pairs and compare what they recorded. Exit status 1 when a value is outside."""
    from tandem.build import lesson_path
    from tandem.parity import compare_pair
    from tandem.source import lessons

    course = checkout()
    pairs = [lesson for lesson in lessons(course) if pattern in str(lesson.path)]
    if not pairs:
        raise CourseError(f"no lesson matches {pattern!r}; try `tandem parity` without it")
    rows = []
    for lesson in pairs:
        paths = [str(lesson_path(lesson, framework)) for framework in FRAMEWORKS]
        reports = [_run(path)[0] for path in paths]
        faults = [f"{r.notebook}: {fault}" for r in reports for fault in r.faults]
        if faults:
            raise CourseError("a notebook does not run, so nothing is compared: " + faults[0])
        rows += compare_pair(lesson, *reports)
    if as_json:
        print(json.dumps([vars(row) | {"verdict": row.verdict} for row in rows], indent=1))
    else:
        table = _table("lesson", "value", "verdict", "largest difference", "tolerance")
        for row in rows:
            shown = row.reason if row.difference is None else f"{row.difference:.3g}"
            table.add_row(row.lesson, row.name, row.verdict, shown, f"{row.tolerance:g}")
        console.print(table)
    if any(row.verdict == "outside" for row in rows):
        raise typer.Exit(1)


@app.command(epilog="Example: tandem start my-course")
def start(directory: Annotated[Path, typer.Argument(help="where your copy lies")]) -> None:
    """Copy the course to DIRECTORY, or bring new notebooks into it; your edits are kept."""
    from tandem.start import start as start_course

    messages = start_course(root(), directory)
    for message in messages:
        console.print(message, highlight=False, soft_wrap=True, markup=False)
    console.print(f"{directory}: {len(messages)} files brought in" if messages else "up to date")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Example: tandem lab my-course -- --no-browser --port 8890",
)
def lab(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="your copy of the course")] = Path("my-course"),
    warm: Annotated[
        bool, typer.Option("--warm", help="notebooks begin faster; needs more memory (Linux)")
    ] = False,
) -> None:
    """Rebuild what is stale, refresh your copy and open it in JupyterLab.

    What follows -- is handed to JupyterLab.
    """
    from tandem.stamp import is_built, mark_built
    from tandem.start import start as start_course
    from tandem.start import warm_kernels

    if warm and sys.platform != "linux":
        raise CourseError("--warm works on Linux only: leave it out")
    course = root()
    if (course / "solutions").is_dir() and not is_built(course):
        from tandem.build import build as build_course  # takes seconds to import

        build_course(course)
        mark_built(course)
    for message in start_course(course, directory):
        console.print(message, highlight=False, soft_wrap=True, markup=False)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={directory.resolve()}"]
    command.append("--LabApp.default_url=/lab/tree/lessons/home.ipynb")
    extensions = course / "jupyter" / "labextensions"
    if extensions.is_dir():  # a checkout: as it is now, not as it was when it was installed
        command.append(f"--LabApp.extra_labextensions_path={extensions}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container root is the only user
    if warm:
        paths = [str(warm_kernels(directory)), os.environ.get("JUPYTER_PATH", "")]
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, paths))
    bin_folder = str(Path(sys.executable).parent)
    os.environ["PATH"] = bin_folder + os.pathsep + os.environ["PATH"]
    os.execv(sys.executable, command + context.args)


progress = typer.Typer(no_args_is_help=True, help="Keep your progress, or bring it here.")
app.add_typer(progress, name="progress")


@progress.command(epilog="Example: tandem progress save my-progress.json")
def save(file: Annotated[Path, typer.Argument(help="the file to write")]) -> None:
    """Write everything that you recorded and answered to FILE."""
    if file.exists():
        raise CourseError(f"{file} is there already: name another file, or move it away")
    Store().save_to(file)
    console.print(f"saved to {file}", highlight=False, soft_wrap=True, markup=False)


@progress.command(epilog="Example: tandem progress load my-progress.json")
def load(file: Annotated[Path, typer.Argument(help="a file of saved progress")]) -> None:
    """Add what is in FILE to what is here; nothing is taken away."""
    try:
        saved = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CourseError(f"{file}: {error.strerror}") from None
    except ValueError:
        raise CourseError(f"{file} is not a file of saved progress") from None
    console.print(f"{Store().load(saved)} entries added", highlight=False)


def _run(pattern: str, save: Path | None = None) -> list:
    from tandem.run import lesson_notebooks, run_notebook

    course = checkout()
    paths = lesson_notebooks(course, pattern)
    if save:
        save.mkdir(parents=True, exist_ok=True)
    reports = []
    with Progress(console=progress_console, transient=True) as progress:
        task = progress.add_task("running", total=len(paths))
        for path in paths:
            progress.update(task, description=str(path.relative_to(course)))
            kept = save / f"{path.parent.name}.{path.name}" if save else None
            reports.append(run_notebook(course, path, kept))
            progress.advance(task)
    return reports


def _reports_table(reports: list) -> Table:
    table = _table("notebook", "seconds", "peak MB", "recorded", "faults")
    for report in reports:
        counts = (str(len(report.recorded)), str(len(report.faults)))
        table.add_row(report.notebook, f"{report.seconds:.1f}", f"{report.peak_mb:.0f}", *counts)
    return table


def _table(*headings: str) -> Table:
    """A plain table that breaks long names instead of cutting them off."""
    columns = [Column(heading, overflow="fold") for heading in headings]
    return Table(*columns, box=box.SIMPLE)


def main() -> None:
    """Entry point: a user's mistake is one line, not a traceback."""
    try:
        app()
    except (CourseError, StoreError) as error:
        message = f"tandem: {error}"
        progress_console.print(message, style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(2)
    except SystemExit as end:
        if end.code == 130:  # Typer's status for Ctrl-C
            progress_console.print("tandem: stopped; run the same command again to go on")
        raise


if __name__ == "__main__":
    main()
