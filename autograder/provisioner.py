"""A kernel provisioner for jupyter_client that forks kernels from a process that is already warm.

A kernelspec asks for it by name (kernelspec() makes such a one):

    "metadata": {"kernel_provisioner": {"provisioner_name": "warm", "config": {"warm": "pytorch"}}}

The framework is imported once, in a warm process (autograder/inside/kernels.py) that all kernels
and all servers of a user share, so the first result of an operation comes within a second. It is
started when first needed and ends after the `idle_minutes` of its first kernel without any.

A kernel from it is an ordinary kernel of its user, for that user's own code: NOT confined. Grading
code of others is the batch engine's work (autograder/engines/local.py).

What a fork cannot change decides which warm process it may come from: this Python and its
packages, the variables that are read during imports, limits and namespaces. So a kernel gets all
it would have got from a cold start, but for two things: kernels of one warm process share a hash
seed (a PYTHONHASHSEED in the kernel's environment is obeyed), and belong to its control group.

Where a warm process cannot be had, the kernel starts cold, as LocalProvisioner starts it, and a
warning in the server's log says why.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.provisioning import LocalProvisioner
from jupyter_core.paths import jupyter_runtime_dir
from traitlets import Float, Unicode

from autograder.inside import kernels

START_S = 120  # a cold import of a framework on a busy machine
ANSWER_S = 20  # between asking for a kernel and its process
STATUS_S = 0.5  # between the end of a kernel and word of its status
UNKNOWN = 255  # the status of a kernel that the warm process did not live to report
KINDS = {"plain": "Python", "pytorch": "PyTorch", "tensorflow": "TensorFlow", "both": "Both"}
BY_NAME = "by-name"

# Variables that libraries read while they are imported, by how their names begin.
READ_EARLY = ("PYTHON", "LD_", "MALLOC_", "LANG", "LC_", "TZ", "HOME", "XDG_C", "MPL")
READ_EARLY += ("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "CUDA_", "NVIDIA_", "CUBLAS_")
READ_EARLY += ("TORCH", "PYTORCH", "TF_", "TF2_", "XLA_", "KERAS_", "GRPC_", "TMP", "TEMP")
OF_ONE_KERNEL = ("JPY_", "NBGRADER_")  # the warm process itself must not have these


class WarmError(Exception):
    """No kernel can be had from a warm process; the message says why."""


class Gone(Exception):
    """The warm process ended before it answered."""


def kind_of(environment: Mapping[str, str]) -> str:
    """The kind that suits a notebook, from its path as the server names it to the kernel."""
    path = environment.get("JPY_SESSION_NAME", "")
    return next((k for k in ("pytorch", "tensorflow") if path.endswith(f"{k}.ipynb")), "plain")


def kernelspec(kind: str) -> dict:
    """The contents of a kernel.json for warm kernels of a kind."""
    spec = get_kernel_dict()
    spec["display_name"] = f"{KINDS[kind]} (warm)"
    provisioner = {"provisioner_name": "warm", "config": {"warm": kind}}
    spec["metadata"] = spec["metadata"] | {"kernel_provisioner": provisioner}
    return spec


class WarmProvisioner(LocalProvisioner):
    """Kernels by fork. All but the launch is LocalProvisioner's, with a Forked as its process."""

    warm = Unicode(
        "plain",
        config=True,
        help=f"what is imported already: {', '.join(KINDS)}; or {BY_NAME}, the notebook's name",
    )
    idle_minutes = Float(15, config=True, help="how long a warm process stays without kernels")

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict:
        """Fork a kernel, or start it cold. The first of a kind waits for the imports."""
        options = self._scrub_kwargs(kwargs)
        try:
            request, streams = _request(cmd, options)
            idle = self.idle_minutes * 60
            kind = kind_of(request["environment"]) if self.warm == BY_NAME else self.warm
            self.process = await asyncio.to_thread(_fork, kind, idle, request, streams)
        except (WarmError, OSError) as error:
            self.log.warning("A %s kernel starts cold, because %s", self.warm, error)
            return await super().launch_kernel(cmd, **kwargs)
        self.pid = self.pgid = self.process.pid
        self.cwd = request["cwd"]
        return self.connection_info

    async def get_provisioner_info(self) -> dict:
        info = await super().get_provisioner_info()
        return info | {"begun": _begun(self.pid) if isinstance(self.process, Forked) else None}

    async def load_provisioner_info(self, provisioner_info: dict) -> None:
        """Take over a kernel that another server launched with `independent`, if it still runs."""
        await super().load_provisioner_info(provisioner_info)
        begun = provisioner_info.get("begun")
        if begun is not None:
            with contextlib.suppress(ProcessLookupError):
                found = Forked(self.pid, os.pidfd_open(self.pid))
                self.process = found if _begun(self.pid) == begun else None


