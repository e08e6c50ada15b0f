"""The local engine's policy for processes that end before their notebook does."""

import pytest

from autograder.confine import tiers
from autograder.engines.local import Local
from autograder.jobs import Job, Step
from autograder.warm import ENDED, Attempt

JOB = Job("", "", "homework", "plain", (Step(0, "1"), Step(1, "2")))


class Ending(Local):
    """An engine whose runs stop at the given places; nothing is started."""

    def __init__(self, *places: str) -> None:
        super().__init__(tiers.tier("C"), slots=1)
        self.places = iter(places)

    def warm_for(self, kind: str):
        return self

    def run(self, job: Job, skip: dict[str, str], seed: int) -> Attempt:
        place = next(self.places, None)
        return Attempt(stopped_at=place, reason=ENDED if place else "")


@pytest.mark.parametrize("places", [("0",), ("0", "0"), ("0", "1"), ("1", "end")])
def test_a_process_that_somebody_else_killed_twice_costs_nothing(places):
    assert Ending(*places).one(JOB, 7).stopped == {}


def test_a_cell_that_always_ends_its_process_is_left_out():
    assert Ending("1", "1", "1").one(JOB, 7).stopped == {"1": ENDED}


def test_a_notebook_that_ends_after_its_last_cell_every_time_is_given_up():
    assert "end" in Ending(*["end"] * 100).one(JOB, 7).stopped
