"""Sources: what authors write is read, and every mistake is one line with file and line number."""

from pathlib import Path

import pytest
from conftest import edit

from tandem.source import SourceError, read_source

LESSON = Path("lessons/1-tiny/hello.md")
EXERCISE = Path("solutions/1-tiny/exercise.md")


def test_a_cell_goes_to_the_frameworks_it_is_tagged_with(course):
    lesson = read_source(course, LESSON)
    texts = {f: [c.text for c in lesson.cells_of(f)] for f in ("pytorch", "tensorflow")}
    assert "Here we use 64 bits." in texts["pytorch"]
    assert "Here we use 64 bits." not in texts["tensorflow"]
    assert texts["pytorch"][-1] == texts["tensorflow"][-1] == "1 / 0"


def test_cells_know_their_line(course):
    lines = (course / LESSON).read_text().splitlines()
    for cell in read_source(course, LESSON).cells:
        first = cell.text.splitlines()[0]
        near = lines[cell.line - 1 : cell.line + 3]
        assert first in near, f"{first!r} is not within three lines of line {cell.line}: {near}"


MISTAKES = [
    (LESSON, "  minutes: 5\n", "  minutes: 5\n  order: 2\n", "`order` stands twice"),
    (LESSON, "minutes: 5", "minute: 5", "minute: Extra inputs"),
    (LESSON, "  minutes: 5\n", "  minutes: 5\n  colour: red\n", "colour"),
    (LESSON, "minutes: 5", "minutes: soon", "minutes"),
    (LESSON, "checked_by: [quiz:one-and-one, exercise:double]", "checked_by: []", "checked_by"),
    (LESSON, "title: Hello", "title: [Hello", "broken YAML"),
    (LESSON, "tandem:\n", "tandem_course:\n", "one key `tandem:`"),
    (LESSON, ":tags: [raises-exception]", ":tags: [raise]", "unknown tag `raise`"),
    (LESSON, ":tags: [raises-exception]", ":tags: raises-exception", "tags must be a list"),
    (LESSON, ":tags: [raises-exception]", ":tag: [warns]", "unknown cell option `tag`"),
    (LESSON, ":tags: [raises-exception]", ":tags: [warns", "broken cell head"),
    (LESSON, ":tags: [raises-exception]", ":points: 2", "points on a cell"),
    (LESSON, ":tags: [raises-exception]", ":tags: [solution]", "unknown tag `solution`"),
    (EXERCISE, "points: 2\n", "", "needs `points:`"),
    (EXERCISE, "points: 2\n", "points: -2\n", "positive number"),
    (EXERCISE, "name: test_double\n", "", "needs a `name:`"),
    (EXERCISE, "name: test_double", "name: double", "already used at line 11"),
    (EXERCISE, "name: test_double", "name: Test Double", "lower case"),
    (EXERCISE, "tags: [test]", "tags: [test, manual]", "one role"),
    (EXERCISE, "tags: [pytorch, solution]", "tags: [pytorch]\npoints: 1", "points on a cell"),
]


@pytest.mark.parametrize(("path", "old", "new", "reason"), MISTAKES)
def test_a_mistake_is_one_line_with_file_and_line(course, path, old, new, reason):
    before = (course / path).read_text().split(old)[0].splitlines()
    edit(course / path, old, new)
    with pytest.raises(SourceError) as caught:
        read_source(course, path)
    message = str(caught.value)
    assert "\n" not in message
    assert reason in message
    file, number, _ = message.split(":", 2)
    assert file == str(path)
    # the mistake's own line in front matter, the line that opens the cell elsewhere
    fences = [i for i, text in enumerate(before, 1) if text.startswith("```{code-cell}")]
    expected = fences[-1] if fences else len(before) + 1
    assert abs(int(number) - expected) <= 1, message


def test_a_file_without_front_matter_says_so(course):
    (course / LESSON).write_text("# Hello\n")
    with pytest.raises(SourceError, match=r"hello\.md:1: the file must start with front matter"):
        read_source(course, LESSON)
