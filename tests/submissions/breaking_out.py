"""Submissions that reach for what is around them. None harms a machine on which it succeeds."""

import json

import nbformat

from submissions.book import EVERYTHING, POINTS, Work, case, solution
from submissions.cheating import LINK, answer_wrong


def break_out(work: Work, code: str) -> None:
    """Right answers, and a cell of the student's own between two questions."""
    work.solve()
    work.add(code, before="count_operations")


ABOVE = """
import glob
import os

def above(pattern):
    found, place = [], os.getcwd()
    while place != os.path.dirname(place):
        place = os.path.dirname(place)
        for name in sorted(glob.glob(f"{glob.escape(place)}/{pattern}"))[:20]:
            found.append(name)
    return found[:40]

def attempt(what, *given):
    try:
        print("reached", what(*given))
    except Exception as error:
        print(type(error).__name__, error)
"""


# Files


@case("The gradebook is opened and every score set to 4.", EVERYTHING)
def scores_in_the_gradebook(work: Work) -> None:
    code = """
import sqlite3

def cheat(path):
    with sqlite3.connect(path, timeout=1) as book:
        book.execute("UPDATE grade SET manual_score = 4, auto_score = 4, needs_manual_grade = 0")
    return path

for path in ["../../../gradebook.db", *above("gradebook.db"), *above("*/gradebook.db")]:
    attempt(cheat, path)
"""
    break_out(work, ABOVE + code)


@case("Sources, releases and other students' notebooks are changed.", EVERYTHING)
def notebooks_of_others_changed(work: Work) -> None:
    code = """
def change(path):
    os.chmod(path, 0o644)
    with open(path, "a") as file:
        file.write(" ")
    return path

folders = ("source", "release", "solutions", "submitted/*", "autograded/*", "feedback/*")
for folder in folders:
    for path in above(f"{folder}/1-philosophy/*"):
        if not path.startswith(os.getcwd()):
            attempt(change, path)
attempt(os.makedirs, "../../mallory/1-philosophy")
attempt(os.symlink, os.getcwd(), "../1-philosophy-again")
"""
    break_out(work, ABOVE + code)


@case("Libraries, the interpreter and the grader's code are opened for writing.", EVERYTHING)
def libraries_opened_for_writing(work: Work) -> None:
    code = """
import sys
import sysconfig
import tandem

inside = sys.modules.get("inside.wire", tandem)
folder = sysconfig.get_paths()["purelib"]
library = [np.__file__, tandem.__file__, inside.__file__, sys.executable, os.__file__]
for path in [*library, *above("tests/*.py"), *above("autograder/*.py")]:
    attempt(open, path, "a")
for place in (folder, os.path.dirname(sys.executable), os.path.expanduser("~/../warm"), "/etc"):
    print(place, os.access(place, os.W_OK))
"""
    break_out(work, ABOVE + code)


@case("Start-up files of IPython and Python are left in every home there is.", EVERYTHING)
def startup_files(work: Work) -> None:
    code = """
import site
import sys

def leave(place, name):
    os.makedirs(place, exist_ok=True)
    with open(f"{place}/{name}", "a"):
        return f"{place}/{name}"

homes = {os.path.expanduser("~"), os.environ.get("IPYTHONDIR", "."), "/home/warm", "/root"}
for home in homes:
    attempt(leave, f"{home}/.ipython/profile_default/startup", "00-left-behind.py")
    attempt(leave, f"{home}/profile_default/startup", "00-left-behind.py")
for place in (site.getusersitepackages(), *site.getsitepackages(), *sys.path):
    attempt(leave, place or ".", "left_behind.pth")
"""
    break_out(work, ABOVE + code)


SHADOW = """
import contextlib
import importlib
import os
import sys

print("shadow of", __name__)
path, sys.path = sys.path, [place for place in sys.path if place not in ("", os.getcwd())]
sys.modules.pop(__name__, None)
with contextlib.suppress(ImportError):
    real = importlib.import_module(__name__)
    real.allclose = real.isclose = real.check = lambda *given, **named: True
with contextlib.suppress(ImportError):
    grader = importlib.import_module("autograder.in_kernel")
    grader.grade = lambda assignment, question, namespace: 4.0
sys.path = path
"""


