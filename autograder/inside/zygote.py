"""The warm process: imports a framework once, then forks a process for each notebook.

    python -m inside.zygote SOCKET_FD '{"warm": "pytorch", "tier": {...}}'

It imports and does nothing else: an operation of a framework before the fork would leave threads
and locks that hang the children. Over the socket it gets a message for each notebook, with the
socket and the pipe that belong to it.
"""

import contextlib
import importlib
import json
import os
import signal
import socket
import sys
import tempfile

from . import lockdown, notebook, wire
from .memory import prepare_to_fork
from .shell import make_shell

MODULES = {
    "plain": [],
    "pytorch": ["torch", "torch._dynamo", "torch._inductor.compile_fx"],
    "tensorflow": ["tensorflow", "keras"],
}
MODULES["both"] = MODULES["pytorch"] + MODULES["tensorflow"]
COMMON = ["matplotlib", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "tandem"]
COMMON += ["ipywidgets"]


def main(fd: int, settings: dict) -> None:
    tier = settings["tier"]
    if tier["uid"] and tier["drop_early"]:
        lockdown.see_own_processes()  # uncovered, or a notebook could not mount its own
        lockdown.become(tier["uid"], tier["uid"])
    control = socket.socket(fileno=fd)
    for name in MODULES[settings["warm"]] + COMMON:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    shell = make_shell()
    lockdown.hide_memory()
    prepare_to_fork()
    wire.send(control, {"ready": threads() == 1, "threads": threads()})
    serve(control, shell, tier | {"home": settings["home"]})


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def serve(control: socket.socket, shell, tier: dict) -> None:
    """Fork a keeper for each request until the grader closes the socket."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers report through their pipe
    while True:
        body, descriptors, _, _ = socket.recv_fds(control, 65536, 2)
        if not body:
            return
        if os.fork() == 0:
            control.close()
            keep(shell, tier, json.loads(body), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def keep(shell, tier: dict, request: dict, link: int, pipe: int) -> None:
    """The keeper: gives the notebook a process with nothing around it, and ends all it started."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    report = {"error": ""}
    try:
        lockdown.die_with_parent()
        os.setsid()
        if tier["namespaces"]:
            lockdown.new_namespaces()
        else:
            lockdown.adopt_orphans()
        child = os.fork()
        if child == 0:
            os.close(pipe)
            begin(shell, tier, request, socket.socket(fileno=link))
        os.close(link)
        _, status, usage = os.wait4(child, 0)
        if not tier["namespaces"]:  # there all of them end with their first process
            end_orphans()
        report = {"status": status, "cpu": usage.ru_utime + usage.ru_stime}
    except BaseException as error:
        report = {"error": f"{type(error).__name__}: {error}"}
    finally:
        with contextlib.suppress(BaseException):
            os.write(pipe, json.dumps(report).encode())
        os._exit(0)


def end_orphans() -> None:
    """Kill whatever the notebook left running."""
    while True:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            left = [int(pid) for pid in file.read().split()]
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def begin(shell, tier: dict, request: dict, link: socket.socket) -> None:
    """The notebook's own process: give everything up, then run it. Never returns."""
    code = 1
    try:
        os.setsid()  # kill(0, ...) reaches a process group across namespaces, the keeper's too
        shell.outputs.capture_streams()  # what comes next forbids files in memory
        lock(tier, request)
        link.sendmsg([b"!"])  # the grader reads from it which process this is
        notebook.run(link, shell, request["folder"])
        code = 0
    except BaseException as error:
        with contextlib.suppress(BaseException):
            wire.send(link, {"broken": f"{type(error).__name__}: {error}"[:300]})
    finally:
        os._exit(code)


def lock(tier: dict, request: dict) -> None:
    limits, folder = request["limits"], request["folder"]
    python_in_tmp = any(place.startswith("/tmp/") for place in sys.path)  # an own one would hide it
    if tier["namespaces"]:
        folders = [folder, "/dev/shm"] + ["/tmp"] * (not python_in_tmp)
        lockdown.mount_private(folders, limits["disk"], limits["files"])
        lockdown.make_read_only(tier["home"])
        lockdown.see_own_processes()
    elif tier["uid"] and not tier["drop_early"]:
        lockdown.become(request["uid"], request["uid"])
    lockdown.die_with_parent()
    os.chdir(folder)
    scratch = "/tmp" if tier["namespaces"] and not python_in_tmp else folder
    os.environ.update(HOME=folder, TMPDIR=scratch, TANDEM_STATE=f"{scratch}/.tandem")
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = f"{scratch}/.inductor"
    tempfile.tempdir = None
    lockdown.limit(limits)
    if tier["namespaces"]:
        lockdown.drop_capabilities()
    if tier["landlock"]:
        own = f"/proc/{os.getpid()}"
        lockdown.landlock([*tier["readable"], tier["home"], own], [*tier["writable"], folder])
    if tier["filter"]:
        lockdown.filter_calls(sockets=tier["namespaces"], own_files=tier["landlock"])


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
