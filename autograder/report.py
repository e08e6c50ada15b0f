"""What a gradebook says, and what the doctor found, for people."""

from rich import box
from rich.markup import escape
from rich.table import Column, Table

from autograder.confine.doctor import Finding
from autograder.confine.tiers import Tier
from autograder.gradebook import Gradebook
from tandem.quiz.analysis import SMALLEST_CLASS, Interval, ItemReport, Share, Tally


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
        names = (Column(name, no_wrap=True, overflow="fold") for name in ("student", "notebook"))
        table = Table(
            *names, *numbers, "total", "of", "late", box=box.SIMPLE, collapse_padding=True
        )
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


def item_tables(reports: list[ItemReport]) -> list[Table]:
    """A line for each item of a quiz, then a line for each answer to each item."""
    table = _folding(
        "item", "learners", "difficulty", "discrimination", "certain, wrong", "look at"
    )
    table.caption = (
        "difficulty: mean share of the points at first try; discrimination: correlation with the "
        f"points in the other items; with 95 % intervals. No verdict below {SMALLEST_CLASS} "
        "learners."
    )
    answers = _folding("item", "answer", "right", "misconception", "learners", "share")
    for report in reports:
        table.add_row(
            report.item,
            str(report.learners),
            _with_interval(report.difficulty, report.difficulty_interval),
            _with_interval(report.discrimination, report.discrimination_interval),
            f"{report.certain_wrong} of {report.certain}",
            "too few learners" if report.verdicts is None else escape("; ".join(report.verdicts)),
        )
        for each in report.shares:
            answers.add_row(report.item, *_answer(each), str(each.learners), f"{each.share:.0%}")
    return [table, answers]


def tally_table(tally: Tally) -> Table:
    """A line for each answer to an item, with its share in the first and in the last vote."""
    table = _folding("answer", "right", "misconception", "first vote", "last vote")
    for first, last in zip(tally.first, tally.last, strict=True):
        table.add_row(*_answer(first), f"{first.share:.0%}", f"{last.share:.0%}")
    table.caption = (
        f"{tally.voters} voted, {tally.voted_again} of them again; "
        f"all right: {tally.right_first:.0%}, then {tally.right_last:.0%}"
    )
    return table


def _folding(*headings: str) -> Table:
    """A table that breaks long names instead of cutting them off."""
    return Table(*(Column(heading, overflow="fold") for heading in headings), box=box.SIMPLE)


def _answer(share: Share) -> tuple[str, str, str]:
    return escape(share.part), "yes" if share.right else "", share.misconception or ""


def _with_interval(value: float | None, interval: Interval | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" + (f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else "")


def _said(finding: Finding | None) -> str:
    if finding is None:
        return "-"
    return "holds" if finding.held else f"NO: {finding.seen[:60]}"
