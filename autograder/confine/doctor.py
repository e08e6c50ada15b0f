"""Tries what a hostile notebook would try, and says what this machine can promise.

A tier is granted only when every attempt fails in it. The attempts run as notebooks do, through the
same engine, so what is probed is what grades.
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from autograder.confine.tiers import Tier, tier
from autograder.engines.local import Local
from autograder.jobs import Job, Limits, Result, Step
from autograder.warm import WarmError

SMALL = Limits(cell_s=5, notebook_s=20, memory=256 * 2**20, disk=32 * 2**20, output=2**16)


@dataclass(frozen=True)
class Finding:
    """What an attempt came to: `held` when the tier stopped it; `seen` says what happened."""

    promise: str
    held: bool
    seen: str


def choose() -> tuple[Tier | None, dict[str, list[Finding]]]:
    """The strongest tier that holds, or None, and the findings in every tier."""
    tried = {name: examine(tier(name)) for name in "ABC"}
    held = [name for name, findings in tried.items() if all(f.held for f in findings)]
    return (tier(held[0]) if held else None), tried


def chosen(folder: Path) -> Tier | None:
    """The strongest tier that holds, tried anew unless `folder` has it from this boot.

    A finding is good for one boot of one machine, one user and one version of what confines.
    """
    file, here = folder / "tier.json", _here()
    with contextlib.suppress(OSError, ValueError):
        kept = json.loads(file.read_text("utf-8"))
        if kept["here"] == here and kept["tier"]:
            return tier(kept["tier"])
    name = next((n for n in "ABC" if all(f.held for f in examine(tier(n)))), "")
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"here": here, "tier": name}), "utf-8")
    return tier(name) if name else None


def _here() -> list[str]:
    """What the findings depend on."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    program = Path(shutil.which("bwrap") or "/")
    package = Path(__file__).parents[1]
    ours = [
        *package.glob("inside/*.py"),
        *package.glob("confine/*.py"),
        package / "warm.py",
        program,
    ]
    stamps = [f"{file} {file.stat().st_mtime_ns}" for file in sorted(ours)]
    return [boot.read_text() if boot.exists() else "", str(os.getuid()), sys.executable, *stamps]


def examine(confinement: Tier) -> list[Finding]:
    """Every attempt in this tier; a tier that cannot even start says why."""
    if confinement.name == "C" and not confinement.uid:
        return [Finding("start", False, "needs root, to become another user")]
    try:
        with Local(confinement, 2) as engine:
            first = list(works(engine))
            if not first[0].held:  # nothing can be learnt from what does not run
                return first
            return first + [finding for attempt in ATTEMPTS for finding in attempt(engine)]
    except (WarmError, OSError) as error:
        return [Finding("start", False, str(error))]


def _run(engine: Local, *sources: str, limits: Limits = SMALL) -> list[Result]:
    """Run each source as a notebook of one cell, all at a time."""
    jobs = [
        Job("", "", str(n), "plain", (Step(0, s),), limits=limits) for n, s in enumerate(sources)
    ]
    results = {job.notebook: result for job, result in engine.run((job, 0) for job in jobs)}
    return [results[job.notebook] for job in jobs]


def _said(result: Result) -> str:
    """What a notebook printed, or why it was stopped."""
    found = result.outputs.get(0, [])
    texts = [o.get("text", "") or f"{o.get('ename', '')} {o.get('evalue', '')} " for o in found]
    return " ".join("".join(texts).split())[:200] or "; ".join(result.stopped.values())


def works(engine: Local) -> Iterator[Finding]:
    """An honest notebook runs: packages can be imported, files written, and it is not root."""
    code = """
import os, sqlite3, numpy, tempfile
open("made.txt", "w").write("x"); tempfile.TemporaryFile()
held = [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")]
print("works as user", os.getuid(), "with capabilities", int(held[0], 16))
"""
    said = _said(_run(engine, code)[0])
    fine = said.startswith("works") and not said.startswith("works as user 0 ")
    yield Finding("notebooks run, and not as root", fine and said.endswith(" 0"), said)


def network(engine: Local) -> Iterator[Finding]:
    """TCP to this machine, a datagram to the world, a socket of this machine by name."""
    name = f"\\0{secrets.token_hex(8)}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(name.replace("\\0", "\0"))
        unix.listen()
        code = f"""
import socket
def attempt(what, *steps):
    try:
        s = socket.socket(*what); [getattr(s, step)(*given) for step, *given in steps]
        print("reached", what)
    except OSError as error:
        print(type(error).__name__)
attempt((socket.AF_INET, socket.SOCK_STREAM), ("connect", {tcp.getsockname()!r}))
attempt((socket.AF_INET, socket.SOCK_DGRAM), ("sendto", b"x", ("192.0.2.1", 9)))
attempt((socket.AF_UNIX, socket.SOCK_STREAM), ("connect", "{name}"))
"""
        said = _said(_run(engine, code)[0])
    yield Finding("no network", bool(said) and "reached" not in said, said)


