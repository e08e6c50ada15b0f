"""The stamp that lets `make lab` skip a build: any change of a byte makes it build again."""

import pytest

from tandem.stamp import is_built, mark_built


def test_a_course_is_built_only_after_it_was_marked(built):
    assert not is_built(built)
    mark_built(built)
    assert is_built(built)


@pytest.mark.parametrize(
    "changed",
    [
        "lessons/1-tiny/hello.md",
        "lessons/1-tiny/quiz.yml",
        "lessons/1-tiny/hello.pytorch.ipynb",
        "solutions/1-tiny/exercise.md",
        "exercises/1-tiny/pytorch.ipynb",
        "nbgrader_config.py",
        "README.md",
    ],
)
def test_a_change_in_a_source_or_in_what_was_made_is_seen(built, changed):
    mark_built(built)
    (built / changed).write_text((built / changed).read_text() + " ")
    assert not is_built(built)


def test_a_deleted_and_a_new_file_are_seen(built):
    mark_built(built)
    (built / "lessons/1-tiny/hello.pytorch.ipynb").unlink()
    assert not is_built(built)
    mark_built(built)
    (built / "lessons/1-tiny/more.md").write_text("")
    assert not is_built(built)
