"""What a gradebook says, for people."""

from nbgrader.api import Gradebook, MissingEntry
from rich import box
from rich.table import Table

from tandem.course import CourseError


def gradebook_table(database: str, assignment: str, questions: list[str]) -> Table:
    """One row for each student and notebook: points per question, total, lateness.

    `database` is SQLAlchemy's URL of the gradebook; `questions` gives the order of the columns,
    the graded cell of question x being called test_x. Raises CourseError when the gradebook has no
    such assignment.
    """
    numbers = [str(number) for number, _ in enumerate(questions, 1)]
    legend = ", ".join(f"{n} {question}" for n, question in zip(numbers, questions, strict=True))
    table = Table("student", "notebook", *numbers, "total", "of", "late", box=box.SIMPLE)
    table.caption = f"points by question: {legend}"
    with Gradebook(database) as gradebook:
        try:
            gradebook.find_assignment(assignment)
        except MissingEntry:
            raise CourseError(f"the gradebook has no assignment {assignment!r}") from None
        submissions = gradebook.assignment_submissions(assignment)
        for submission in sorted(submissions, key=lambda s: s.student.id):
            late = submission.total_seconds_late
            for notebook in sorted(submission.notebooks, key=lambda n: n.name):
                scores = {grade.name: grade.score for grade in notebook.grades}
                table.add_row(
                    submission.student.id,
                    notebook.name,
                    *(f"{scores[f'test_{question}']:g}" for question in questions),
                    f"{notebook.score:g}",
                    f"{notebook.max_score:g}",
                    f"{late / 3600:g} h" if late else "",
                )
    return table
