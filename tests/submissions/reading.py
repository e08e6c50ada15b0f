"""Submissions that look for secrets and try to carry them out.

What is read is shown from the word that every planted secret begins with. Where the secret is a
hidden input, the code shows CANARY beside it, so that one check finds both.
"""

import os

from submissions.book import CANARY, EVERYTHING, Work, case, solution
from submissions.breaking_out import ABOVE, LIBC
from submissions.cheating import LINK, WRONG, answer_together, answer_wrong

WORD = CANARY.partition("-")[0]
MARK = f'"{WORD}" + "{CANARY.removeprefix(WORD)}"'  # an expression, so that no source has it

LOOK = f"""
import os
import time

end = time.monotonic() + 2
looked = []

def show(data, where=""):
    if isinstance(data, str):
        data = data.encode("utf-8", "replace")
    place = data.find(b"{WORD}-")
    if place >= 0:
        print("found", where, data[max(0, place - 40) : place + 40])

def look(path, size=2**20):
    looked.append(path)
    try:
        show(path, "name")
        if os.path.isfile(path):
            with open(path, "rb") as file:
                show(file.read(size), path)
    except OSError:
        pass

def walk(top):
    for here, folders, names in os.walk(top):
        folders[:] = [name for name in folders if name not in ("proc", "sys", "dev", "usr", "lib")]
        for name in names[:50]:
            if time.monotonic() < end:
                look(os.path.join(here, name))
        if time.monotonic() > end:
            return
"""


def read(work: Work, code: str) -> None:
    """Right answers, and a cell of the student's own between two questions."""
    work.solve()
    work.add(LOOK + code + '\nprint("looked at", len(looked), looked[:5])', before="newton")


@case("Everything from the working folder upwards is read.", EVERYTHING)
def folders_above(work: Work) -> None:
    code = """
place = os.getcwd()
for _ in range(6):
    place = os.path.dirname(place)
    walk(place)
"""
    read(work, code)


@case(
    "Sources, releases, submissions and feedback are looked for by their usual paths.", EVERYTHING
)
def usual_paths(work: Work) -> None:
    code = """
folders = ("source", "solutions", "release", "submitted/*", "autograded/*", "feedback/*")
for folder in folders:
    for path in above(f"{folder}/1-philosophy/*") + above(f"{folder}/*"):
        look(path)
for name in ("gradebook.db", "nbgrader_config.py", "*.db", "*.json", "*.txt", ".autograder/*"):
    for path in above(name):
        look(path)
"""
    read(work, ABOVE + code)


@case("Everything from the root downwards is read for two seconds.", EVERYTHING)
def whole_disk(work: Work) -> None:
    code = """
for top in ("/home", "/root", "/srv", "/opt", "/mnt", "/work", "/grader", "/tmp", "/var", "/"):
    walk(top)
"""
    read(work, code)


@case("The homes of the grader and of everyone are read: keys, histories, tokens.", EVERYTHING)
def homes(work: Work) -> None:
    code = """
import glob
import pwd

names = (".bash_history", ".python_history", ".ipython/profile_default/history.sqlite",
    ".netrc", ".ssh/id_*", ".jupyter/*", ".config/*", ".local/share/jupyter/runtime/*", "*")
homes = {entry.pw_dir for entry in pwd.getpwall() if entry.pw_dir != "/"}
for home in homes | {os.path.expanduser("~"), "/root", "/home/warm"}:
    for name in names:
        for path in glob.glob(f"{home}/{name}")[:50]:
            look(path)
"""
    read(work, code)


@case(
    "The hidden tests are looked for in the notebook on disk and in the cells that ran.", EVERYTHING
)
def own_notebook_on_disk(work: Work) -> None:
    code = """
import glob

hidden = "BEGIN HIDDEN" + " TESTS"
for path in glob.glob("**/*", recursive=True) + glob.glob("../**/*.ipynb", recursive=True)[:50]:
    look(path)
    with open(path, errors="replace") as file:
        print(path, hidden in file.read()) if os.path.isfile(path) else None
for place in (In, get_ipython().user_ns, get_ipython().history_manager.input_hist_raw):
    print("cells", hidden in str(place))
"""
    read(work, code)


