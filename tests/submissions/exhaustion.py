"""Submissions that take all there is of something. Each is bounded: other graders run them too."""

import json

import nbformat

from submissions.book import EVERYTHING, Work, case, solution

NOT_SLOPE = EVERYTHING | {"slope": 0}
NOT_NEWTON = EVERYTHING | {"newton": 0}
NOT_LOG = EVERYTHING | {"predict_log": 0}


def solve_around(work: Work, code: str) -> None:
    """Right answers everywhere, and a cell of the student's own between two questions."""
    work.solve()
    work.add(code, before="count_operations")


@case("A cell loops for a minute.", EVERYTHING)
def endless_loop_in_a_cell(work: Work) -> None:
    code = """
import time
end = time.monotonic() + 60
while time.monotonic() < end:
    pass
"""
    solve_around(work, code)


@case("A function that is graded loops for a minute.", NOT_SLOPE)
def endless_loop_in_a_function(work: Work) -> None:
    work.solve()
    code = """
import time

def slope(x):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        pass
"""
    work.answer("slope", code)


DEAF = """
import time

def {function}(*given):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            while time.monotonic() < end:
                pass
        except BaseException:
            pass
"""


@case("A cell loops for a minute and catches every exception, the grader's too.", EVERYTHING)
def endless_loop_that_catches_everything(work: Work) -> None:
    solve_around(work, DEAF.format(function="spin") + "\nspin()")


@case("A function that is graded loops and catches every exception.", NOT_SLOPE)
def deaf_function(work: Work) -> None:
    work.solve()
    work.answer("slope", DEAF.format(function="slope"))


@case("Two functions that are graded loop and catch every exception.", NOT_SLOPE | {"newton": 0})
def two_deaf_functions(work: Work) -> None:
    work.solve()
    for question in ("slope", "newton"):
        work.answer(question, DEAF.format(function=question))


@case("A cell sleeps for a minute with every signal blocked.", EVERYTHING)
def sleep_with_signals_blocked(work: Work) -> None:
    code = """
import signal, time
blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
time.sleep(60)
signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
"""
    solve_around(work, code)


@case("Ten cells at the end sleep for twenty seconds each.", EVERYTHING)
def many_sleeping_cells(work: Work) -> None:
    work.solve()
    for _ in range(10):
        work.add("import time\ntime.sleep(20)")


@case("A cell takes 6 GB of memory.", EVERYTHING)
def memory_in_a_cell(work: Work) -> None:
    code = """
held = []
for _ in range(24):
    held.append(bytearray(b"x") * 2**28)
del held
"""
    solve_around(work, code)


@case("A function that is graded takes 6 GB of memory.", NOT_SLOPE)
def memory_in_a_function(work: Work) -> None:
    work.solve()
    code = """
def slope(x):
    return len([bytearray(b"x") * 2**28 for _ in range(24)])
"""
    work.answer("slope", code)


@case("A cell makes tensors of 6 GB.", EVERYTHING)
def memory_in_tensors(work: Work) -> None:
    ones = "torch.ones(2**26)" if work.framework == "pytorch" else "tf.ones([2**26])"
    solve_around(work, f"held = [{ones} for _ in range(24)]\ndel held")


@case("Twelve processes take half a gigabyte each and keep it for twenty seconds.", EVERYTHING)
def memory_of_many_processes(work: Work) -> None:
    code = """
import os, time
children = []
for _ in range(12):
    child = os.fork()
    if child == 0:
        held = bytearray(b"x") * 2**29
        time.sleep(20)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
"""
    solve_around(work, code)


@case("A cell doubles its processes seven times; each sleeps for half a minute.", EVERYTHING)
def fork_bomb(work: Work) -> None:
    code = """
import os, time
first = os.getpid()
try:
    for _ in range(7):
        os.fork()
finally:
    if os.getpid() != first:
        time.sleep(30)
        os._exit(0)
"""
    solve_around(work, code)


@case("A cell starts two hundred processes in sessions of their own.", EVERYTHING)
def two_hundred_daemons(work: Work) -> None:
    code = """
import subprocess
for _ in range(200):
    subprocess.Popen(["sleep", "60"], start_new_session=True)
"""
    solve_around(work, code)


