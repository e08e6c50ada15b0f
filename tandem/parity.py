"""The pair's recorded values, compared within the tolerances that the lesson declares."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tandem.run import Report
from tandem.source import Source


@dataclass(frozen=True)
class Comparison:
    """One value of a pair. `difference` is the largest absolute one; None if it cannot be taken."""

    lesson: str
    name: str
    tolerance: float
    difference: float | None
    reason: str = ""

    @property
    def verdict(self) -> str:
        """exact, within or outside."""
        if self.difference == 0:
            return "exact"
        inside = self.difference is not None and self.difference <= self.tolerance
        return "within" if inside else "outside"


def compare_pair(lesson: Source, pytorch: Report, tensorflow: Report) -> Iterator[Comparison]:
    """Compare every value that the lesson's front matter names under `parity`."""
    for name, tolerance in lesson.head.parity.items():
        values = [report.recorded.get(name) for report in (pytorch, tensorflow)]
        if None in values:
            report = (pytorch, tensorflow)[values.index(None)]
            reason = f"not recorded by {report.notebook}"
            yield Comparison(lesson.key, name, tolerance, None, reason)
            continue
        a, b = (np.asarray(value["value"], dtype=float) for value in values)
        if a.shape != b.shape:
            reason = f"shapes {a.shape} and {b.shape}"
            yield Comparison(lesson.key, name, tolerance, None, reason)
        else:
            largest = float(np.max(np.abs(a - b), initial=0.0))
            yield Comparison(lesson.key, name, tolerance, largest)
