"""How a class did on a quiz, item by item, and how it voted. Pure functions of stored entries."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from statistics import NormalDist

import numpy as np

from tandem.course import CourseError
from tandem.quiz.asked import asked
from tandem.quiz.model import Bank, Item
from tandem.quiz.scoring import Mark, entries_to, mark, parts

SMALLEST_CLASS = 10  # answers to an item; below it chance alone could give any verdict
EASY, HARD = 0.9, 0.2
Z = NormalDist().inv_cdf(0.975)
Interval = tuple[float, float]


@dataclass(frozen=True)
class Share:
    """How many learners gave one part of an answer: an option, a side, a foreseen answer, …"""

    part: str
    right: bool
    misconception: str | None
    learners: int
    share: float


@dataclass(frozen=True)
class ItemReport:
    """How one item did at first try; intervals hold with 95 %.

    `difficulty` is the mean share of the points. `discrimination` is the correlation between that
    share and the points in the other items, where an item without an answer counts nothing; None
    where all did alike. `verdicts` is None in a class too small for any.
    """

    item: str
    learners: int
    difficulty: float | None
    difficulty_interval: Interval | None
    discrimination: float | None
    discrimination_interval: Interval | None
    shares: list[Share]
    certain: int
    certain_wrong: int
    verdicts: list[str] | None


@dataclass(frozen=True)
class Tally:
    """The first and the last vote of each learner on one item; `right` are shares too."""

    item: str
    voters: int
    voted_again: int
    right_first: float
    right_last: float
    first: list[Share]
    last: list[Share]


@dataclass(frozen=True)
class _Try:
    mark: Mark
    certain: bool


def item_analysis(bank: Bank, learners: list[list[dict]]) -> list[ItemReport]:
    """A report for each item, from the answers (oldest first or in any order) of each learner.

    Raises CourseError when nobody has answered anything.
    """
    tries = [_first_tries(bank, entries) for entries in learners]
    if not any(tries):
        raise CourseError(f"nobody in this class has answered {bank.quiz}")
    return [_report(item, [each for each in tries if item.id in each]) for item in bank.items]


def tally(quiz: str, item: Item, learners: list[list[dict]]) -> Tally:
    """Count the votes on one item; what comes after the answer was revealed is no vote.

    Raises CourseError when nobody has voted on it.
    """
    votes = list(filter(None, (_votes(quiz, item, entries) for entries in learners)))
    if not votes:
        raise CourseError(f"nobody in this class has voted on {item.id} of {quiz}")
    first, last = [each[0] for each in votes], [each[-1] for each in votes]
    return Tally(
        item=item.id,
        voters=len(votes),
        voted_again=sum(len(each) > 1 for each in votes),
        right_first=sum(vote.correct for vote in first) / len(votes),
        right_last=sum(vote.correct for vote in last) / len(votes),
        first=_shares(item, first),
        last=_shares(item, last),
    )


def wilson(share: float, learners: int) -> Interval:
    """Wilson's interval of a share; of a mean of shares it is at least as wide as needed."""
    scale = 1 + Z**2 / learners
    middle = share + Z**2 / (2 * learners)
    spread = Z * math.sqrt(share * (1 - share) / learners + Z**2 / (4 * learners**2))
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def correlation(pairs: Iterable[tuple[float, float]]) -> float | None:
    """Pearson's; None where one of the two never varies. The order of the pairs changes nothing."""
    table = np.array(sorted(pairs))
    if len(table) < 3 or not np.ptp(table, axis=0).all():
        return None
    return float(np.clip(np.corrcoef(table.T)[0, 1], -1, 1))


def fisher(r: float, learners: int) -> Interval | None:
    """Fisher's interval of a correlation; None where there is none."""
    if learners <= 3 or math.isclose(abs(r), 1):
        return None
    spread = Z / math.sqrt(learners - 3)
    return math.tanh(math.atanh(r) - spread), math.tanh(math.atanh(r) + spread)


def _report(item: Item, tries: list[dict[str, _Try]]) -> ItemReport:
    """`tries` are those of the learners who have answered this item."""
    own = [each[item.id] for each in tries]
    rest = [
        math.fsum(other.mark.earned for name, other in each.items() if name != item.id)
        for each in tries
    ]
    n, earned = len(own), [each.mark.earned / each.mark.points for each in own]
    difficulty = math.fsum(earned) / n if n else None
    r = correlation(zip(earned, rest, strict=True))
    r_interval = None if r is None else fisher(r, n)
    shares = _shares(item, [each.mark for each in own])
    certain = [each for each in own if each.certain]
    return ItemReport(
        item=item.id,
        learners=n,
        difficulty=difficulty,
        difficulty_interval=wilson(difficulty, n) if n else None,
        discrimination=r,
        discrimination_interval=r_interval,
        shares=shares,
        certain=len(certain),
        certain_wrong=sum(not each.mark.correct for each in certain),
        verdicts=_verdicts(item, difficulty, r, r_interval, shares)
        if n >= SMALLEST_CLASS
        else None,
    )


def _verdicts(
    item: Item, difficulty: float, r: float | None, r_interval: Interval | None, shares: list[Share]
) -> list[str]:
    """What speaks against the item, in words."""
    found = []
    if difficulty > EASY:
        found.append("too easy")
    if difficulty < HARD:
        found.append("too hard")
    if r is not None and r < 0:
        chance = " (maybe by chance)" if r_interval and r_interval[1] >= 0 else ""
        found.append(f"those who did better elsewhere did worse here{chance}")
    if asked(item).kind in ("one", "several"):
        found += [f"nobody chose {s.part}" for s in shares if not s.right and not s.learners]
    return found


def _first_tries(bank: Bank, entries: list[dict]) -> dict[str, _Try]:
    tries = {}
    for item in bank.items:
        if found := entries_to(bank.quiz, item, _oldest_first(entries)):
            first = found[0]
            certain = first.get("confidence") == "certain"
            tries[item.id] = _Try(mark(item, first["answer"]), certain)
    return tries


def _votes(quiz: str, item: Item, entries: list[dict]) -> list[Mark]:
    about = [e for e in _oldest_first(entries) if (e.get("quiz"), e.get("item")) == (quiz, item.id)]
    votes = takewhile(lambda entry: not entry.get("revealed"), about)
    return [mark(item, entry["answer"]) for entry in entries_to(quiz, item, list(votes))]


def _oldest_first(entries: list[dict]) -> list[dict]:
    return sorted(entries, key=lambda entry: entry["time"])  # stable: within a second as they came


def _shares(item: Item, marks: list[Mark]) -> list[Share]:
    counts = Counter(remark.part for each in marks for remark in each.remarks)
    return [
        Share(part, right, misconception, counts[part], counts[part] / max(1, len(marks)))
        for part, (right, misconception) in parts(item).items()
    ]