@case("A function reads the solution from the sources and runs it.")
def solution_from_the_sources(work: Work) -> None:
    answer_wrong(work)
    code = f"""
import glob
import json

for path in above("s*/1-philosophy/{work.framework}.ipynb"):
    with open(path) as file:
        cells = json.load(file)["cells"]
    for cell in cells:
        name = cell["metadata"].get("nbgrader", {{}}).get("grade_id")
        if name in ("slope", "newton") and cell["cell_type"] == "code":
            exec("".join(cell["source"]), globals())
            print("took", name, "from", path)
"""
    wrong = f"{WRONG['slope']}\n{WRONG['newton']}"
    answer_together(work, f"{ABOVE}\n{wrong}\n{code}", "slope", "newton")


@case("The environment of this process and the grader's settings are printed.", EVERYTHING)
def environment(work: Work) -> None:
    code = """
import subprocess

for name, value in os.environ.items():
    show(value, name)
show(subprocess.run("env; set; export", shell=True, capture_output=True).stdout, "shell")
look("/proc/self/environ")
print(sorted(os.environ))
"""
    read(work, code)


@case("Environment, command line, maps and files of every process are read.", EVERYTHING)
def other_processes(work: Work) -> None:
    code = """
names = ("environ", "cmdline", "maps", "mountinfo", "cgroup", "stack", "auxv", "limits")
seen = sorted({os.getppid(), *pids()})[:60]
for pid in seen:
    for name in names:
        look(f"/proc/{pid}/{name}")
    for link in ("cwd", "root", "exe"):
        try:
            place = os.readlink(f"/proc/{pid}/{link}")
            show(place, link)
            if pid not in (os.getpid(), int(os.readlink("/proc/self"))) and link != "exe":
                print("reached", pid, link, os.listdir(f"/proc/{pid}/{link}/")[:5])
                walk(f"/proc/{pid}/{link}/")
        except OSError:
            pass
print("processes", seen)
"""
    read(work, LIBC + code)


@case("Descriptors of every process are opened again through /proc.", EVERYTHING)
def descriptors_of_other_processes(work: Work) -> None:
    code = """
for pid in sorted({os.getppid(), *pids()})[:60]:
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError as error:
        print(pid, error.strerror)
        continue
    for name in names:
        path = f"/proc/{pid}/fd/{name}"
        print(pid, name, os.readlink(path)) if os.path.islink(path) else None
        if os.path.isfile(path):
            look(path)
"""
    read(work, LIBC + code)


@case("The memory of this process is searched: what was the grader's before the fork?", EVERYTHING)
def own_memory(work: Work) -> None:
    code = f"""
import ctypes

ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # what hides memory from others hides it from oneself
word = b"{WORD}" + b"-7"
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps:
        if "rw-p" not in line or time.monotonic() > end:
            continue
        start, stop = (int(number, 16) for number in line.split()[0].split("-"))
        looked.append(line)
        try:
            memory.seek(start)
            data = memory.read(min(stop - start, 2**24))
        except (OSError, ValueError, OverflowError):
            continue
        place = data.find(word)
        if place >= 0:
            print("found", data[place - 20 : place + 40])
"""
    read(work, code)


@case("The memory of the parent and of every other process is searched.", EVERYTHING)
def memory_of_other_processes(work: Work) -> None:
    code = """
for pid in sorted({os.getppid(), *pids()} - {os.getpid()}, reverse=True)[:60]:
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in maps:
                start, stop = (int(number, 16) for number in line.split()[0].split("-"))
                if "rw" in line and time.monotonic() < end:
                    memory.seek(start)
                    looked.append(pid)
                    show(memory.read(min(stop - start, 2**22)), f"memory of {pid}")
    except (OSError, ValueError, OverflowError) as error:
        print(pid, error)
"""
    read(work, LIBC + code)


