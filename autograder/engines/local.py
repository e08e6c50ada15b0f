"""Runs jobs in warm processes on this machine, several notebooks at a time."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress

from autograder import outputs
from autograder.confine.tiers import Tier
from autograder.jobs import Job, Result
from autograder.warm import Attempt, Warm, WarmError, Watch

STOPS = 16  # how often a notebook may have to be stopped before the rest of it is given up
LONG = 2  # and how long that may take, in times of what the whole notebook may
BROKEN = 3  # how often a warm process may fail under one job
COLD = "plain"  # the kind that imports no framework: a notebook then imports its own


class Local:
    """A context manager. Use it from one thread: warm processes end with the thread they began in.

    `slots` is how many notebooks run at a time.
    """

    def __init__(self, tier: Tier, slots: int) -> None:
        self.tier, self.slots = tier, 1 if tier.one_at_a_time else slots
        self.watch = Watch()
        self.warm: dict[str, Warm] = {}

    def __enter__(self) -> "Local":
        self.watch.start()
        self.pool = ThreadPoolExecutor(self.slots)
        return self

    def __exit__(self, *_) -> None:
        for warm in self.warm.values():
            warm.close()
        self.pool.shutdown(cancel_futures=True)
        self.watch.closing.set()

    def run(self, jobs: Iterable[tuple[Job, int]]) -> Iterator[tuple[Job, Result]]:
        """Results as they come. What had to be stopped is run again at the end, alone."""
        waiting: dict[Future, tuple[Job, int]] = {}
        alone: list[tuple[Job, int]] = []
        source = iter(jobs)
        while True:
            while len(waiting) < 2 * self.slots and (unit := next(source, None)):
                warm = self.warm_for(unit[0].warm)
                waiting[self.pool.submit(self._first, warm, *unit)] = unit
            if not waiting:
                break
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                unit = waiting.pop(future)
                result = future.result()
                if result is None:
                    alone.append(unit)
                else:
                    yield unit[0], result
        for job, seed in alone:
            yield job, self._alone(job, seed)

    def warm_for(self, kind: str) -> Warm:
        """The warm process of a kind, started if there is none or it has ended."""
        warm = self.warm.get(kind)
        if warm is None or warm.process.poll() is not None:
            if warm is not None:
                warm.close()
            warm = self.warm[kind] = Warm(kind, self.tier, self.watch)
        return warm

    def _first(self, warm: Warm, job: Job, seed: int) -> Result | None:
        """The result, or None when the notebook had to be stopped or the warm process failed."""
        started = time.perf_counter()
        with suppress(WarmError):
            warm.wait_until_ready()
            attempt = warm.run(job, {}, seed)
            if attempt.stopped_at is None:
                return self._result(job, attempt, {}, time.perf_counter() - started)
        return None

    def _alone(self, job: Job, seed: int) -> Result:
        """Run a notebook while nothing else runs; each thing that must be stopped is left out."""
        started = time.perf_counter()
        stopped: dict[str, str] = {}
        attempt = Attempt()
        for _ in range(STOPS):
            attempt = self._attempt(job, stopped, seed)
            if attempt.stopped_at is None:
                break
            again = attempt.stopped_at in stopped
            stopped |= _to_leave_out(job, attempt, stopped)
            if again or attempt.stopped_at == "rest":
                break
            if time.perf_counter() - started > LONG * job.limits.notebook_s:
                stopped["rest"] = "took too long in all"
                break
        else:
            stopped["rest"] = "had to be stopped too often"
        return self._result(job, attempt, stopped, time.perf_counter() - started)

    def _attempt(self, job: Job, stopped: dict[str, str], seed: int) -> Attempt:
        kind = job.warm
        for _ in range(BROKEN):
            warm = self.warm_for(kind)
            try:
                warm.wait_until_ready()
                return warm.run(job, stopped, seed)
            except WarmError as error:
                said, kind = error, COLD
        return Attempt(stopped_at="rest", reason=f"could not be run: {said}")

    def _result(self, job: Job, attempt: Attempt, stopped: dict, seconds: float) -> Result:
        cases = {
            question: [attempt.outcomes.get(question, {}).get(n) for n in range(len(inputs))]
            for question, inputs in job.inputs.items()
        }
        return Result(
            outputs={index: outputs.clean(found) for index, found in attempt.outputs.items()},
            ended=attempt.ended,
            outcomes=cases,
            files=outputs.clean_files(attempt.files),
            stopped=stopped,
            tier=self.tier.name,
            seconds=seconds,
            cpu_s=attempt.cpu,
            own_cpu_s=attempt.own_cpu,
            memory=attempt.memory,
        )


def _to_leave_out(job: Job, attempt: Attempt, stopped: dict[str, str]) -> dict[str, str]:
    """Where it was stopped; at the second stop of a question all of its cases."""
    question, _, number = attempt.stopped_at.partition(" ")
    if number and any(place.startswith(f"{question} ") for place in stopped):
        places = [f"{question} {case}" for case in range(len(job.inputs[question]))]
        return {place: attempt.reason for place in places if place not in stopped}
    return {attempt.stopped_at: attempt.reason}
