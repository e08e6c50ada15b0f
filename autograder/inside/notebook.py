"""One notebook in a process of its own: runs its cells, then answers the probes.

The hidden inputs arrive only when every output that a student will see has left, so that no cell
can print them. What a probe prints is thrown away.
"""

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

import numpy as np

from . import wire
from .shell import Shell, alarm, cpu_seconds, run_cell

MADE_FILES = 200
MADE_BYTES = 16 * 2**20


def run(link: socket.socket, shell: Shell, folder: str) -> None:
    """Answer the grader's messages until it says that this notebook is done."""
    job = wire.receive(link)
    given = _write_files(job["files"], folder)
    sys.path.insert(0, folder)
    os.environ.update(job["environment"])
    random.seed(job["random"])
    np.random.seed(job["random"])
    _framework_threads()
    shell.outputs.capture_streams()
    shell.user_ns["input"] = _no_input
    skip, limits = job["skip"], job["limits"]
    namespaces: dict[str, dict] = {}
    for step in job["steps"]:
        name, started, cpu = str(step["index"]), time.perf_counter(), cpu_seconds()
        if name not in skip:
            outputs, ended = run_cell(shell, step["source"], limits["cell_s"], limits["output"])
            seconds, used = time.perf_counter() - started, cpu_seconds() - cpu
            report = {"step": step["index"], "outputs": outputs, "ended": ended}
            wire.send(link, report | {"seconds": seconds, "cpu": used})
        if step["question"]:
            namespaces[step["question"]] = dict(shell.user_ns)
    wire.send(link, {"done": True, "files": wire.encode(_made_files(folder, given))})
    _answer(link, job, shell, namespaces)


def _answer(link: socket.socket, job: dict, shell: Shell, namespaces: dict[str, dict]) -> None:
    """For every question that the grader asks, the outcome of each case."""
    probes = types.ModuleType("probes")
    exec(compile(job["probes"], "<probes>", "exec"), probes.__dict__)
    silence()
    while (message := wire.receive(link)) is not None and "question" in message:
        question, case = message["question"], message["case"]
        now = dict(shell.user_ns)
        # as it was below the question: a later cell may have used the same names again
        _refill(shell.user_ns, namespaces.get(question, now))
        cpu, inputs = cpu_seconds(), wire.decode(message["inputs"])
        outcome = _outcome(probes, question, shell.user_ns, inputs, job["limits"]["case_s"])
        _refill(shell.user_ns, now)
        report = {"question": question, "case": case, "outcome": wire.encode(outcome)}
        wire.send(link, report | {"cpu": cpu_seconds() - cpu})


def _refill(namespace: dict, content: dict) -> None:
    namespace.clear()
    namespace.update(content)


def _outcome(probes, question: str, namespace: dict, inputs: dict, limit_s: float) -> dict:
    outcome = {"error": "TimeoutError: "}
    if not callable(namespace.get(question)):
        return {"error": "missing"}
    try:
        with alarm(limit_s):
            outcome = {"value": getattr(probes, question)(namespace, copy.deepcopy(inputs))}
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        outcome = {"error": " ".join(traceback.format_exception_only(error)[0].split())[:300]}
    return outcome


def silence() -> None:
    """From here on nothing that is printed is kept."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
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