@case("Eight processes compute for a minute in the background.", EVERYTHING)
def busy_children(work: Work) -> None:
    code = """
import subprocess, sys
spin = "import time; end = time.monotonic() + 60\\nwhile time.monotonic() < end: pass"
for _ in range(8):
    subprocess.Popen([sys.executable, "-c", spin])
"""
    solve_around(work, code)


@case("A cell starts two hundred threads that sleep for a minute.", EVERYTHING)
def two_hundred_threads(work: Work) -> None:
    code = """
import threading, time
for _ in range(200):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
"""
    solve_around(work, code)


@case("A thread that is no daemon goes on for a minute after the last cell.", EVERYTHING)
def thread_that_outlives_the_cells(work: Work) -> None:
    work.solve()
    work.add("import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()")


@case("A cell fills the folder, the folder for scratch files, and keeps them full.", EVERYTHING)
def disk(work: Work) -> None:
    code = """
import tempfile
held = []
for folder in (".", None):
    for _ in range(8):
        file = tempfile.TemporaryFile(dir=folder)
        held.append(file)
        try:
            for _ in range(8):
                file.write(b"x" * 2**24)
                file.flush()
        except OSError as error:
            print(error)
"""
    solve_around(work, code)


@case("A cell makes twenty thousand files.", EVERYTHING)
def inodes(work: Work) -> None:
    code = """
import os
os.makedirs("many", exist_ok=True)
for number in range(20_000):
    open(f"many/{number}", "w").close()
"""
    solve_around(work, code)


@case("A cell fills the memory that processes share.", EVERYTHING)
def shared_memory(work: Work) -> None:
    code = """
import os, tempfile
held = [tempfile.TemporaryFile(dir="/dev/shm") for _ in range(8)]
for file in held:
    for _ in range(8):
        file.write(b"x" * 2**24)
        file.flush()
"""
    solve_around(work, code)


@case("A cell prints 300 MB on both streams.", EVERYTHING)
def output_by_python(work: Work) -> None:
    code = """
import sys
for _ in range(150):
    print("x" * 2**20)
    print("y" * 2**20, file=sys.stderr)
"""
    solve_around(work, code)


@case("A cell writes 600 MB past Python to both streams.", EVERYTHING)
def output_past_python(work: Work) -> None:
    code = """
import os
for _ in range(300):
    os.write(1, b"x" * 2**20)
    os.write(2, b"y" * 2**20)
"""
    solve_around(work, code)


@case("A child process writes 300 MB to the cell's output.", EVERYTHING)
def output_of_a_child(work: Work) -> None:
    solve_around(work, "!yes | head -c 300000000")


@case("A cell prints a million lines, each of its own.", EVERYTHING)
def a_million_lines(work: Work) -> None:
    solve_around(work, "for number in range(1_000_000):\n    print(number, flush=True)")


@case("A cell displays twenty thousand things.", EVERYTHING)
def many_displays(work: Work) -> None:
    solve_around(work, "for number in range(20_000):\n    display(number)")


@case("A cell draws two hundred large figures.", EVERYTHING)
def many_figures(work: Work) -> None:
    code = """
import matplotlib.pyplot as plt
for number in range(200):
    plt.figure(figsize=(8, 6))
    plt.imshow(np.random.rand(200, 200))
plt.show()
"""
    solve_around(work, code)


@case("A cell opens as many files as it can and keeps them open.", EVERYTHING)
def file_descriptors(work: Work) -> None:
    code = """
held = []
try:
    for _ in range(5000):
        held.append(open("/dev/null"))
except OSError as error:
    print(error)
"""
    solve_around(work, code)


@case("The file has 100 MB.", row=r"MB")
def giant_notebook(work: Work) -> None:
    work.solve()
    work.notebook.metadata["ballast"] = "x" * (100 * 2**20)


@case("The outputs in the file have 30 MB, as pictures and logs can.", EVERYTHING)
def large_outputs(work: Work) -> None:
    work.solve()
    text = nbformat.v4.new_output("stream", name="stdout", text="x" * (30 * 2**20))
    work.cell_of("slope").outputs = [text]


@case("The notebook has 50,000 cells.", row=r"50,?\d{3} cells")
def fifty_thousand_cells(work: Work) -> None:
    work.solve()
    content = json.loads(nbformat.writes(work.notebook))
    content["cells"] += [{"cell_type": "code", "source": "1", "metadata": {}}] * 50_000
    work.raw = json.dumps(content).encode()