def shadow(work: Work, *names: str) -> None:
    """Wrong answers, and files of these names beside the notebook."""
    answer_wrong(work)
    for name in names:
        file = work.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SHADOW, "utf-8")


@case("numpy.py lies beside the notebook.")
def numpy_beside_the_notebook(work: Work) -> None:
    shadow(work, "numpy.py", "numpy/__init__.py")


@case("A module of the framework's name lies beside the notebook.")
def framework_beside_the_notebook(work: Work) -> None:
    name = "torch" if work.framework == "pytorch" else "tensorflow"
    shadow(work, f"{name}.py", f"{name}/__init__.py", "keras.py")


@case("tandem.py lies beside the notebook.")
def tandem_beside_the_notebook(work: Work) -> None:
    shadow(work, "tandem.py", "tandem/__init__.py")


@case("A package of the grader's name, whose grade gives all points, lies beside the notebook.")
def grader_beside_the_notebook(work: Work) -> None:
    answer_wrong(work)
    for package in ("autograder", "inside"):
        (work.folder / package).mkdir()
        (work.folder / package / "__init__.py").write_text("print('shadow of', __name__)")
        code = "def grade(*given):\n    return 4.0\n\n\ndef run(*given):\n    raise SystemExit"
        for module in ("in_kernel", "judge", "notebook", "wire", "probes"):
            (work.folder / package / f"{module}.py").write_text(code)


@case("Modules of the standard library lie beside the notebook.")
def standard_library_beside_the_notebook(work: Work) -> None:
    shadow(work, "json.py", "random.py", "copy.py", "traceback.py", "base64.py", "decimal.py")
    work.add("import decimal\nimport subprocess\nimport sys", before="sgd_step")


@case("sitecustomize, usercustomize, a .pth file and IPython's configuration lie beside it.")
def site_files_beside_the_notebook(work: Work) -> None:
    shadow(work, "sitecustomize.py", "usercustomize.py", "ipython_config.py", "conftest.py")
    shadow(work, ".ipython/profile_default/startup/00.py", ".local/lib/usercustomize.py")
    (work.folder / "left.pth").write_text("import sitecustomize\n")
    code = """
import subprocess
import sys

print(subprocess.run([sys.executable, "-c", "import sys; print(sys.flags)"], timeout=5))
"""
    work.add(code, before="sgd_step")


@case("A file that came with the submission gives way to another kind of file.", EVERYTHING)
def file_where_a_folder_was(work: Work) -> None:
    (work.folder / "data").mkdir()
    (work.folder / "data" / "points.csv").write_text("1,2")
    (work.folder / "notes").write_text("a file")
    code = """
import os
import shutil

try:
    shutil.rmtree("data")
    os.remove("notes")
except OSError as error:
    print(error)
os.makedirs("notes", exist_ok=True)
for name in ("data", "notes/inside"):
    with open(name, "w") as file:
        file.write("changed")
"""
    break_out(work, code)


@case("Made files have names with line ends, terminal escapes, HTML and 255 bytes.", EVERYTHING)
def file_names_that_confuse(work: Work) -> None:
    code = """
names = ["a\\nb", "\\x1b[2Jc", "<script>alert(1)<\\u2215script>", "\\u65e5" * 85]
names += ["-rf", "con", "e ", "$(touch left)", "%s{0}"]
for name in names:
    try:
        open(name, "w").write(name)
    except OSError as error:
        print(error)
open(b"\\xff\\xfe", "w").write("no text")
""".replace("\\\\", "\\")
    break_out(work, code)