def _begun(pid: int) -> float | None:
    """When a process began, in seconds since 1970: with its number, the name of a process."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).create_time()
    return None


class Forked:
    """A kernel's process with the methods of a subprocess.Popen; it is not our child."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, handle: int, link: socket.socket | None = None) -> None:
        self.pid, self.handle, self.link = pid, handle, link
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its status once it has ended, as Popen has it; None while it runs."""
        if self.returncode is None and self._ended(0):
            self.returncode = self._status()
            self._close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired after `timeout` seconds."""
        if self.returncode is None and not self._ended(timeout):
            raise subprocess.TimeoutExpired("kernel", timeout or 0)
        return self.poll()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.handle, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> bool:
        watch = select.poll()
        watch.register(self.handle, select.POLLIN)
        return bool(watch.poll(None if timeout is None else timeout * 1000))

    def _status(self) -> int:
        """By the time the warm process tells it, the kernel is no zombie any more."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            if self.link:
                self.link.settimeout(STATUS_S)
                return json.loads(self.link.recv(4096))["status"]
        return UNKNOWN

    def _close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1
        if self.link:
            self.link.close()

    def __del__(self) -> None:
        self._close()


def warm_up(kind: str, idle_minutes: float = 15) -> None:
    """Start the warm process of a kind ahead of its first kernel, and wait until it is ready.

    Raises WarmError when there cannot be one.
    """
    _check(kind)
    _connect(kind, idle_minutes * 60, dict(os.environ)).close()


def _request(cmd: list[str], options: dict) -> tuple[dict, list[int]]:
    """What to ask the warm process for; raises WarmError for what a fork cannot give."""
    launcher = [sys.executable, "-m", "ipykernel_launcher"]
    if cmd[:3] != launcher:
        raise WarmError(f"its command does not begin with {' '.join(launcher)}")
    known = {"env", "cwd", "stdin", "stdout", "stderr", "independent"}
    if unknown := sorted(set(options) - known):
        raise WarmError(f"a fork does not know {', '.join(unknown)}")
    environment = dict(options.get("env") or os.environ)
    server = 0 if options.get("independent") else os.getpid()
    if server:
        environment["JPY_PARENT_PID"] = str(server)
    request = {"argv": cmd[3:], "environment": environment, "server": server}
    request["cwd"] = os.path.abspath(options.get("cwd") or os.getcwd())
    output = _stream(options.get("stdout"), 1)
    error = options.get("stderr")
    return request, [output, output if error == subprocess.STDOUT else _stream(error, 2)]


def _stream(given: Any, own: int) -> int:
    """The descriptor for a stream of the kernel: what Popen was `given`, or else our `own`."""
    if given == subprocess.PIPE:
        raise WarmError("a fork's output does not go to a pipe of subprocess")
    if given is None:
        with contextlib.suppress(OSError):  # a server may be without streams
            os.fstat(own)
            return own
    if given in (None, subprocess.DEVNULL):
        return _nowhere()
    return given if isinstance(given, int) else given.fileno()


_opened: list[int] = []


def _nowhere() -> int:
    """A descriptor of the null device, opened once."""
    if not _opened:
        _opened.append(os.open(os.devnull, os.O_RDWR))
    return _opened[0]


def _check(kind: str) -> None:
    if sys.platform != "linux":
        raise WarmError("only on Linux can kernels be forked")
    if kind not in KINDS:
        raise WarmError(f"there is no kind {kind!r}; there are {', '.join(KINDS)}")


def _fork(kind: str, idle: float, request: dict, streams: list[int]) -> Forked:
    """A new kernel's process; raises WarmError when it cannot be had."""
    _check(kind)
    for _ in range(2):  # a warm process may end just when it is asked
        with contextlib.suppress(Gone):
            return _ask(_connect(kind, idle, request["environment"]), request, streams)
    raise WarmError("the warm process ended when it was asked for a kernel")