def files(engine: Local) -> Iterator[Finding]:
    """Read, write and open to all a file beside the gradebook; our answers; a library."""
    answers = Path(__file__).resolve().parents[1] / "questions" / "__init__.py"
    with tempfile.TemporaryDirectory(prefix="canary-", dir=Path.cwd()) as folder:
        os.chmod(folder, 0o755)
        canary = Path(folder, "canary")
        canary.write_text("secret")
        before = canary.stat()
        code = f"""
import numpy, os
def attempt(what, *given):
    try:
        print("reached", what, open(*given))
    except OSError as error:
        print(type(error).__name__)
attempt("canary", {str(canary)!r})
try: os.chmod({str(canary)!r}, 0o666); os.utime({str(canary)!r}, (1, 1))
except OSError as error: print(type(error).__name__)
attempt("folder", {str(canary.with_name("new"))!r}, "w")
attempt("answers", {str(answers)!r})
attempt("library", numpy.__file__, "a")
attempt("other notebooks", os.path.join(os.path.dirname(os.getcwd()), "new"), "w")
"""
        said = _said(_run(engine, code)[0])
        touched = canary.read_text() != "secret" or canary.with_name("new").exists()
        after = canary.stat()
        touched |= (before.st_mode, before.st_mtime) != (after.st_mode, after.st_mtime)
    fine = bool(said) and "reached" not in said and not touched
    yield Finding("no file of yours read or changed", fine, said)


def neighbours(engine: Local) -> Iterator[Finding]:
    """Signals to every process, and a look into each, while another notebook runs."""
    patient = "import time\nfor _ in range(15):\n    time.sleep(0.1)\nprint('still here')"
    code = """
import os, time
time.sleep(0.5)
reached = []
try: listed = [int(name) for name in os.listdir("/proc") if name.isdigit()]
except OSError: listed = []
for pid in listed + [%d]:
    if pid in (os.getpid(), int(os.readlink("/proc/self"))):
        continue
    try:
        os.kill(pid, 0); reached.append(pid)  # signal 0 asks whether one could be sent
    except OSError: pass
    try:
        open(f"/proc/{pid}/environ", "rb").read(1); reached.append(-pid)
    except OSError: pass
print("reached" if reached else "nobody", *reached)
"""
    signal_to = os.getpid()
    patient, said = map(_said, _run(engine, patient, code % signal_to))
    fine = patient == "still here" and said == "nobody"
    yield Finding("no other process signalled or read", fine, f"{said}; the other: {patient}")


def hand_over(engine: Local) -> Iterator[Finding]:
    """Something left for the next notebook: in folders that all may write, and in the kernel."""
    mark, key = secrets.token_hex(8), secrets.randbelow(2**30)
    code = """
import ctypes, os
found = []
own = os.environ["TMPDIR"], os.environ["HOME"]
for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run/lock", *own):
    try:
        found.append(open(f"{folder}/%s", "%s"))
    except OSError: pass
if ctypes.CDLL(None).shmget(%d, 4096, %s) >= 0: found.append("shared memory")
print("found" if found else "nothing", *found)
"""
    _run(engine, code % (mark, "w", key, "0o1666"))
    said = _said(_run(engine, code % (mark, "r", key, "0o666"))[0])
    yield Finding("nothing left for the next notebook", said == "nothing", said)


def memory(engine: Local) -> Iterator[Finding]:
    """Memory in one process, in three, and in files that no process has mapped, without end."""
    one = "hold = []\nwhile True:\n    hold.append(bytearray(2**22))"
    three = f"import os, time\n[os.fork() and os.fork()]\n{one}"
    for what, code in (("memory", one), ("memory of many processes", three)):
        reason = "; ".join(_run(engine, code)[0].stopped.values())
        yield Finding(f"{what} bounded", "memory" in reason, reason or "was not stopped")
    unseen = """
import os
files = [os.memfd_create(str(n)) for n in range(64)]
for file in files: os.write(file, bytes(2**23))
print("kept", len(files), "files")
"""
    result = _run(engine, unseen)[0]
    said = _said(result)
    yield Finding("memory of unseen files bounded", "kept" not in said and bool(said), said)


def orphans(engine: Local) -> Iterator[Finding]:
    """A process in a session of its own that outlives its notebook."""
    mark = secrets.token_hex(8)
    code = f"""
import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", "{mark}"],
                 start_new_session=True)
print("left one behind")
"""
    said = _said(_run(engine, code)[0])
    left = [process for process in psutil.process_iter() if mark in _command(process)]
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    yield Finding("nothing outlives its notebook", "left" in said and not left, said)


def _command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def output(engine: Local) -> Iterator[Finding]:
    """Text without end, by Python and by the system."""
    code = "import os\nwhile True:\n    print('x' * 2**16)\n    os.write(2, b'y' * 2**16)"
    result = _run(engine, code)[0]
    kept = sum(len(output.get("text", "")) for output in result.outputs.get(0, []))
    yield Finding("output bounded", kept < 4 * SMALL.output, f"kept {kept} characters")


def endless(engine: Local) -> Iterator[Finding]:
    """A loop that is deaf to every signal that can be ignored."""
    code = """
import signal
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
while True: pass
"""
    quick = Limits(cell_s=0.5, notebook_s=2, memory=SMALL.memory)
    reason = "; ".join(_run(engine, code, limits=quick)[0].stopped.values())
    yield Finding("endless loops ended", "longer" in reason, reason or "was not stopped")


ATTEMPTS: tuple[Callable[[Local], Iterator[Finding]], ...] = (
    network,
    files,
    neighbours,
    hand_over,
    memory,
    orphans,
    output,
    endless,
)