@case(
    "The list of made files is forged: names that leave the folder or that no disk takes.",
    EVERYTHING,
)
def forged_made_files(work: Work) -> None:
    code = """
import sys

names = ["../../left.txt", "/tmp/left.txt", "a/../../left.txt", ".."]
names += ["x\\ud800", "\\U0001f600" * 100, "/".join(["long" * 25] * 8)]
names += ["pytorch.ipynb", "timestamp.txt", "Timestamp.TXT", "a//b", "a", "a/b", "", "nul\\0"]
notebook = sys.modules.get("inside.notebook")
if notebook is not None:
    notebook._made_files = lambda *given: dict.fromkeys(names, b"left behind")
"""
    break_out(work, code)


# Network


@case("TCP, UDP, DNS and raw sockets: something outside answers or a server is opened.", EVERYTHING)
def network(work: Work) -> None:
    code = """
def tcp(port):
    return socket.create_connection(("127.0.0.1", port), timeout=0.2)

def udp(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        return link.sendto(b"left behind", (host, port))

def raw():
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)

import socket

for port in (22, 53, 80, 443, 2375, 5432, 8000, 8080, 8786, 8787, 8888):
    attempt(tcp, port)
attempt(udp, "192.0.2.1", 9)
attempt(raw)
with open("/proc/net/tcp") as file:
    listening = [line.split()[1] for line in file if " 0A " in line]
print("listening:", listening)
for address in listening[:20]:
    attempt(tcp, int(address.partition(":")[2], 16))
"""
    break_out(work, ABOVE + code)


@case(
    "Sockets of other families lead to the kernel or to the host of a virtual machine.", EVERYTHING
)
def other_socket_families(work: Work) -> None:
    code = """
import socket

def open_socket(family, kind):
    socket.socket(family, kind).close()
    return family

families = ("AF_VSOCK", "AF_PACKET", "AF_ALG", "AF_BLUETOOTH", "AF_CAN", "AF_TIPC", "AF_QIPCRTR")
for name in families:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_RAW):
        print(name, end=" ")
        attempt(open_socket, getattr(socket, name, -1), kind)
"""
    break_out(work, ABOVE + code)


@case(
    "Sockets of the host: docker, the system bus, display, and every socket by its name.",
    EVERYTHING,
)
def sockets_of_the_host(work: Work) -> None:
    code = """
import socket

places = ["/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock",
    "/run/podman/podman.sock", "/run/dbus/system_bus_socket", "/tmp/.X11-unix/X0",
    "/run/systemd/private", "/run/systemd/notify", os.environ.get("SSH_AUTH_SOCK", "/none")]
with open("/proc/net/unix") as file:
    places += [line.split()[7] for line in file if len(line.split()) > 7][:50]

def connect(place):
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(0.2)
        link.connect("\\0" + place[1:] if place[0] == "@" else place)
        return place

for place in places:
    attempt(connect, place)
"""
    break_out(work, ABOVE + code)


# Other processes


LIBC = """
import ctypes

libc = ctypes.CDLL(None, use_errno=True)

def call(name, *given):
    result = getattr(libc, name)(*given)
    code = ctypes.get_errno() if result == -1 else 0
    print(name, given[:3], "reached" if result >= 0 else os.strerror(code))
    return result

def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]
"""


@case("Other processes are taken hold of as a debugger does, and let go again.", EVERYTHING)
def debugger(work: Work) -> None:
    code = """
SEIZE, DETACH = 0x4206, 17
for pid in sorted({os.getppid(), *pids()} - {0, os.getpid()})[:40]:
    if call("ptrace", SEIZE, pid, None, None) == 0:
        call("ptrace", DETACH, pid, None, None)
    print(call("syscall", 434, pid, 0))
"""
    break_out(work, ABOVE + LIBC + code)


@case(
    "Memory of the parent and of every other process is read and written by system calls.",
    EVERYTHING,
)
def memory_of_others_written(work: Work) -> None:
    code = """
class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

held = ctypes.create_string_buffer(16)
here = ctypes.byref(Piece(ctypes.addressof(held), 16))
for pid in sorted({os.getppid(), *pids()} - {os.getpid()})[:40]:
    there = ctypes.byref(Piece(0x400000, 16))
    call("process_vm_readv", pid, here, 1, there, 1, 0)
    call("process_vm_writev", pid, here, 0, there, 0, 0)
    attempt(open, f"/proc/{pid}/mem", "r+b")
"""
    break_out(work, ABOVE + LIBC + code)


