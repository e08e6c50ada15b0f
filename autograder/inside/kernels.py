"""The warm process of Jupyter kernels: imports once, then forks a kernel for each request.

    python -m autograder.inside.kernels '{"warm": "pytorch", "socket": "name", "idle": 900}'

Its client is autograder/provisioner.py. Unlike inside/zygote.py it confines nothing: a kernel is
for its user's own code. It imports and does nothing else: an operation of a framework before the
fork would leave threads and locks that hang the kernels.

It listens on a unix socket in its working folder. A request is one message, with the descriptors
of standard output and error: {"argv", "cwd", "environment", "server"}. The answer is {"pid"} with
a handle of the kernel, or {"error"}; when the kernel has ended, {"status"} follows.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import random
import select
import selectors
import signal
import site
import socket
import sys
import threading
import time
from pathlib import Path

from .memory import prepare_to_fork

LARGEST = 2**20  # bytes of a request
PATIENCE_S = 5  # for a client that connects and says nothing
LOOK_S = 30  # how often it looks whether it is still of use
INLINE = "matplotlib_inline.backend_inline"  # its import wires it to a shell that must exist
JUPYTER = ["ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel_launcher", "threadpoolctl"]
JUPYTER += ["psutil", "sqlite3", "tornado.queues", "tornado.platform.asyncio"]  # else 50 ms later
JUPYTER += ["IPython.core.completerlib", "IPython.extensions.storemagic"]


def stamp() -> list:
    """What there is to import; a warm process that began with another stamp is stale."""
    places = [*site.getsitepackages(), site.getusersitepackages()]
    tandem = importlib.util.find_spec("tandem")
    homes = tandem.submodule_search_locations if tandem else ()
    sources = [file for home in homes for file in Path(home).rglob("*.py")]
    sources += [Path(__file__), Path(__file__).with_name("zygote.py")]
    return [sys.version, sys.prefix, *map(_changed, places), max(map(_changed, sources))]


def _changed(place: str | Path) -> int:
    """When a file or the list of names in a folder was last changed; 0 when there is none."""
    try:
        return os.stat(place).st_mtime_ns
    except OSError:
        return 0


def main(settings: dict) -> None:
    answer = os.dup(1)  # whoever started us waits at it; what imports print goes to the log
    os.dup2(2, 1)
    if os.fork():  # nobody's child, so that it may outlive the server that needed it first
        os._exit(0)
    os.setsid()
    del sys.path[0]  # the working folder; a kernel puts its own there
    began, before = stamp(), dict(os.environ)
    problem = import_all(settings["warm"])
    listener = None if problem else listen(settings["socket"])
    prepare_to_fork()
    os.write(answer, json.dumps({"error": problem}).encode() + b"\n")
    os.close(answer)
    if listener:
        added = {name: text for name, text in os.environ.items() if before.get(name) != text}
        warm = WarmProcess(listener, settings, began)
        request = warm.serve()
        if request is not None:  # only in a kernel's process
            warm.leave()
            run_kernel(request, added)


def import_all(kind: str) -> str:
    """Import what kernels of this kind need; returns why they cannot be forked, or ""."""
    from .zygote import COMMON, MODULES  # not above: a server imports this file for stamp()

    os.environ.setdefault("MPLBACKEND", f"module://{INLINE}")  # as ipykernel sets it, but later
    try:
        for name in set(COMMON) - {INLINE}:  # tandem among them, which quiets TensorFlow
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        for name in JUPYTER + MODULES[kind]:
            importlib.import_module(name)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return unsafe()


def unsafe() -> str:
    """Why this process must not fork, or ""."""
    from .zygote import threads

    return "" if threads() == 1 else f"{threads()} threads after the imports, not 1"


def listen(name: str) -> socket.socket:
    """A socket at `name`, which appears there only when it listens."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    fresh = f"{name}.{os.getpid()}"
    listener.bind(fresh)
    listener.listen(64)
    os.rename(fresh, name)
    return listener


