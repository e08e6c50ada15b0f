"""One notebook in a process of its own: runs its cells, then answers the probes.

The hidden inputs arrive only when every output that a student will see has left, so that no cell
can print them. What a probe prints is thrown away.
"""

import asyncio
import contextlib
import copy
import logging
import os
import random
import socket
import sys
import time
import traceback
import types
import warnings

import numpy as np
from IPython.core.async_helpers import get_asyncio_loop

from . import wire
from .shell import Shell, alarm, cpu_seconds, run_cell
from .switches import as_they_were, settings

MADE_FILES = 200
MADE_BYTES = 16 * 2**20


def run(link: socket.socket, shell: Shell, folder: str) -> None:
    """Answer the grader's messages until it says that this notebook is done."""
    job = wire.receive(link)
    given = _write_files(job["files"], folder)
    nowhere = os.open(os.devnull, os.O_WRONLY)  # a cell may use up all files that can be open
    sys.path.insert(0, folder)
    random.seed(job["random"])
    np.random.seed(job["random"])
    _framework_threads()
    asyncio.set_event_loop(get_asyncio_loop())  # a task may begin in one cell and end in another
    shell.user_ns["input"] = _no_input
    skip, limits = job["skip"], job["limits"]
    moments: dict[str, tuple[dict, dict]] = {}  # names and settings below each question
    for step in job["steps"]:
        name, started, cpu = str(step["index"]), time.perf_counter(), cpu_seconds()
        if name not in skip:
            outputs, ended = run_cell(shell, step["source"], limits["cell_s"], limits["output"])
            seconds, used = time.perf_counter() - started, cpu_seconds() - cpu
            report = {"step": step["index"], "outputs": outputs, "ended": ended}
            wire.send(link, report | {"seconds": seconds, "cpu": used})
        if step["question"]:
            moments[step["question"]] = dict(shell.user_ns), settings()
    wire.send(link, {"done": True, "files": wire.encode(_made_files(folder, given))})
    _answer(link, job, shell, moments, nowhere)


def _answer(link: socket.socket, job: dict, shell: Shell, moments: dict, nowhere: int) -> None:
    """For every question that the grader asks, the outcome of each case."""
    probes = types.ModuleType("probes")
    exec(compile(job["probes"], "<probes>", "exec"), probes.__dict__)
    silence(nowhere)
    while (message := wire.receive(link)) is not None and "question" in message:
        question, case = message["question"], message["case"]
        now = dict(shell.user_ns)
        # as it was below the question: a later cell may have used the same names again
        names, then = moments.get(question, (now, settings()))
        _refill(shell.user_ns, names)
        cpu, inputs = cpu_seconds(), wire.decode(message["inputs"])
        with as_they_were(then):
            outcome = _outcome(probes, question, shell.user_ns, inputs, job["limits"]["case_s"])
        _refill(shell.user_ns, now)
        report = {"question": question, "case": case, "outcome": wire.encode(outcome)}
        wire.send(link, report | {"cpu": cpu_seconds() - cpu})


def _refill(namespace: dict, content: dict) -> None:
    """Put `content` into a namespace; what torch.compile has left there as __name stays."""
    left = {n: v for n, v in namespace.items() if type(n) is str and n.startswith("__")}
    namespace.clear()
    namespace.update(content | left)


def _outcome(probes, question: str, namespace: dict, inputs: dict, limit_s: float) -> dict:
    outcome = {"error": "TimeoutError: "}
    asks_functions = probes.__dict__.get("FUNCTIONS", True)  # a quiz's look into a file
    if asks_functions and not callable(namespace.get(question)):
        return {"error": "missing"}
    try:
        with alarm(limit_s), warnings.catch_warnings(action="ignore"):
            outcome = {"value": getattr(probes, question)(namespace, copy.deepcopy(inputs))}
    except BaseException as error:  # the probe's next case is asked all the same
        outcome = {"error": " ".join(traceback.format_exception_only(error)[0].split())[:300]}
    return outcome


def silence(nowhere: int) -> None:
    """From here on what is printed goes to the file `nowhere`, which keeps nothing."""
    for number in (1, 2):
        os.dup2(nowhere, number)
    sys.stdout = sys.stderr = open(nowhere, "w", encoding="utf-8")  # noqa: SIM115
    logging.disable(logging.CRITICAL)


def _no_input(prompt: object = "") -> str:
    raise RuntimeError("input() has nobody to ask while a notebook is graded")


def _framework_threads() -> None:
    """Two notebooks at a time share the cores; more threads than cores is slower for both."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    if "torch._inductor.config" in sys.modules:  # their folder was fixed before the fork
        sys.modules["torch._inductor.config"].cpp_cache_precompile_headers = False


def _write_files(files: dict, folder: str) -> dict[str, bytes]:
    given = wire.decode(files)
    for name, content in given.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
    return given


def _made_files(folder: str, given: dict[str, bytes]) -> dict[str, bytes]:
    """New and changed regular files in the notebook's folder, up to the bounds above."""
    made, size = {}, 0
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        for name in sorted(name for name in names if name[0] != "."):
            path = os.path.join(here, name)
            inside = os.path.relpath(path, folder)
            with contextlib.suppress(OSError, UnicodeError):
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                size += os.path.getsize(path)
                if size > MADE_BYTES or len(made) >= MADE_FILES:
                    return made
                with open(path, "rb") as file:
                    content = file.read()
                inside.encode()
                if given.get(inside) != content:
                    made[inside] = content
    return made