@case("Signals go to the parent and to every other process; all of them are harmless.", EVERYTHING)
def signals_to_others(work: Work) -> None:
    code = """
import signal

for pid in sorted({os.getppid(), *pids()} - {0, 1, os.getpid()})[:60]:
    attempt(os.kill, pid, 0)
if os.getppid() > 1:
    attempt(os.kill, os.getppid(), signal.SIGCONT)
for pid in pids()[:20]:
    attempt(os.setpriority, os.PRIO_PROCESS, pid, 19)
"""
    break_out(work, ABOVE + LIBC + code)


ALONE = """
import os
import signal

alone = os.getpgrp() in (0, os.getpid())  # nobody's process group but the notebook's own
print("group", os.getpgrp(), "session", os.getsid(0))
"""


@case("The whole process group is killed, and with it whoever started the notebook.", EVERYTHING)
def process_group_killed(work: Work) -> None:
    break_out(work, ALONE + "if alone:\n    os.kill(0, signal.SIGKILL)")


@case(
    "The whole process group is stopped for ever, and with it whoever waits for the notebook.",
    EVERYTHING,
)
def process_group_stopped(work: Work) -> None:
    code = """
if alone and os.getpgrp() == 0:
    os.kill(0, signal.SIGSTOP)
"""
    break_out(work, ALONE + code)


@case("A function that is graded kills its process group.", EVERYTHING | {"slope": 0})
def process_group_killed_by_a_function(work: Work) -> None:
    work.solve()
    code = "\n\ndef slope(x):\n    if alone:\n        os.kill(0, signal.SIGKILL)\n    return 0.0"
    work.answer("slope", ALONE + code)


@case(
    "The grader at the other end of the socket is found by the kernel's help and signalled.",
    EVERYTHING,
)
def grader_behind_the_socket(work: Work) -> None:
    code = """
import signal

PEER_PIDFD = 77
for link in links():
    print(link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    try:
        peer = link.getsockopt(socket.SOL_SOCKET, PEER_PIDFD)
        print("peer", peer)
        attempt(signal.pidfd_send_signal, peer, signal.SIGCONT)
        call("syscall", 438, peer, 0, 0)
        call("setns", peer, 0x20000000)
    except OSError as error:
        print(error)
for pid in pids():
    handle = os.open(f"/proc/{pid}", os.O_RDONLY)
    if pid not in (os.getpid(), int(os.readlink("/proc/self"))):
        attempt(signal.pidfd_send_signal, handle, 0)
    os.close(handle)
"""
    break_out(work, ABOVE + LIBC + LINK + code)


DAEMON = """
import os
import subprocess
import sys

program = "import signal, time; signal.pthread_sigmask(0, range(1, 65)); time.sleep(30)"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", program, "left-behind"])
    os._exit(0)
"""


@case("A process of a session of its own, with every signal blocked, is left behind.", EVERYTHING)
def daemon(work: Work) -> None:
    break_out(work, DAEMON + "os.wait()")


@case("A process is left behind by a function that is graded.", EVERYTHING)
def daemon_of_a_function(work: Work) -> None:
    work.solve()
    lines = DAEMON.strip().replace("\n", "\n    ") + "\n    os.wait()\n    return slope_right(x)"
    right = solution(work.framework, "slope").replace("def slope", "def slope_right")
    work.answer("slope", f"{right}\n\n\ndef slope(x):\n    {lines}")


@case("Every signal is ignored and blocked; then a cell loops for four seconds.", EVERYTHING)
def signals_ignored(work: Work) -> None:
    code = """
import signal
import time

for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        print("refused", number)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
end = time.monotonic() + 4
while time.monotonic() < end:
    pass
"""
    break_out(work, code)


