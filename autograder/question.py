"""What a question is and what a verdict says: plain data, no framework, no student object."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Case:
    """One set of hidden inputs with the answer that belongs to it.

    `name` says in public what the case is about; it never shows an input. `inputs` goes to the
    probe, `expected` is the dict of fields that the probe must bring back. Numbers are close when
    |answer - expected| <= atol + rtol * |expected|.
    """

    name: str
    inputs: dict
    expected: dict
    points: float
    rtol: float = 1e-4
    atol: float = 1e-5


@dataclass(frozen=True)
class Mistake:
    """A known wrong answer. `seen(case, answer)` says whether a failed answer shows it.

    `section` is where the lessons explain it, as `lesson#Heading`.
    """

    message: str
    section: str
    seen: Callable[[Case, dict], bool]


@dataclass(frozen=True)
class Question:
    """A graded question. `cases(seed)` makes its cases; their points add up to `points`.

    With `marks` an answer is not compared: `marks(answer)` gives its points and what is said.
    """

    name: str
    points: float
    section: str
    cases: Callable[[int], tuple[Case, ...]]
    mistakes: tuple[Mistake, ...] = ()
    marks: Callable[[object], tuple[float, str]] | None = None

    def __post_init__(self) -> None:
        # a class has one seed, and every notebook of it asks for the same cases
        object.__setattr__(self, "cases", lru_cache(maxsize=4)(self.cases))


@dataclass(frozen=True)
class CaseResult:
    """What one case earned; `message` and `section` are empty when it passed."""

    name: str
    points: float
    max_points: float
    message: str = ""
    section: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a question earned: 0 <= points <= max_points."""

    question: str
    points: float
    max_points: float
    results: tuple[CaseResult, ...]