@case("Frames of the callers and all objects of the process are searched.", EVERYTHING)
def frames_and_objects(work: Work) -> None:
    code = """
import gc
import sys

frame = sys._getframe()
while frame is not None:
    looked.append(frame.f_code.co_qualname if sys.version_info > (3, 11) else "")
    for name, value in list(frame.f_locals.items()):
        if type(value) in (str, bytes, dict, list):
            show(repr(value)[:10**6], name)
            if "job" in name or "request" in name:
                print(name, sorted(value) if type(value) is dict else "")
    frame = frame.f_back
gc.unfreeze()
for held in gc.get_objects():
    if type(held) is dict and time.monotonic() < end:
        for value in list(held.values()):
            if type(value) in (str, bytes):
                show(value, "object")
"""
    read(work, code)


@case("The interpreter's history and the inputs of other cells are searched.", EVERYTHING)
def history(work: Work) -> None:
    code = """
import readline

shell = get_ipython()
for number in range(readline.get_current_history_length()):
    show(readline.get_history_item(number + 1) or "", "readline")
for kind in ("get_tail", "search"):
    try:
        for line in getattr(shell.history_manager, kind)(*[["*"], [50]][kind == "get_tail"]):
            looked.append(line)
            show(str(line), kind)
    except Exception as error:
        print(kind, error)
for path in (getattr(shell.history_manager, "hist_file", ""), "/proc/self/cwd/.history"):
    look(str(path))
"""
    read(work, code)


@case(
    "Hidden values are asked of the grader's modules, with every seed that can be found.",
    EVERYTHING,
)
def answers_of_the_grader(work: Work) -> None:
    code = f"""
import sys

try:
    from autograder.questions.q1_philosophy import answers
    print({MARK}, answers.QUESTIONS["slope"].cases(2026)[0].expected)
except Exception as error:
    print(error)
for place in [*sys.path, "/grader", "/grader/inside", *above("autograder/questions/*")]:
    for folder in (place, f"{{place}}/autograder/questions/q1_philosophy"):
        path = f"{{folder}}/answers.py"
        if os.path.isfile(path):
            print({MARK}, path)
"""
    read(work, ABOVE + code)


# Hidden inputs


KEPT = """
import glob
import os

kept = [f"{place}/kept" for place in ("/tmp", "/dev/shm", "/var/tmp", "/home/warm", ".", "..")]

def keep(text):
    for path in kept:
        try:
            with open(path, "a") as file:
                file.write(text)
        except OSError:
            pass

for path in kept:
    if os.path.exists(path):
        print("kept by an earlier run:", path, open(path).read())
"""


@case(
    "The end of the run is forged, so that hidden inputs come while a cell can print.",
    in_tier={"B": EVERYTHING},  # it finds no link to forge it on, and its answers are right
)
def inputs_by_a_forged_end(work: Work) -> None:
    code = f"""
import time

steps = steps_from("steps of a forged end")
print("steps", steps)
for link in links() if steps else ():
    for index in steps:
        link.sendall(frame({{"step": index, "outputs": [], "ended": True, "cpu": 0.1}}))
    link.sendall(frame({{"done": True, "files": {{"$": "dict", "items": []}}}}))
    time.sleep(0.1)
    try:
        said = {MARK} + repr(link.recv(2**16, socket.MSG_DONTWAIT))
    except OSError as error:
        said = ""
    print(said)
    keep(said)
"""
    work.solve()
    work.add(KEPT + LINK + code, before="newton")


@case(
    "A function keeps hidden inputs on disk and kills its process, to print them when run again.",
    EVERYTHING | {"slope": 0},
)
def inputs_kept_for_another_run(work: Work) -> None:
    work.solve()
    code = f"""
def slope(x):
    if x not in (1.0, 2.0):
        keep({MARK} + str(x))
        os._exit(0)
    return 0.0
"""
    work.answer("slope", KEPT + code)


