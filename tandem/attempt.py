"""Visible checks of an exercise: not attempted, wrong or passed, told apart."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

from tandem.measurements import keep_check


@contextmanager
def check(question: str) -> Iterator[None]:
    """Run the asserts inside as the visible check of `question` and keep the result.

    A stub that still raises NotImplementedError is reported, not raised, so that the next cell
    can run. While nbgrader grades, a failed assert is printed instead of raised: the hidden cases
    after it can then give partial credit. Warnings go to standard output, because nbgrader takes
    all points for any text on standard error.
    """
    execution = os.environ.get("NBGRADER_EXECUTION", "")
    with _stderr_to_stdout():
        try:
            yield
        except NotImplementedError:
            print(f"{question}: not attempted yet")
            keep_check(question, "not attempted")
            if execution == "validate":
                raise
        except Exception as error:
            keep_check(question, "failed")
            if execution != "autograde":
                raise
            print(f"{question}: {type(error).__name__}: {error}")
        else:
            keep_check(question, "passed")
            print(f"{question}: the visible check passes")


@contextmanager
def _stderr_to_stdout() -> Iterator[None]:
    """Send Python's and the C++ libraries' standard error to standard output."""
    kept = os.dup(2)
    sys.stderr.flush()
    os.dup2(1, 2)
    try:
        with redirect_stderr(sys.stdout):
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
