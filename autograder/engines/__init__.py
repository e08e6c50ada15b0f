"""Engines run jobs: on this machine (local) or on a Dask cluster (dask)."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from autograder.confine.tiers import Tier
from autograder.jobs import Job, Result
from tandem.course import CourseError


class EngineError(CourseError):
    """The engine cannot be used; the message says why and what to do."""


class Engine(Protocol):
    """A context manager. `tier` is what confines the notebooks."""

    tier: Tier

    def run(self, jobs: Iterable[tuple[Job, int]]) -> Iterator[tuple[Job, Result]]:
        """Take jobs lazily, each with its seed; results come in any order, one for each job."""