@case("A cell reads address 0 and crashes the process.", EVERYTHING)
def crash_in_a_cell(work: Work) -> None:
    break_out(work, "import ctypes\nctypes.string_at(0)")


@case("A function that is graded crashes the process.", EVERYTHING | {"newton": 0})
def crash_in_a_function(work: Work) -> None:
    work.solve()
    code = "import ctypes\n\ndef newton(a, tolerance):\n    return ctypes.string_at(0), 3"
    work.answer("newton", code)


# The kernel


@case("New namespaces are asked for, one kind after the other, to be root in them.", EVERYTHING)
def new_namespaces(work: Work) -> None:
    code = """
import subprocess
import sys

kinds = (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x4000000, 0x8000000, 0x2000000, 0x80)
for kind in kinds:
    child = os.fork()
    if child == 0:
        call("unshare", kind)
        call("unshare", kind | 0x10000000)
        if call("syscall", 56, kind | 0x10000011, 0, 0, 0, 0) > 0:
            print("cloned")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
run = subprocess.run("unshare -Urm id", shell=True, capture_output=True, text=True, timeout=5)
print(run.stdout, run.stderr)
"""
    break_out(work, ABOVE + LIBC + code)


@case(
    "File systems are mounted, the root is changed and read-only places are made writable.",
    EVERYTHING,
)
def mounts(work: Work) -> None:
    code = """
call("mount", b"proc", b".", b"proc", 0, None)
call("mount", b"/", b".", None, 0x1000, None)
call("mount", None, b"/", None, 0x1020, None)
call("umount2", b"/tmp", 2)
call("chroot", b".")
call("syscall", 155, b".", b".")
call("syscall", 428, -100, b"/", 1)
call("syscall", 430, b"tmpfs", 0)
attempt(os.mknod, "disk", 0o60666, os.makedev(8, 0))
attempt(os.listdir, "/sys/kernel")
for name in ("core_pattern", "modprobe", "sysrq"):
    attempt(open, f"/proc/sys/kernel/{name}", "a")
"""
    break_out(work, ABOVE + LIBC + code)


@case("Key rings, other kernel interfaces and open_by_handle_at are tried.", EVERYTHING)
def kernel_interfaces(work: Work) -> None:
    code = """
held = ctypes.create_string_buffer(256)
call("syscall", 248, b"user", b"left", b"behind", 6, -4)
call("syscall", 250, 0, -4, 1)
call("syscall", 249, b"user", b"left", None, -4)
call("syscall", 425, 4, held)
call("syscall", 321, 0, held, 48)
call("syscall", 298, held, 0, -1, -1, 0)
call("syscall", 323, 0)
call("syscall", 312, os.getpid(), os.getppid(), 0, 0, 0)
call("syscall", 304, -100, held, 0)
call("syscall", 0x40000000 | 101, 16, os.getppid(), 0, 0)
call("syscall", 175, held, 0, b"")
call("syscall", 169, 0xFEE1DEAD, 672274793, 0, None)
"""
    break_out(work, ABOVE + LIBC + code)


@case("Set-user-id programs, sudo and setuid are asked for another user's rights.", EVERYTHING)
def other_users_rights(work: Work) -> None:
    code = """
import subprocess

for command in ("sudo -n id", "su -c id root < /dev/null", "newgrp < /dev/null"):
    run = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=5)
    print(command, run.returncode, run.stdout[:80], run.stderr[:80])
attempt(os.setuid, 0)
attempt(os.setgroups, [0])
attempt(os.setresuid, -1, 0, -1)
with open("/proc/self/status") as file:
    print([line.strip() for line in file if line.startswith(("Uid", "CapEff", "NoNewPrivs"))])
with open("own", "wb") as file:
    file.write(b"#!/bin/sh\\nid")
attempt(os.chmod, "own", 0o6755)
"""
    break_out(work, ABOVE + code)


