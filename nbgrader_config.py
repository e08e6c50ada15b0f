"""Maps nbgrader onto the course: sources, releases, and a classroom/ folder that git ignores."""

from pathlib import Path

c = get_config()  # noqa: F821  (nbgrader provides it)
here = Path(__file__).resolve().parent
(here / "classroom").mkdir(
    exist_ok=True
)  # nbgrader opens the gradebook in it, but does not make it

c.CourseDirectory.root = str(here)
c.CourseDirectory.course_id = "tandem"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.submitted_directory = "classroom/submitted"
c.CourseDirectory.autograded_directory = "classroom/autograded"
c.CourseDirectory.feedback_directory = "classroom/feedback"
c.CourseDirectory.db_url = f"sqlite:///{here}/classroom/gradebook.db"

# generate_assignment copies every other file of a source folder: our sources are not for students.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    ".pytest_cache",
    "*.md",
]

c.ClearSolutions.code_stub = {
    "python": 'raise NotImplementedError("write your code here, then delete this line")'
}

# Student code runs in warm, confined processes and is judged outside them: docs/instructors.md.
c.Autograde.sanitize_preprocessors = ["autograder.nbgrader.Clean"]
c.Autograde.autograde_preprocessors = [
    "autograder.nbgrader.Run",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
# Seconds that a cell may take under `nbgrader autograde`; `autograder grade` goes by the solution.
c.Execute.timeout = 60
# What a student wrote is shown in feedback and in the formgrader without any script in it.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "markdown2html": "autograder.nbgrader.safe_markdown",
    "clean_html": "autograder.nbgrader.safe_html",
}