@case("A cell computes a power with a hundred million binary digits.", EVERYTHING)
def giant_power(work: Work) -> None:
    solve_around(work, "giant = 7 ** (4 * 10**7)")


@case("A function returns a whole number with ten thousand digits.", NOT_NEWTON)
def giant_number(work: Work) -> None:
    work.solve()
    code = """
def newton(a, tolerance):
    return a, 10**10_000
"""
    work.answer("newton", code)


@case("A function returns a list that has no end worth waiting for.", NOT_LOG)
def answer_without_end(work: Work) -> None:
    work.solve()
    code = """
import itertools

def predict_log(calls):
    return itertools.repeat("run", 700_000_000)
"""
    work.answer("predict_log", code)


@case("A function returns a tensor of 800 MB.", NOT_NEWTON)
def giant_tensor(work: Work) -> None:
    work.solve()
    ones = "torch.ones(200_000_000)" if work.framework == "pytorch" else "tf.ones([200_000_000])"
    work.answer("newton", f"def newton(a, tolerance):\n    return {ones}, 3")


@case("A cell ends with a value whose text has 100 MB.", EVERYTHING)
def huge_text_of_a_value(work: Work) -> None:
    solve_around(work, '"x" * 10**8')


@case("A value takes a minute to say what it is.", EVERYTHING)
def slow_text_of_a_value(work: Work) -> None:
    code = """
import time

class Slow:
    def __repr__(self):
        time.sleep(60)
        return "slow"

Slow()
"""
    solve_around(work, code)


@case("A cell recurses a million deep in C until the process crashes.", EVERYTHING)
def deep_recursion(work: Work) -> None:
    code = """
import sys
sys.setrecursionlimit(10**7)

class Deep:
    def __getattr__(self, name):
        return max([name], key=lambda name: getattr(self, name))

Deep().deeper
"""
    solve_around(work, code)


@case("A function recurses without end.", NOT_SLOPE)
def recursion_in_a_function(work: Work) -> None:
    work.solve()
    work.answer("slope", "def slope(x):\n    return slope(x + 1) + 1")


@case("A regular expression goes back and forth for minutes.", EVERYTHING)
def endless_regex(work: Work) -> None:
    solve_around(work, 'import re\nre.match("(a+)+$", "a" * 30 + "b")')


@case("A child process leaves one behind that keeps the pipe open for a minute.", EVERYTHING)
def child_that_holds_the_pipe(work: Work) -> None:
    solve_around(work, 'import subprocess\nsubprocess.check_output("sleep 60 &", shell=True)')


@case("A thread prints for a minute after the last cell has ended.", EVERYTHING)
def output_after_the_last_cell(work: Work) -> None:
    work.solve()
    code = """
import threading, time

def talk():
    end = time.monotonic() + 60
    while time.monotonic() < end:
        print("x" * 1000, flush=True)

threading.Thread(target=talk, daemon=True).start()
"""
    work.add(code)


@case("A helper process writes without end to the notebook's output.", EVERYTHING)
def child_that_writes_on(work: Work) -> None:
    work.solve()
    work.add('import subprocess\nsubprocess.Popen("timeout 60 yes", shell=True)')


@case("The answer to one question leaves 100 MB behind in each call.", EVERYTHING)
def function_that_leaks(work: Work) -> None:
    work.solve()
    leak = "leaked = []\n\n" + solution(work.framework, "count_operations")
    stop = '    leaked.append(bytearray(b"x") * 2**26)\n    counts = {}'
    work.answer("count_operations", leak.replace("    counts = {}", stop))


@case("Half a gigabyte of memory is put into files that no process has mapped.", EVERYTHING)
def memory_in_unseen_files(work: Work) -> None:
    code = """
import os

files = [os.memfd_create(str(number)) for number in range(64)]
for file in files:
    os.write(file, bytes(2**23))
"""
    solve_around(work, code)


@case("HTML is nested 16,000 times, which takes long to clean.", EVERYTHING)
def deeply_nested_html(work: Work) -> None:
    code = """
from IPython.display import HTML, display

display(HTML("<div>" * 16_000))
"""
    solve_around(work, code)


@case("No function is there, and a cell of 200,000 empty lines to look for one in.", NOT_SLOPE)
def empty_lines_without_end(work: Work) -> None:
    work.solve()
    work.answer("slope", "1" + "\n" * 200_000 + "2")