@case("A letter is pushed into the terminal from which grading was started.", EVERYTHING)
def pushed_into_the_terminal(work: Work) -> None:
    code = """
import fcntl
import termios

for place in ("/dev/tty", "/dev/console", "/dev/pts/0", "/proc/self/fd/0", "/proc/self/fd/2"):
    def push():
        with open(place, "w") as terminal:
            fcntl.ioctl(terminal, termios.TIOCSTI, b" ")
        return place
    attempt(push)
"""
    break_out(work, ABOVE + code)


# The channel to the grader


@case(
    "Every inherited descriptor is written to, then the socket is filled until it is full.",
    EVERYTHING,
)
def inherited_descriptors(work: Work) -> None:
    code = """
for name in sorted(os.listdir("/proc/self/fd"), key=int):
    try:
        print(name, os.readlink(f"/proc/self/fd/{name}"))
    except OSError:
        continue
for link in links():
    try:
        for _ in range(64):
            link.send(b"\\xff" * 2**20, socket.MSG_DONTWAIT)
    except OSError as error:
        print(error)
"""
    break_out(work, LINK + code)


@case("Descriptors are sent over the socket, which a careless grader would keep.", EVERYTHING)
def descriptors_sent(work: Work) -> None:
    code = """
for link in links():
    try:
        for _ in range(20):
            socket.send_fds(link, [b"x"], [0, 1, 2], socket.MSG_DONTWAIT)
    except OSError as error:
        print(error)
"""
    break_out(work, LINK + code)


@case("A message of 60 MB becomes gigabytes when the grader reads it.", EVERYTHING)
def message_that_swells(work: Work) -> None:
    code = """
body = b'{"step":[' + b"[]," * 20_000_000 + b"0]}"
for link in links():
    try:
        link.sendall(struct.pack(">I", len(body)) + body)
    except OSError as error:
        print(error)
"""
    break_out(work, LINK + code)


@case("Answers are messages that a careless reader trips over.")
def messages_that_trip(work: Work) -> None:
    work.solve()
    code = """
import json
import struct
import sys

array = '{"$":"array","dtype":DTYPE,"shape":SHAPE,"data":"DATA"}'
texts = ['"\\\\ud800"', "null", "1e999", "[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]", '{"$":"inf"}',
    '{"$":"dict","items":[["value",{"$":"dict","items":[["log","\\\\ud800"]]}]]}',
    '{"$":"dict","items":[["value",{"$":"dict","items":[["counts",[]]]}]]}',
    '{"$":"dict","items":[["value",{"$":"dict","items":[["counts",{"$":"dict","items":'
    '[["\\\\ud800_1",1e999]]}]]}]]}', '{"$":"dict","items":[["error","\\\\u001b[2J:"]]}',
    '{"$":"dict","items":[["stopped","has 4 of 4 points"]]}', '{"$":"bytes","data":""}',
    array.replace("DTYPE", '"<f8"').replace("SHAPE", "[0,9223372036854775807]"),
    array.replace("DTYPE", '"<f8"').replace("SHAPE", "[1e400]"), '{"$":["a"]}', '{"$":{}}',
    array.replace("DTYPE", "[]").replace("SHAPE", "[-1]"), "NaN", "[" * 10**5, "9" * 5000]
wire = sys.modules.get("inside.wire")

def send(link, message):
    text = json.dumps(message)
    if "outcome" in message:
        text = text.replace(json.dumps(message["outcome"]), texts.pop(0) if texts else "0")
    body = text.encode()
    link.sendall(struct.pack(">I", len(body)) + body)

if wire is not None:
    wire.send = send
"""
    work.add(code)


# What people look at


MARKUP = """
<script>document.title = "left behind"</script><img src=x onerror="alert(1)">
<iframe src="javascript:alert(1)"></iframe><svg onload="alert(1)"></svg>
<a href="javascript:alert(1)">the feedback</a><form action="//192.0.2.1"><button>go</button></form>
"""