class WarmProcess:
    """Forks kernels and buries them, until it has been idle too long or is stale."""

    def __init__(self, listener: socket.socket, settings: dict, began: list) -> None:
        self.listener: socket.socket | None = listener
        self.name, self.idle, self.began = settings["socket"], settings["idle"], began
        self.inode = os.stat(self.name).st_ino
        self.selector = selectors.PollSelector()  # without a descriptor that forks would share
        self.selector.register(listener, selectors.EVENT_READ)
        self.kernels: dict[int, tuple[int, socket.socket]] = {}  # handle: process, link
        self.used = time.monotonic()

    def serve(self) -> dict | None:
        """Returns None at the end, and in each kernel's process the request it must fulfil."""
        while True:
            if self.listener and not self._of_use():
                self._close()
            if not self.listener and not self.kernels:
                return None
            for key, _ in self.selector.select(min(LOOK_S, self.idle)):
                if key.fileobj is not self.listener:
                    self._bury(key.fd)
                elif request := self._accept():
                    return request

    def _of_use(self) -> bool:
        idle = not self.kernels and time.monotonic() - self.used > self.idle
        with contextlib.suppress(OSError):
            return not idle and os.stat(self.name).st_ino == self.inode and stamp() == self.began
        return False  # the socket is gone: nobody can find us

    def _close(self) -> None:
        """Take no more requests. The name goes first: the next client must start another."""
        with contextlib.suppress(OSError):
            if os.stat(self.name).st_ino == self.inode:
                os.unlink(self.name)
        self.selector.unregister(self.listener)
        self.listener.close()
        self.listener = None

    def _accept(self) -> dict | None:
        link, _ = self.listener.accept()
        link.settimeout(PATIENCE_S)
        streams: list[int] = []
        try:
            body, streams, _, _ = socket.recv_fds(link, LARGEST, 2)
            request = json.loads(body) if body else None
        except (OSError, ValueError):
            request = None
        if request and self._fork(link):
            return request | {"link": link, "streams": streams}
        for stream in streams:
            os.close(stream)
        return None

    def _fork(self, link: socket.socket) -> bool:
        """True in the new process; `link` is answered when there can be none."""
        self.used = time.monotonic()
        try:
            problem = unsafe()
            pid = -1 if problem else os.fork()
        except OSError as error:
            pid, problem = -1, f"no process can be made: {error}"
        if pid == 0:
            return True
        if pid < 0:
            with contextlib.suppress(OSError), link:
                link.send(json.dumps({"error": problem}).encode())
            return False
        handle = os.pidfd_open(pid)
        self.kernels[handle] = pid, link
        self.selector.register(handle, selectors.EVENT_READ)
        return False

    def _bury(self, handle: int) -> None:
        pid, link = self.kernels.pop(handle)
        self.selector.unregister(handle)
        os.close(handle)
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(OSError), link:
            link.send(json.dumps({"status": os.waitstatus_to_exitcode(status)}).encode())
        self.used = time.monotonic()

    def leave(self) -> None:
        """In a kernel's process: close what belongs to the warm process and other kernels."""
        self.listener.close()
        for handle, (_, link) in self.kernels.items():
            os.close(handle)
            link.close()


def run_kernel(request: dict, added: dict[str, str]) -> None:
    """Be the kernel that was asked for; `added` is what the imports put into the environment."""
    link = request["link"]
    try:
        settle(request, added)
        server = os.pidfd_open(request["server"]) if request["server"] else None
        handle = os.pidfd_open(os.getpid())
        socket.send_fds(link, [json.dumps({"pid": os.getpid()}).encode()], [handle])
        os.close(handle)
    except BaseException as error:
        with contextlib.suppress(OSError):
            link.send(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
        os._exit(1)
    link.close()
    reseed()
    widen()
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = [sys.modules["ipykernel_launcher"].__file__, *request["argv"]]
    app = IPKernelApp.instance(parent_handle=request["server"])
    app.initialize(request["argv"])
    app.poller = ServerWatch(server) if server else None  # ipykernel's would watch our parent
    app.start()


def settle(request: dict, added: dict[str, str]) -> None:
    """A session, streams, folder, environment and signals of its own, as a new process has."""
    os.setsid()
    streams = [os.open(os.devnull, os.O_RDONLY), *request["streams"]]
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(added | request["environment"])
    for number in signal.valid_signals() - {signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ}:
        if signal.getsignal(number) not in (signal.SIG_DFL, None):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def reseed() -> None:
    """Forks begin with the same random state; TensorFlow makes its own at the first operation."""
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if torch := sys.modules.get("torch"):
        torch.seed()


def widen() -> None:
    """Give NumPy the threads that it would have had; for the fork it had to begin with one."""
    given = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS")
    threads = int(given) if given and given.isdigit() else len(os.sched_getaffinity(0))
    if threads > 1 and "threadpoolctl" in sys.modules:
        sys.modules["threadpoolctl"].threadpool_limits(threads, user_api="blas")


class ServerWatch(threading.Thread):
    """Ends the kernel when the server that asked for it has ended, as ipykernel's poller does."""

    def __init__(self, server: int) -> None:
        super().__init__(daemon=True)
        self.server = server

    def run(self) -> None:
        watch = select.poll()
        watch.register(self.server, select.POLLIN)
        watch.poll()
        os._exit(1)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
