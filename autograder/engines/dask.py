"""Runs jobs on an existing Dask cluster; each worker has warm processes and a tier of its own.

Dask's ports ask nobody who they are, and unpickle what comes: whoever reaches one can run code on
the machine behind it. A notebook must therefore not reach them. Tier A keeps it off every network;
in another tier a worker grades only where the cluster speaks TLS (an address tls://…, with the
certificates in Dask's own configuration). Jobs and results cross as bytes of JSON.

A worker needs this package. It runs as many notebooks at a time as it has threads.
"""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from distributed import Client, Future, KilledWorker, as_completed, get_worker

from autograder.confine import doctor, tiers
from autograder.engines import EngineError
from autograder.engines.local import Local, result_of
from autograder.jobs import Job, Result
from autograder.warm import Attempt

CONNECT_S = 10
AHEAD = 2  # jobs under way for each thread of the cluster

_starting = threading.Lock()


class Dask:
    """A context manager around the cluster of a scheduler, by address: tcp://… or tls://…"""

    def __init__(self, scheduler: str) -> None:
        self.scheduler = scheduler
        self.tier = tiers.tier("A")
        self.any_tier = scheduler.startswith("tls://")

    def __enter__(self) -> "Dask":
        try:
            self.client = Client(self.scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            why = " ".join(str(error).split())[:100]
            raise EngineError(
                f"no Dask scheduler answers at {self.scheduler} ({why}): start one with "
                "`dask scheduler`, or look at the address"
            ) from None
        try:
            self.client.wait_for_workers(1, timeout=CONNECT_S)
        except TimeoutError:
            self.client.close()
            raise EngineError(
                f"the scheduler {self.scheduler} has no worker: start `dask worker`"
            ) from None
        return self

    def __exit__(self, *_) -> None:
        self.client.close()

    def run(self, jobs: Iterable[tuple[Job, int]]) -> Iterator[tuple[Job, Result]]:
        """Results as they come; jobs are taken only a few ahead. A worker that dies is survived."""
        waiting: dict[Future, Job] = {}
        source = iter(jobs)
        done = as_completed(loop=self.client.loop)
        while True:
            room = AHEAD * max(1, sum(self.client.nthreads().values()))
            while len(waiting) < room and (unit := next(source, None)):
                future = self._submit(*unit)
                waiting[future] = unit[0]
                done.add(future)
            if not waiting:
                return
            future = next(done)
            job = waiting.pop(future)
            yield job, self._result(job, future)

    def _submit(self, job: Job, seed: int) -> Future:
        # impure: a job that was run for another engine or time is looked up in the journal only
        return self.client.submit(run_job, job.to_bytes(), seed, self.any_tier, pure=False)

    def _result(self, job: Job, future: Future) -> Result:
        try:
            return Result.from_bytes(future.result())
        except (KilledWorker, ValueError) as error:
            why = "ended every worker" if isinstance(error, KilledWorker) else str(error)
            return result_of(job, Attempt(), {"rest": why}, self.tier, 0.0)


def run_job(data: bytes, seed: int, any_tier: bool) -> bytes:
    """On a worker: bytes of a Job -> bytes of its Result; raises EngineError when none may run."""
    return _engine(any_tier).one(Job.from_bytes(data), seed).to_bytes()


def _engine(any_tier: bool) -> Local:
    """The engine of this worker, made at its first job; it ends with the worker's process."""
    worker = get_worker()
    with _starting:
        engine = getattr(worker, "autograder_engine", None)
        if engine is None:
            tier = doctor.chosen(Path(worker.local_directory))
            if tier is None or (tier.name != "A" and not any_tier):
                held = f"only tier {tier.name}" if tier else "no tier"
                raise EngineError(
                    f"the worker {worker.address} has {held}, and without TLS it takes tier A: "
                    "see `autograder doctor` there"
                )
            engine = Local(tier, worker.state.nthreads).__enter__()
            worker.autograder_engine = engine
    return engine
