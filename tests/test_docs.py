"""What the documents tell people to type exists."""

import re
import shutil
import subprocess

import pytest
from conftest import ROOT

DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = sorted(
    {
        command
        for doc in DOCS
        for command in re.findall(r"\b(?:tandem|autograder|nbgrader) [a-z_]+\b", doc.read_text())
        if f"`{command}" in doc.read_text() or f"\n{command}" in doc.read_text()
    }
)
TARGETS = sorted(
    {t for doc in DOCS for t in re.findall(r"(?:`|^)make ([a-z-]+)", doc.read_text(), re.MULTILINE)}
)


def test_there_is_something_to_check():
    assert {"tandem build", "nbgrader autograde"} <= set(COMMANDS)
    assert {"lab", "test", "demo"} <= set(TARGETS)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_the_documents_has_help(command):
    result = subprocess.run(
        [*command.split(), "--help"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("target", TARGETS)
def test_a_make_target_in_the_documents_exists(target):
    assert shutil.which("make"), "make is not installed"
    result = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: doc.name)
def test_links_to_files_lead_somewhere(doc):
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", doc.read_text())
    for link in links:
        assert (doc.parent / link).exists(), f"{doc.name}: {link}"


def test_the_lesson_in_the_authors_page_builds(course):
    from tandem.build import build
    from tandem.guards import check_course

    text = (ROOT / "docs/authors.md").read_text()
    lesson = re.search(r"`````md\n(---\ntandem:.*?)`````", text, re.DOTALL)[1]
    lesson = lesson.replace("quiz:dtype-int", "quiz:one-and-one")
    (course / "lessons/1-tiny/adding.md").write_text(lesson)
    build(course)
    assert check_course(course) == []
