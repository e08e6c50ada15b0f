"""Expected answers where there is no formula: slopes by difference, training by where it ends."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np


def numerical_gradient(
    function: Callable[[np.ndarray], float], x: np.ndarray, step: float = 1e-5
) -> np.ndarray:
    """Gradient of `function` at `x`, of the shape of x, by central differences in float64.

    Its error is about step**2 times the third derivative, plus 1e-16 / step for the rounding: give
    a Case that uses it rtol=1e-4 or more, and keep x away from kinks by more than `step`.
    """
    x = np.asarray(x, dtype=np.float64)
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[index] += step
        below[index] -= step
        gradient[index] = (function(above) - function(below)) / (2 * step)
    return gradient


@dataclass(frozen=True)
class Runs:
    """Expected of training: `runs` results, a list of floats, whose median beats `baseline`.

    A single run can be lucky or unlucky, so the probe trains `runs` times with the seeds it is
    given; the median has to be lower (with `higher`: higher) than the baseline by `margin`. Take
    the baseline from something that cannot learn, the margin from how far good answers scatter.
    """

    runs: int
    baseline: float
    margin: float
    higher: bool = False

    def difference(self, answer: object, where: str) -> str | None:
        """What is wrong with a plain `answer`; None when it is good enough."""
        if type(answer) is not list or [type(value) for value in answer] != [float] * self.runs:
            return f"`{where}` should be the results of {self.runs} runs"
        better = median(answer) - self.baseline if self.higher else self.baseline - median(answer)
        return None if better >= self.margin else f"`{where}` is not good enough: it did not learn"
