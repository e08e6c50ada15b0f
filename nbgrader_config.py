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

# A cold import of a framework on a busy machine can take 20 seconds, so the default of 30 is tight.
c.Execute.timeout = 60
# A student who deletes a test cell gets it back; otherwise an old score of it would stay.
c.OverwriteCells.add_missing_cells = True