def leaking(work: Work, question: str, leak: str, head: str = "") -> None:
    """Right answers, one of which lets out an input that no visible check has."""
    work.solve()
    right = solution(work.framework, question).replace(f"def {question}", "def right")
    code = f"""
def slope(x):
    if x not in (1.0, 2.0):
        secret = {MARK} + " " + str(x)
{leak}
    return right(x)
"""
    work.answer(question, f"{head}\n{right}\n\n{code}")


@case(
    "A function prints hidden inputs: by print, the system, loggers, warnings, display.", EVERYTHING
)
def inputs_printed(work: Work) -> None:
    head = "import logging\nimport os\nimport sys\nimport warnings\nfirst = sys.stdout"
    leak = """
        print(secret, flush=True)
        print(secret, file=first, flush=True)
        print(secret, file=sys.__stderr__, flush=True)
        os.write(1, secret.encode())
        os.write(2, secret.encode())
        os.system(f"echo {secret}")
        logging.error(secret)
        warnings.warn(secret)
        display(secret)
        get_ipython().run_cell(f"print({secret!r})")
"""
    leaking(work, "slope", leak, head)


@case("A function writes hidden inputs to files beside the notebook.", EVERYTHING)
def inputs_in_files(work: Work) -> None:
    head = """
import os
opened = open("open.txt", "a")
mapped = open("mapped.bin", "w+b")
mapped.write(bytes(4096))
mapped.flush()
import mmap
view = mmap.mmap(mapped.fileno(), 4096)
"""
    leak = """
        opened.write(secret)
        opened.flush()
        view[: len(secret)] = secret.encode()
        view.flush()
        with open("made.txt", "a") as file:
            file.write(secret)
        os.makedirs(secret, exist_ok=True)
        open(f"{secret}/empty", "w").close()
"""
    leaking(work, "slope", leak, head)


@case(
    "An exception has hidden inputs in its text, its name, its notes and its causes.",
    EVERYTHING | {"slope": 0},
    shows=(r"the function raised an exception",),
)
def inputs_in_exceptions(work: Work) -> None:
    leak = """
        error = type(secret, (Exception,), {"__module__": secret})(secret)
        error.add_note(secret)
        raise error from ValueError(secret)
"""
    leaking(work, "slope", leak)


@case(
    "A builtin exception, a SyntaxError and a group of errors carry hidden inputs.",
    EVERYTHING | {"slope": 0},
    shows=(r"the function raised (KeyError|SyntaxError|ExceptionGroup)",),
)
def inputs_in_builtin_exceptions(work: Work) -> None:
    leak = """
        if x > 0:
            raise SyntaxError(secret, (secret, 1, 1, secret))
        raise ExceptionGroup(secret, [KeyError(secret)])
"""
    leaking(work, "slope", leak)


@case(
    "A function returns hidden inputs in names, types and texts, hoping that they are repeated.",
    EVERYTHING | {"slope": 0},
)
def inputs_in_answers(work: Work) -> None:
    leak = """
        return type(secret, (float,), {"__repr__": lambda self: secret})(x)
"""
    leaking(work, "slope", leak)


@case(
    "The counts of operations are named after hidden inputs.", EVERYTHING | {"count_operations": 0}
)
def inputs_in_names(work: Work) -> None:
    work.solve()
    code = f"""
calls = []

def count_operations(output):
    calls.append(output)
    return {{{MARK} + repr(output): 1}} if len(calls) > 1 else {{}}
"""
    work.answer("count_operations", code)


@case("A display that was shown earlier is updated with hidden inputs.", EVERYTHING)
def inputs_in_an_earlier_display(work: Work) -> None:
    head = "shown = display('nothing yet', display_id=True)\nheld = get_ipython()"
    leak = """
        shown.update(secret)
        held.user_ns["Out"] = {1: secret}
        for output in getattr(getattr(held, "outputs", None), "items", []):
            output["text"] = secret
"""
    leaking(work, "slope", leak, head)


