"""What a gradebook says, and what the doctor found, for people."""

from rich import box
from rich.table import Table

from autograder.confine.doctor import Finding
from autograder.confine.tiers import Tier
from autograder.gradebook import Gradebook


def gradebook_table(database: str, course_id: str, assignment: str) -> Table:
    """One row for each student and notebook: points per graded cell, total, lateness.

    `database` is SQLAlchemy's URL of the gradebook. Raises GradebookError when it has no such
    assignment.
    """
    with Gradebook(database, course_id) as gradebook:
        releases = gradebook.releases(assignment).values()
        graded = [cell.name for r in releases for cell in r.cells if cell.grade or cell.task]
        questions = list(dict.fromkeys(graded))
        numbers = [str(number) for number, _ in enumerate(questions, 1)]
        names = (question.removeprefix("test_") for question in questions)
        legend = ", ".join(f"{n} {name}" for n, name in zip(numbers, names, strict=True))
        table = Table("student", "notebook", *numbers, "total", "of", "late", box=box.SIMPLE)
        table.caption = f"points by question: {legend}"
        submissions = gradebook.book.assignment_submissions(assignment)
        for submission in sorted(submissions, key=lambda s: s.student.id):
            late = submission.total_seconds_late
            for notebook in sorted(submission.notebooks, key=lambda n: n.name):
                scores = {grade.name: f"{grade.score:g}" for grade in notebook.grades}
                table.add_row(
                    submission.student.id,
                    notebook.name,
                    *(scores.get(question, "") for question in questions),
                    f"{notebook.score:g}",
                    f"{notebook.max_score:g}",
                    f"{late / 3600:g} h" if late else "",
                )
    return table


def doctor_table(chosen: Tier | None, tried: dict[str, list[Finding]]) -> Table:
    """A line for each attempt, a column for each tier; where it did not hold, what was seen."""
    table = Table("attempt", *(f"tier {name}" for name in tried), box=box.SIMPLE)
    promises = dict.fromkeys(f.promise for findings in tried.values() for f in findings)
    found = {name: {f.promise: f for f in findings} for name, findings in tried.items()}
    for promise in promises:
        cells = (_said(found[name].get(promise)) for name in tried)
        table.add_row(promise, *cells)
    best = f"grading uses tier {chosen.name}" if chosen else "no tier holds: nothing is graded here"
    table.caption = f"{best} (A namespaces, B Landlock, C another user; docs/security.md)"
    return table


def _said(finding: Finding | None) -> str:
    if finding is None:
        return "-"
    return "holds" if finding.held else f"NO: {finding.seen[:60]}"
