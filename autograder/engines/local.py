"""Runs jobs in warm processes on this machine, several notebooks at a time."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress

from autograder import outputs
from autograder.confine.tiers import Tier
from autograder.jobs import Job, Result
from autograder.warm import ENDED, Attempt, Warm, WarmError, Watch

STOPS = 32  # how often a notebook may have to be stopped before the rest of it is given up
ENDS = 2  # how often a process may end at one place before that counts as the notebook's doing
LONG = 2  # and how long that may take, in times of what the whole notebook may
BROKEN = 3  # how often a warm process may fail under one job
COLD = "plain"  # the kind that imports no framework: a notebook then imports its own


class Local:
    """A context manager. `slots` is how many notebooks run at a time.

    A warm process ends with the thread that started it, so let one() be called by threads that stay
    until the end.
    """

    def __init__(self, tier: Tier, slots: int) -> None:
        self.tier, self.slots = tier, 1 if tier.one_at_a_time else slots
        self.watch = Watch()
        self.warm: dict[str, Warm] = {}
        self.starting = threading.Lock()
        self.closing = False
        self.turns = Turns()

    def __enter__(self) -> "Local":
        self.watch.start()
        self.pool = ThreadPoolExecutor(self.slots)
        return self

    def __exit__(self, *_) -> None:
        with self.starting:
            self.closing = True
        for warm in self.warm.values():
            warm.close()
        self.pool.shutdown(cancel_futures=True)
        self.watch.closing.set()

    def run(self, jobs: Iterable[tuple[Job, int]]) -> Iterator[tuple[Job, Result]]:
        """Results as they come; jobs are taken only a few ahead."""
        waiting: dict[Future, Job] = {}
        source = iter(jobs)
        while True:
            while len(waiting) < 2 * self.slots and (unit := next(source, None)):
                self.warm_for(unit[0].warm)
                waiting[self.pool.submit(self.one, *unit)] = unit[0]
            if not waiting:
                return
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), future.result()

    def one(self, job: Job, seed: int) -> Result:
        """Run a job to its final result. What had to be stopped runs again, alone."""
        started = time.perf_counter()
        with self.turns.together(), suppress(WarmError):
            attempt = self.warm_for(job.warm).run(job, {}, seed)
            if attempt.stopped_at is None:
                return result_of(job, attempt, {}, self.tier, time.perf_counter() - started)
        with self.turns.alone():
            started = time.perf_counter()
            attempt, stopped = self._piecemeal(job, seed, started)
        return result_of(job, attempt, stopped, self.tier, time.perf_counter() - started)

    def warm_for(self, kind: str) -> Warm:
        """The warm process of a kind, started if there is none or it has ended."""
        with self.starting:
            if self.closing:
                raise WarmError("the grading was stopped")
            warm = self.warm.get(kind)
            if warm is None or warm.process.poll() is not None:
                if warm is not None:
                    warm.close()
                warm = self.warm[kind] = Warm(kind, self.tier, self.watch)
            return warm

    def _piecemeal(self, job: Job, seed: int, started: float) -> tuple[Attempt, dict[str, str]]:
        """Run a notebook again and again, each time without what had to be stopped before.

        A process that ended may have been killed by somebody else, so it gets another chance.
        """
        stopped: dict[str, str] = {}
        ended: Counter[str] = Counter()
        attempt = Attempt()
        for _ in range(STOPS):
            attempt = self._attempt(job, stopped, seed)
            if attempt.stopped_at is None:
                return attempt, stopped
            if attempt.reason == ENDED:
                ended[attempt.stopped_at] += 1
                if ended[attempt.stopped_at] < ENDS:
                    continue
            again = attempt.stopped_at in stopped
            stopped |= _to_leave_out(job, attempt, stopped)
            if again or attempt.stopped_at == "rest":
                return attempt, stopped
            if time.perf_counter() - started > LONG * job.limits.notebook_s:
                return attempt, stopped | {"rest": "took too long in all"}
        return attempt, stopped | {"rest": "had to be stopped too often"}

    def _attempt(self, job: Job, stopped: dict[str, str], seed: int) -> Attempt:
        kind = job.warm
        for _ in range(BROKEN):
            try:
                return self.warm_for(kind).run(job, stopped, seed)
            except WarmError as error:
                said, kind = error, COLD
        return Attempt(stopped_at="rest", reason=f"could not be run: {said}")


class Turns:
    """Many at a time, or one alone; who wants to be alone lets nobody else begin."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.running = self.wanted = 0
        self.is_alone = False

    @contextmanager
    def together(self) -> Iterator[None]:
        with self.changed:
            self.changed.wait_for(lambda: not self.is_alone and not self.wanted)
            self.running += 1
        try:
            yield
        finally:
            with self.changed:
                self.running -= 1
                self.changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self.changed:
            self.wanted += 1
            self.changed.wait_for(lambda: not self.is_alone and not self.running)
            self.wanted, self.is_alone = self.wanted - 1, True
        try:
            yield
        finally:
            with self.changed:
                self.is_alone = False
                self.changed.notify_all()


def _to_leave_out(job: Job, attempt: Attempt, stopped: dict[str, str]) -> dict[str, str]:
    """Where it was stopped; at the second stop of a question all of its cases."""
    question, _, number = attempt.stopped_at.partition(" ")
    if number and any(place.startswith(f"{question} ") for place in stopped):
        places = [f"{question} {case}" for case in range(len(job.inputs[question]))]
        return {place: attempt.reason for place in places if place not in stopped}
    return {attempt.stopped_at: attempt.reason}


def result_of(
    job: Job, attempt: Attempt, stopped: dict[str, str], tier: Tier, seconds: float
) -> Result:
    """What an attempt gave, cleaned; `stopped` says what is missing and why."""
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
        tier=tier.name,
        seconds=seconds,
        cpu_s=attempt.cpu,
        own_cpu_s=attempt.own_cpu,
        memory=attempt.memory,
    )