def _ask(link: socket.socket, request: dict, streams: list[int]) -> Forked:
    link.settimeout(ANSWER_S)
    try:
        socket.send_fds(link, [json.dumps(request).encode()], streams)
        body, handles, _, _ = socket.recv_fds(link, 4096, 1)
    except ConnectionError:
        body = b""
    except OSError as error:
        link.close()
        raise WarmError(f"the warm process does not answer: {error}") from error
    answer = json.loads(body or "{}")
    if "pid" in answer:
        return Forked(answer["pid"], handles[0], link)
    link.close()
    if not body:
        raise Gone
    raise WarmError(answer.get("error", "the forked process ended at once"))


_failed: dict[str, str] = {}  # socket name: why there is no warm process, so as not to try again


def _connect(kind: str, idle: float, environment: dict[str, str]) -> socket.socket:
    """A connection to the warm process of this kind and environment, started if need be."""
    try:
        folder, name = _private_folder(), f"{kind}-{_identity(kind, environment)}"
        if name in _failed:
            raise WarmError(_failed[name])
        if link := _reach(folder, name):
            return link
        with FileLock(folder / f"{kind}.lock", timeout=START_S):
            if link := _reach(folder, name):
                return link
            _start(folder, {"warm": kind, "socket": name, "idle": idle}, environment)
            if link := _reach(folder, name):
                return link
    except (OSError, Timeout) as error:
        raise WarmError(f"the warm process cannot be reached: {error}") from error
    raise WarmError("the warm process ended as soon as it was ready")


def _private_folder() -> Path:
    """Where the sockets lie: a folder that nobody else can enter."""
    folder = Path(jupyter_runtime_dir()) / "warm"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise WarmError(f"{folder} belongs to somebody else")
    folder.chmod(0o700)
    return folder


def _identity(kind: str, environment: dict[str, str]) -> str:
    """A name for all that a fork takes over from its warm process and cannot change."""
    early = {name: text for name, text in environment.items() if name.startswith(READ_EARLY)}
    system = [Path(f"/proc/{file}").read_text() for file in ("self/limits", "sys/kernel/osrelease")]
    system += [Path("/proc/sys/kernel/random/boot_id").read_text()]
    status = Path("/proc/self/status").read_text().splitlines()
    system += [line for line in status if line.startswith("Umask")]
    spaces = sorted(os.readlink(space) for space in Path("/proc/self/ns").iterdir())
    parts = [kind, sys.executable, kernels.stamp(), sorted(early.items()), system, spaces]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _reach(folder: Path, name: str) -> socket.socket | None:
    """A connection to the socket `name`, or None when nobody listens there."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    handle = os.open(folder, os.O_RDONLY)  # the way round the 108 bytes of a socket's path
    try:
        link.connect(f"/proc/self/fd/{handle}/{name}")
        return link
    except (FileNotFoundError, ConnectionRefusedError):
        link.close()
        return None
    finally:
        os.close(handle)


def _start(folder: Path, settings: dict, environment: dict[str, str]) -> None:
    """Start a warm process and wait until its imports are done."""
    early = {n: text for n, text in environment.items() if not n.startswith(OF_ONE_KERNEL)}
    early["OPENBLAS_NUM_THREADS"] = "1"  # NumPy would start threads; kernels widen again
    log = folder / f"{settings['warm']}.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "autograder.inside.kernels", json.dumps(settings)],
            env=early,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,
        )
    with process:  # it forks at once and ends
        answer = _read_line(process.stdout.fileno(), time.monotonic() + START_S)
    if answer is None:
        raise WarmError(f"its warm process was not ready after {START_S} seconds")
    if answer.get("error") != "":
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        reason = answer.get("error") or (lines[-1] if lines else "it ended without a word")
        _failed[settings["socket"]] = f"its warm process cannot be used: {reason}"
        raise WarmError(_failed[settings["socket"]])


def _read_line(pipe: int, deadline: float) -> dict | None:
    """The answer of a warm process that starts; empty when it ended, None when it is late."""
    watch, text = select.poll(), b""
    watch.register(pipe, select.POLLIN)
    while not text.endswith(b"\n"):
        if not watch.poll(max(0, deadline - time.monotonic()) * 1000):
            return None
        part = os.read(pipe, 4096)
        if not part:
            return {}
        text += part
    return json.loads(text)
