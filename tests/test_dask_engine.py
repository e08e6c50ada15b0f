"""The dask engine on a real cluster: a scheduler and workers in processes of their own."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from autograder.confine import doctor, tiers
from autograder.engines import EngineError
from autograder.engines.dask import Dask
from autograder.engines.local import Local
from autograder.jobs import Job, Limits, Step

pytestmark = [pytest.mark.slow]
LIMITS = Limits(cell_s=30, notebook_s=60)
WAIT = "import time\ntime.sleep(0.5)\nprint('waited')"


def job(name: str, source: str) -> tuple[Job, int]:
    return Job("", "", name, "plain", (Step(0, source),), limits=LIMITS), 7


def printed(results: list) -> dict[str, str]:
    """Notebook -> what its cell printed; every notebook came exactly once."""
    found = {job.notebook: "".join(o.get("text", "") for o in r.outputs[0]) for job, r in results}
    assert len(found) == len(results)
    return found


class Cluster:
    """`dask scheduler` and `dask worker` on this machine's own address."""

    def __init__(self, folder) -> None:
        self.folder, self.processes = folder, []
        out = open(folder / "scheduler.log", "w+")  # noqa: SIM115
        self._start(out, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.address = self._address(folder / "scheduler.log")

    def _start(self, out, *command: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *command],
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def _address(self, log) -> str:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if found := re.search(r"Scheduler at:\s+(tcp://[\d.:]+)", log.read_text()):
                return found[1]
            time.sleep(0.1)
        raise AssertionError(log.read_text())

    def worker(self) -> subprocess.Popen:
        out = open(self.folder / f"worker-{len(self.processes)}.log", "w")  # noqa: SIM115
        options = ["--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        return self._start(out, "worker", self.address, *options)

    def close(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def cluster(tmp_path) -> Iterator[Cluster]:
    if doctor.chosen(tmp_path) != tiers.tier("A"):
        pytest.skip("this machine's kernel has no tier A")
    made = Cluster(tmp_path)
    yield made
    made.close()


def test_the_results_are_those_of_the_local_engine(cluster):
    sources = ["print(2 + 2)", "print(sorted({3, 1, 2}))", "1 / 0", "import os; os._exit(3)"]
    jobs = [job(str(n), source) for n, source in enumerate(sources)]
    cluster.worker()
    with Dask(cluster.address) as dask, Local(tiers.tier("A"), 1) as local:
        there, here = (sorted(e.run(jobs), key=lambda r: r[0].notebook) for e in (dask, local))
    for (_, far), (_, near) in zip(there, here, strict=True):
        assert (far.outputs, far.ended, far.stopped) == (near.outputs, near.ended, near.stopped)
        assert far.tier == "A"


def test_a_worker_that_is_killed_in_the_middle_loses_and_repeats_nothing(cluster):
    first, _ = cluster.worker(), cluster.worker()
    jobs = [job(str(n), f"{WAIT}\nprint({n})") for n in range(12)]
    results = []
    with Dask(cluster.address) as engine:
        for result in engine.run(jobs):
            results.append(result)
            if len(results) == 3:
                os.killpg(first.pid, signal.SIGKILL)
    assert printed(results) == {str(n): f"waited\n{n}\n" for n in range(12)}


def test_two_workers_take_half_the_time_of_one_and_a_late_one_gets_work(cluster, capsys):
    cluster.worker()
    seconds = []
    for _ in range(2):
        with Dask(cluster.address) as engine:
            workers = len(engine.client.nthreads())
            list(engine.run([job(f"first-{n}", "print(1)") for n in range(2 * workers)]))
            started = time.perf_counter()
            list(engine.run([job(str(n), WAIT) for n in range(16)]))
            seconds.append(time.perf_counter() - started)
            if workers == 1:
                cluster.worker()
                engine.client.wait_for_workers(2, timeout=60)
                list(engine.run([job(f"late-{n}", WAIT) for n in range(8)]))
    with capsys.disabled():
        ratio = seconds[0] / seconds[1]
        print(f"\none worker {seconds[0]:.1f} s, two {seconds[1]:.1f} s: {ratio:.2f} times")
    assert seconds[0] > 1.7 * seconds[1]


def test_jobs_are_taken_only_a_few_ahead(cluster):
    cluster.worker()
    taken = finished = 0

    def jobs():
        nonlocal taken
        for n in range(60):
            taken += 1
            assert taken - finished <= 4, "more jobs were taken than can be under way"
            yield job(str(n), "print(1)")

    with Dask(cluster.address) as engine:
        for _ in engine.run(jobs()):
            finished += 1
    assert finished == 60


def test_nothing_of_a_notebook_is_left_when_the_worker_ends(cluster):
    worker = cluster.worker()
    with Dask(cluster.address) as engine:
        list(engine.run([job("1", "print(1)")]))
    family = psutil.Process(worker.pid).children(recursive=True)
    assert family, "the worker has a warm process"
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive


def test_a_scheduler_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr("autograder.engines.dask.CONNECT_S", 1)
    with pytest.raises(EngineError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1 "):
        Dask("tcp://127.0.0.1:1").__enter__()


def test_a_cluster_without_workers_is_one_line(cluster, monkeypatch):
    monkeypatch.setattr("autograder.engines.dask.CONNECT_S", 2)
    with pytest.raises(EngineError, match="has no worker"):
        Dask(cluster.address).__enter__()


def test_a_worker_in_a_weaker_tier_grades_nothing_without_tls(monkeypatch, tmp_path):
    from autograder.engines import dask

    class Worker:
        local_directory, address, state = str(tmp_path), "tcp://127.0.0.1:9", None

    monkeypatch.setattr(dask, "get_worker", lambda: Worker())
    monkeypatch.setattr(doctor, "chosen", lambda folder: tiers.tier("B"))
    with pytest.raises(EngineError, match="only tier B"):
        dask.run_job(b"{}", 0, any_tier=False)