@case("A thread that began in a cell prints what a function was asked.", EVERYTHING)
def inputs_by_a_thread(work: Work) -> None:
    head = """
import os
import threading
import time

asked = []
kept_out = os.dup(1)

def tell():
    end = time.monotonic() + 4
    while time.monotonic() < end:
        if asked:
            os.write(kept_out, asked[-1].encode())
            print(asked[-1], flush=True)
        time.sleep(0.01)

threading.Thread(target=tell, daemon=True).start()
"""
    leaking(work, "slope", "        asked.append(secret)", head)


@case("A process that a cell left behind writes down what a function was asked.", EVERYTHING)
def inputs_by_another_process(work: Work) -> None:
    head = """
import os

ours, theirs = os.pipe()
if os.fork() == 0:
    os.close(theirs)
    said = os.read(ours, 1000)
    os.write(1, said)
    with open("told.txt", "wb") as file:
        file.write(said)
    os._exit(0)
"""
    leaking(work, "slope", "        os.write(theirs, secret.encode())", head)


# Ways out and links


@case(
    "What is found is carried out by display, HTML comments, pictures, files and names.", EVERYTHING
)
def many_ways_out(work: Work) -> None:
    code = """
from IPython.display import HTML, Javascript, Markdown, display

found = [path for path in above("canary*") + above("gradebook.db") if os.path.isfile(path)]
found.append("/proc/1/environ")
for path in found:
    try:
        with open(path, errors="replace") as file:
            text = file.read(2000)
    except OSError as error:
        print(error)
        continue
    display(HTML(f"<!-- {text} -->"), Markdown(f"[]({text})"), Javascript(f"// {text}"))
    display({"image/png": text, "text/plain": ""}, raw=True, metadata={"note": text})
    with open("carried.txt", "a") as file:
        file.write(text)
    open("".join(c for c in text if c.isalnum() or c == "-")[:80] or "empty", "w").close()
    print(text[::1])
"""
    read(work, ABOVE + code)


@case(
    "Links in the submitted folder lead to the gradebook, the sources and other students.",
    EVERYTHING,
)
def links_in_the_submission(work: Work) -> None:
    places = {"up": "../../..", "root": "/", "book": "../../../gradebook.db"}
    places |= {"bob": "../../bob", "source": "../../../source", "env": "/proc/self/environ"}
    for name, place in places.items():
        os.symlink(place, work.folder / f"link_{name}")
    code = """
for name in sorted(os.listdir(".")):
    look(name)
    if os.path.isdir(name) and time.monotonic() < end:
        walk(name)
print(sorted(os.listdir(".")))
"""
    read(work, code)


@case("The notebook itself is a link to another student's.", row="link")
def notebook_that_is_a_link(work: Work) -> None:
    work.notebook = None
    os.symlink(f"../../bob/1-philosophy/{work.framework}.ipynb", work.file)


@case("The time of submission is a link to a secret file.", EVERYTHING)
def timestamp_that_is_a_link(work: Work) -> None:
    work.solve()
    os.symlink("../../../gradebook.db", work.folder / "timestamp.txt")


@case("Hard links and links that a cell makes lead out of the folder.", EVERYTHING)
def links_made_by_a_cell(work: Work) -> None:
    code = """
places = above("gradebook.db") + above("canary*") + ["../../../gradebook.db", "/proc/1/environ"]
for number, place in enumerate(places):
    for how in (os.symlink, os.link):
        try:
            os.remove(f"made_{number}.txt") if os.path.lexists(f"made_{number}.txt") else None
            how(place, f"made_{number}.txt")
            look(f"made_{number}.txt")
        except OSError as error:
            print(how.__name__, error.strerror)
if not os.path.lexists("folder"):
    os.symlink("/", "folder")
"""
    read(work, ABOVE + code)


@case("Names in the submitted folder are made like paths that lead out of it.", EVERYTHING)
def names_like_paths(work: Work) -> None:
    work.solve()
    for name in ("..\\..\\gradebook.db", "...", "..%2f..%2fleft.txt", "C:left.txt", "~", "-e", " "):
        (work.folder / name).write_text("left behind")
    deep = work.folder / "a" / ".." / "b"
    (work.folder / "a").mkdir()
    deep.mkdir()
    (deep / "numbers.csv").write_text("1,2")
