"""The grader's end of a warm process: hands it notebooks, watches them, and reads what they say."""

import contextlib
import hashlib
import itertools
import json
import os
import select
import shutil
import signal
import socket
import stat
import struct
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field

import psutil

from autograder.confine import tiers
from autograder.inside import wire
from autograder.jobs import Job

START_S = 120  # a cold import of a framework on a busy machine
END_S = 10  # between the end of a notebook and word of it
GRACE_S = 3  # between asking a cell to stop and killing its process
LOOK_S = 0.1  # how often memory and time are looked at
SHARED_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock")
ENDED = "ended its process"
REPORTED = 64 * 2**20  # bytes that a notebook may send in all


class WarmError(Exception):
    """The warm process itself cannot be used; the message says why."""


@dataclass
class Attempt:
    """One run of a notebook.

    `stopped_at` is where it had to be stopped: "INDEX" of a step, "QUESTION NUMBER" of a case,
    "end" after the last cell, or None.
    """

    outputs: dict[int, list[dict]] = field(default_factory=dict)
    ended: dict[int, bool] = field(default_factory=dict)
    outcomes: dict[str, dict[int, dict]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    stopped_at: str | None = None
    reason: str = ""
    own_cpu: float = 0.0
    cpu: float = 0.0
    memory: int = 0


class Watch(threading.Thread):
    """Kills a notebook that runs too long or takes too much memory."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.watched: set[Watched] = set()
        self.lock = threading.Lock()
        self.closing = threading.Event()

    def run(self) -> None:
        while not self.closing.wait(LOOK_S):
            with self.lock:
                watched = list(self.watched)
            for one in watched:
                one.look()

    @contextlib.contextmanager
    def over(self, one: "Watched"):
        with self.lock:
            self.watched.add(one)
        try:
            yield one
        finally:
            with self.lock:
                self.watched.discard(one)


class Watched:
    """A notebook's process and all it started, its deadline and its memory.

    `root` is the process below which all of them are found.
    """

    def __init__(self, pid: int, root: int, limit: int) -> None:
        self.handle: int | None = os.pidfd_open(pid)
        self.closing = threading.Lock()
        self.root = root
        self.base = self._memory()
        self.limit, self.peak = limit, 0
        self.deadline, self.said, self.reason = float("inf"), "", ""

    def allow(self, seconds: float, said: str) -> None:
        """From now on it has `seconds` more; `said` is the reason if they run out."""
        self.said, self.deadline = said, time.monotonic() + seconds

    def look(self) -> None:
        used = max(0, self._memory() - self.base)
        self.peak = max(self.peak, used)
        if used > self.limit:
            self.kill(f"used more than {self.limit / 2**30:.1f} GB of memory")
        elif time.monotonic() > self.deadline:
            self.kill(self.said)

    def kill(self, reason: str = "") -> None:
        with self.closing:  # a closed handle may already stand for another process
            if self.handle is not None:
                self.reason = self.reason or reason
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self.handle, signal.SIGKILL)

    def close(self) -> None:
        self.kill()
        with self.closing:
            os.close(self.handle)
            self.handle = None

    def _memory(self) -> int:
        """Bytes of memory, file pages left out, that they hold."""
        family = _family(self.root)
        count = _own_memory if len(family) == 1 else _share_of_memory
        return sum(map(count, family))


def _family(root: int) -> list[int]:
    """A process and all below it, as the kernel lists them."""
    found = [root]
    for pid in found:
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/children") as file:
                    found += map(int, file.read().split())
    return found


def _own_memory(pid: int) -> int:
    return _read_memory(f"/proc/{pid}/status", ("RssAnon", "RssShmem")) or 0


def _share_of_memory(pid: int) -> int:
    """Forked processes have pages in common; each gets its share. Slower to find out."""
    share = _read_memory(f"/proc/{pid}/smaps_rollup", ("Pss_Anon", "Pss_Shmem"))
    return _own_memory(pid) if share is None else share


def _read_memory(file_name: str, names: tuple[str, ...]) -> int | None:
    with contextlib.suppress(OSError, ValueError), open(file_name) as file:
        return sum(int(line.split()[1]) for line in file if line.startswith(names)) * 1024
    return None


class Warm:
    """A warm process of one kind ("plain", "pytorch", "tensorflow", "both") in one tier."""

    def __init__(self, kind: str, tier: tiers.Tier, watch: Watch) -> None:
        self.kind, self.tier, self.watch = kind, tier, watch
        self.control, theirs = socket.socketpair()
        self.home = tiers.HOME
        if not tier.namespaces:
            self.place = tempfile.mkdtemp(prefix="grading-")
            os.chmod(self.place, 0o711)  # others may enter and not list, so as to reach their own
            self.home = os.path.join(self.place, "home")
            os.mkdir(self.home, 0o755)
        try:
            self.process = tiers.start(tier, kind, theirs.fileno(), self.home)
        except OSError as error:
            raise WarmError(str(error)) from error
        finally:
            theirs.close()
        self.sending, self.becoming_ready = threading.Lock(), threading.Lock()
        self.users = itertools.count(1)
        self.ready = False

    def wait_until_ready(self) -> None:
        """Returns when the imports are done; raises WarmError with what went wrong."""
        with self.becoming_ready:
            self._become_ready()

    def _become_ready(self) -> None:
        if self.ready:
            return
        self.control.settimeout(START_S)
        try:
            message = wire.receive(self.control)
        except (TimeoutError, wire.WireError, OSError) as error:
            message = {"error": str(error)}
        if message and message.get("ready"):
            self.ready = True
            return
        self.close()
        said = self.process.stderr.read().decode("utf-8", "replace").strip().splitlines()
        threads = f"{(message or {}).get('threads')} threads after the imports, not 1"
        raise WarmError(said[-1] if said else threads)

    def close(self) -> None:
        self.control.close()
        self.process.kill()
        self.process.wait()
        if not self.tier.namespaces:
            shutil.rmtree(self.place, ignore_errors=True)

    def run(self, job: Job, skip: dict[str, str], seed: int) -> Attempt:
        """Run a notebook once, without the steps and cases named in `skip`.

        Raises WarmError when the warm process itself is at fault.
        """
        self.wait_until_ready()
        with contextlib.ExitStack() as stack:
            folder, uid = self._place(stack)
            ours, theirs = socket.socketpair()
            stack.enter_context(ours)
            status, theirs_status = os.pipe()
            stack.callback(os.close, status)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            request = {"limits": asdict(job.limits), "folder": folder, "uid": uid}
            try:
                with self.sending:
                    descriptors = [theirs.fileno(), theirs_status]
                    socket.send_fds(self.control, [json.dumps(request).encode()], descriptors)
            except OSError as error:
                raise WarmError(f"the warm process has ended: {error}") from error
            finally:
                theirs.close()
                os.close(theirs_status)
            attempt = Attempt()
            pid = _process_of(ours)
            if pid is not None:
                # outside a process namespace the keeper adopts what loses its parent
                root = pid if self.tier.namespaces else psutil.Process(pid).ppid()
                watched = Watched(pid, root, job.limits.memory)
                stack.callback(watched.close)
                stack.enter_context(self.watch.over(watched))
                _converse(ours, job, skip, seed, watched, attempt)
                watched.kill()
                attempt.memory = watched.peak
                attempt.reason = watched.reason or attempt.reason
            end = _read_status(status)
            if pid is None or end.get("error"):
                raise WarmError(end.get("error") or "the notebook's process did not begin")
            attempt.cpu = end.get("cpu", 0.0)
        return attempt

    def _place(self, stack: contextlib.ExitStack) -> tuple[str, int]:
        """The notebook's folder and user."""
        if self.tier.namespaces:
            return tiers.FOLDER, 0
        folder = tempfile.mkdtemp(prefix="notebook-", dir=self.place)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        uid = self.tier.uid + next(self.users) % 1024 if self.tier.uid else 0
        if uid:
            os.chown(folder, uid, uid)
        if self.tier.one_at_a_time:
            stack.callback(_sweep, uid)
        return folder, uid


def _sweep(uid: int) -> None:
    """Remove what a notebook's user left in the folders that everyone may write."""
    for root in SHARED_FOLDERS:
        for here, folders, names in os.walk(root, topdown=False):
            for name in (*folders, *names):
                place = os.path.join(here, name)
                with contextlib.suppress(OSError):
                    info = os.lstat(place)
                    if info.st_uid == uid:
                        (os.rmdir if stat.S_ISDIR(info.st_mode) else os.unlink)(place)


def _process_of(link: socket.socket) -> int | None:
    """Which process said hello, as the kernel vouches; None when none did."""
    link.settimeout(START_S)
    try:
        said, extra, _, _ = link.recvmsg(1, socket.CMSG_SPACE(12))
    except OSError:
        return None
    pids = [
        struct.unpack("3i", data)[0] for _, kind, data in extra if kind == socket.SCM_CREDENTIALS
    ]
    return pids[0] if said == b"!" and pids else None


def _read_status(pipe: int) -> dict:
    """What the keeper says at the end: it has killed everything by then."""
    parts = []
    while select.select([pipe], [], [], END_S)[0] and (part := os.read(pipe, 65536)):
        parts.append(part)
    with contextlib.suppress(ValueError):
        return json.loads(b"".join(parts))
    return {"error": "the warm process was killed"}


def _converse(link, job: Job, skip: dict[str, str], seed: int, watched, attempt: Attempt) -> None:
    """Send the job, read the outputs of the cells, then ask the probes case by case."""
    link.settimeout(None)
    budget = wire.Budget(REPORTED)
    try:
        wire.send(link, _message(job, skip, seed))
        _read_cells(link, budget, job, skip, watched, attempt)
        if attempt.stopped_at is None:
            _ask(link, budget, job, skip, watched, attempt)
    except (wire.WireError, ConnectionError) as error:
        watched.kill()
        attempt.reason = str(error) if isinstance(error, wire.WireError) else ENDED


def _message(job: Job, skip: dict[str, str], seed: int) -> dict:
    return {
        "steps": [asdict(step) for step in job.steps],
        "probes": job.probes,
        "files": wire.encode(dict(job.files)),
        "limits": asdict(job.limits),
        "skip": skip,
        "random": _random_state(seed),
    }


def _random_state(seed: int) -> int:
    """What a notebook's random generators begin with: nothing of the class's secret seed."""
    return int.from_bytes(hashlib.sha256(f"random state {seed}".encode()).digest()[:4])


def _read_cells(link, budget: wire.Budget, job: Job, skip, watched: Watched, attempt: Attempt):
    """Read what each cell gave, then the files that they made."""
    total = time.monotonic() + job.limits.notebook_s
    for step in job.steps:
        if str(step.index) in skip:
            continue
        attempt.stopped_at = str(step.index)
        left = min(job.limits.cell_s, total - time.monotonic())
        watched.allow(left + GRACE_S, f"ran longer than {job.limits.cell_s:g} seconds")
        message = wire.receive(link, budget)
        if message is None or message.get("step") != step.index:
            attempt.reason = ENDED if message is None else "broke the protocol"
            return
        attempt.outputs[step.index] = message.get("outputs")
        attempt.ended[step.index] = message.get("ended") is True
        attempt.own_cpu += _seconds(message.get("cpu"))
        attempt.stopped_at = None
    watched.allow(GRACE_S, "took too long to end")
    message = wire.receive(link, budget)
    if message is None or message.get("done") is not True:
        attempt.stopped_at, attempt.reason = "end", ENDED
        return
    files = wire.decode(message.get("files"))
    attempt.files = files if type(files) is dict else {}


def _ask(link, budget: wire.Budget, job: Job, skip, watched: Watched, attempt: Attempt) -> None:
    """Ask the probes case by case."""
    for question, cases in job.inputs.items():
        outcomes = attempt.outcomes.setdefault(question, {})
        for number, inputs in enumerate(cases):
            if f"{question} {number}" in skip:
                continue
            attempt.stopped_at = f"{question} {number}"
            watched.allow(job.limits.case_s + GRACE_S, f"ran longer than {job.limits.case_s:g} s")
            wire.send(link, {"question": question, "case": number, "inputs": wire.encode(inputs)})
            message = wire.receive(link, budget)
            if message is None or (message.get("question"), message.get("case")) != (
                question,
                number,
            ):
                attempt.reason = ENDED if message is None else "broke the protocol"
                return
            outcomes[number] = wire.decode(message.get("outcome"))
            attempt.own_cpu += _seconds(message.get("cpu"))
            attempt.stopped_at = None


def _seconds(value: object) -> float:
    return float(value) if type(value) is float and 0 <= value < 1e6 else 0.0
