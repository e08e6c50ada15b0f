"""A verdict in words for the student: which cases failed, why, and which section to read again."""

import difflib
import textwrap
from collections.abc import Iterable, Iterator

from autograder.question import CaseResult, Verdict

WIDTH = 90  # of a line on a feedback page


def lines(verdict: Verdict) -> Iterator[str]:
    """The points, then the reasons: the cases each concerns, what was wrong, and where to read."""
    yield f"{verdict.question}: {verdict.points:g} of {verdict.max_points:g} points"
    failed: dict[tuple[str, str], list[CaseResult]] = {}
    for result in verdict.results:
        if result.message:
            failed.setdefault((result.message, result.section), []).append(result)
    for (message, section), results in failed.items():
        every = len(results) == len(verdict.results) > 1
        cases = "every case" if every else "; ".join(result.name for result in results)
        said = f"{cases}: {message}" + ("" if message.endswith((".", "?", "!")) else ".")
        yield textwrap.fill(said, WIDTH, initial_indent="  ", subsequent_indent="    ")
        lesson, _, heading = section.partition("#")
        yield f"    See {lesson}, section “{heading}”."


def missing(question: str, names: Iterable[str]) -> str:
    """That there is no such function, and which of the functions in `names` may be meant."""
    names = [name for name in names if name != question]
    close = difflib.get_close_matches(question, names, n=1)
    hint = f"; did you mean {close[0]}? Rename it to {question}" if close else ""
    return f"{question}: there is no function of this name{hint}"