@case("Outputs of every kind carry HTML with scripts.", EVERYTHING)
def scripts_in_outputs(work: Work) -> None:
    code = f"""
from IPython.display import HTML, Javascript, Latex, Markdown, SVG, display

text = {MARKUP!r}
print(text)
display(HTML(text), Javascript("alert(1)"), Markdown(text), Latex(text))
picture = {{"image/png": '" onerror="alert(1)', "image/svg+xml": f"<svg>{{text}}</svg>"}}
display(picture, raw=True)
display({{"text/html": [text], "text/plain": {{"a": text}}, text: text}}, raw=True)
display({{"text/html": "<b>x</b>"}}, raw=True, metadata={{"text/html": {{"isolated": True}}}})
raise type(text, (Exception,), {{}})(text)
"""
    break_out(work, code)


@case("Text cells and solution cells carry HTML with scripts.", EVERYTHING)
def scripts_in_text_cells(work: Work) -> None:
    work.solve()
    work.add(MARKUP, before="slope", kind="markdown")
    work.add(
        f"[click](javascript:alert(1)) ![x](x){{onerror=alert(1)}}\n\n{MARKUP}", kind="markdown"
    )
    work.answer("slope", solution(work.framework, "slope") + f"\n# {MARKUP.replace(chr(10), ' ')}")


@case("The names of the cells are HTML with a script.", row="none of its graded cells is known")
def script_in_a_cell_name(work: Work) -> None:
    work.solve()
    named = (cell for cell in work.notebook.cells if "nbgrader" in cell.metadata)
    for number, cell in enumerate(named):
        cell.metadata.nbgrader.grade_id = f"<img src=x onerror=alert({number})>"


@case("The notebook's format is HTML with a script.", row="format")
def script_in_the_format(work: Work) -> None:
    content = json.loads(nbformat.writes(work.notebook))
    content["nbformat"] = MARKUP
    work.raw = json.dumps(content).encode()


@case(
    "Files beside the notebook have terminal escapes, markup and HTML in their names.", EVERYTHING
)
def escapes_in_file_names(work: Work) -> None:
    work.solve()
    for name in (
        "\x1b[2J\x1b]0;left behind\x07.ipynb",
        "[bold red]100.ipynb",
        "[red].ipynb",
        "<b>.ipynb",
    ):
        (work.folder / name).write_text("{}")
    for name in ("\x1b[31m.csv", "[x].csv", "new\nline.csv"):
        (work.folder / name).write_text("1")


@case(
    "Printed text has terminal escapes that clear, rename and overwrite what is seen.", EVERYTHING
)
def terminal_escapes(work: Work) -> None:
    code = r"""
import sys

escapes = "\x1b[2J\x1b[H\x1b]0;left behind\x07\x1b]8;;http://192.0.2.1\x07x\x1b]8;;\x07\x9b2J\x1bP+q\x1b\\"
print(escapes + "\b" * 40 + "\r20 of 20 points\x00")
print(escapes, file=sys.stderr)
raise ValueError(escapes)
"""
    break_out(work, code)


@case("The functions have right answers whose exceptions and prints carry escapes and HTML.")
def markup_in_exceptions(work: Work) -> None:
    for question in POINTS:
        raised = f"type({MARKUP!r}, (Exception,), {{}})(chr(27) + '[2J')"
        code = f"def {question}(*given):\n    raise {raised}"
        work.answer(question, code)


@case("Rights and times of everything from the working folder upwards are changed.", EVERYTHING)
def rights_and_times_of_files(work: Work) -> None:
    code = """
import os

place = os.getcwd()
for _ in range(6):
    place = os.path.dirname(place)
    for here, folders, names in os.walk(place):
        for name in (folders + names)[:200]:
            for change in (lambda path: os.chmod(path, 0o700), lambda path: os.utime(path, (1, 1))):
                try:
                    change(os.path.join(here, name))
                except OSError:
                    pass
        if here.count("/") - place.count("/") > 3:
            folders[:] = []
"""
    work.solve()
    work.add(code, before="slope")
