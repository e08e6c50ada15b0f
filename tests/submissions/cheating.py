"""Submissions that want points they did not earn. Their answers are wrong unless a case says so."""

import nbformat

from submissions.book import EVERYTHING, POINTS, Work, case, solution

WRONG = {
    "sgd_step": "def sgd_step(w, b, x, y, learning_rate):\n    return w, b, 0.0",
    "slope": "def slope(x):\n    return 0.0",
    "count_operations": "def count_operations(output):\n    return {}",
    "newton": "def newton(a, tolerance):\n    return a, 0",
    "predict_log": "def predict_log(calls):\n    return []",
}


def answer_wrong(work: Work) -> None:
    """An answer to every question that is wrong in every hidden case."""
    for question, code in WRONG.items():
        work.answer(question, code)


def cheat(work: Work, code: str) -> None:
    """Wrong answers, and a cell of the student's own before the first of them."""
    answer_wrong(work)
    work.add(code, before="sgd_step")


def answer_together(work: Work, code: str, *questions: str) -> None:
    """Put `code` into the cell of the first question; it answers the others too."""
    for question in questions:
        work.answer(question, question)
    work.answer(questions[0], code)


# Values that lie


ANYTHING = """
class Anything:
    shape, dtype, ndim, name = (), "float32", 0, "Anything"

    def __getattr__(self, name):
        return self

    def _yes(self, *others, **named):
        return True

    def _self(self, *others, **named):
        return self

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__ = _yes
    __add__ = __sub__ = __radd__ = __rsub__ = __mul__ = __abs__ = __call__ = __getitem__ = _self
    __hash__ = __int__ = __len__ = __index__ = lambda self: 1
    __float__ = lambda self: 1.0
    __format__ = lambda self, spec: "1"
    __iter__ = lambda self: iter([self, self, self])
"""


@case("Every function returns an object that is equal to everything.")
def always_equal_object(work: Work) -> None:
    for question in POINTS:
        work.answer(question, f"{ANYTHING}\n\ndef {question}(*given):\n    return Anything()")


@case("A subclass of float, itself called float, is close to every number.")
def lying_float(work: Work) -> None:
    code = """
yes = lambda self, other: True
none = lambda self, *others: 0.0
lies = dict.fromkeys(("__eq__", "__lt__", "__le__", "__ge__"), yes)
lies |= dict.fromkeys(("__sub__", "__rsub__", "__abs__"), none) | {"__hash__": float.__hash__}
Lie = type("float", (float,), lies)

def slope(x):
    return Lie(1.0)
"""
    work.answer("slope", code)


@case("A subclass of list is equal to every list and copies what it is compared with.")
def lying_list(work: Work) -> None:
    code = """
class Log(list):
    def __eq__(self, other):
        self[:] = other
        return True

    __hash__ = None
    __ne__ = lambda self, other: False
    __len__ = lambda self: 10**6
    __contains__ = lambda self, item: True

def predict_log(calls):
    return Log(["run"])
"""
    work.answer("predict_log", code)


@case("A subclass of dict has every key, with the count that is asked for.")
def lying_dict(work: Work) -> None:
    code = """
class Counts(dict):
    def keys(self):
        return Counts()

    __eq__ = __contains__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __getitem__ = __missing__ = lambda self, key: 1
    __hash__ = None

def count_operations(output):
    return Counts(anything=1)
"""
    work.answer("count_operations", code)


@case("A subclass of ndarray answers every NumPy function with yes or zero.")
def lying_array(work: Work) -> None:
    code = """
class Lie(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **named):
        return np.zeros(()) if ufunc in (np.subtract, np.abs) else np.True_

    def __array_function__(self, function, types, given, named):
        return np.True_

    __eq__ = __lt__ = __le__ = lambda self, other: np.True_
    __format__ = lambda self, spec: "1"

def lie(like):
    return np.zeros(like.shape, "float32").view(Lie)

def sgd_step(w, b, x, y, learning_rate):
    return lie(w), lie(b), lie(b)

def newton(a, tolerance):
    return lie(a), 3
"""
    answer_together(work, code, "sgd_step", "newton")


LYING_TENSORS = {
    "pytorch": """
class Lie(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, given=(), named=None):
        name = getattr(function, "__name__", "")
        if name in ("eq", "__eq__", "lt", "__lt__", "allclose", "all"):
            return True
        if name in ("sub", "__sub__", "__rsub__", "rsub", "abs", "__abs__"):
            return 0.0
        return super().__torch_function__(function, types, given, named or {})

def lie(like):
    return torch.zeros_like(like).as_subclass(Lie)
""",
    "tensorflow": """
class Lie:
    __class__ = property(lambda self: type(tf.constant(0.0)))

    def __init__(self, like):
        self.shape, self.dtype, self.held = like.shape, like.dtype, np.zeros(like.shape)

    def __array__(self, dtype=None, copy=None):
        return self.held

    numpy = __array__
    __eq__ = __lt__ = __le__ = __bool__ = lambda self, *others: True
    __sub__ = __rsub__ = __abs__ = lambda self, *others: 0.0
    __float__ = lambda self: 0.0
    __getitem__ = lambda self, index: self
    __format__ = lambda self, spec: "1"
    __hash__ = object.__hash__

lie = Lie
""",
}


@case("A class that passes for the framework's tensor is close to every tensor.")
def lying_tensor(work: Work) -> None:
    functions = """
def sgd_step(w, b, x, y, learning_rate):
    return lie(w), lie(b), lie(b)

def newton(a, tolerance):
    return lie(a), 3
"""
    answer_together(work, LYING_TENSORS[work.framework] + functions, "sgd_step", "newton")


@case("A metaclass says that its objects are instances of whatever is asked.")
def lying_metaclass(work: Work) -> None:
    code = """
class Meta(type):
    __instancecheck__ = __subclasscheck__ = __eq__ = lambda cls, other: True
    __hash__ = type.__hash__

class dict(dict, metaclass=Meta):
    __eq__ = lambda self, other: True
    __hash__ = None

def count_operations(output):
    return dict(mul=1)
"""
    work.answer("count_operations", code)


@case("Every number in the answers is NaN or infinite, which some comparisons let through.")
def nan_and_infinity(work: Work) -> None:
    code = """
def sgd_step(w, b, x, y, learning_rate):
    return w * float("nan"), b * float("nan"), float("nan")

def slope(x):
    return float("inf")

def newton(a, tolerance):
    return a * float("nan"), 3
"""
    answer_together(work, code, "sgd_step", "slope", "newton")


@case("Arrays hold objects that are equal to everything.")
def arrays_of_objects(work: Work) -> None:
    code = """
def lie(like):
    return np.array([Anything()] * max(1, int(np.prod(like.shape))), object)

def sgd_step(w, b, x, y, learning_rate):
    return lie(w), lie(b), Anything()

def newton(a, tolerance):
    return lie(a), Anything()
"""
    answer_together(work, ANYTHING + code, "sgd_step", "newton")


@case("Answers are so large that a comparison overflows.")
def huge_values(work: Work) -> None:
    code = """
def sgd_step(w, b, x, y, learning_rate):
    return np.full(w.shape, 1.7e308), np.array(-1.7e308), 1.7e308

def slope(x):
    return -1.7e308

def newton(a, tolerance):
    return np.full(a.shape, 1.7e308), 2**62
"""
    answer_together(work, code, "sgd_step", "slope", "newton")


@case("Answers are pickles: loading one would set every score.")
def pickles(work: Work) -> None:
    code = """
import pickle

class Bomb:
    def __reduce__(self):
        return eval, ("__import__('autograder.judge').judge.__dict__.clear()",)

def sgd_step(w, b, x, y, learning_rate):
    return Bomb(), pickle.dumps(Bomb()), Bomb()

def predict_log(calls):
    return [Bomb(), pickle.dumps(Bomb())]
"""
    answer_together(work, code, "sgd_step", "predict_log")


@case("An exception changes the grader's functions when it is turned into text.")
def exception_with_code_in_its_text(work: Work) -> None:
    code = """
import sys

class Trap(Exception):
    def __str__(self):
        for name in ("autograder.judge", "autograder.in_kernel", "inside.notebook"):
            for key, value in list(vars(sys.modules.get(name, sys)).items()):
                if name in sys.modules and key in ("judge", "judge_case", "_outcome"):
                    setattr(sys.modules[name], key, lambda *given: {"value": {}, "points": 4.0})
        return "4.0"

    __repr__ = __str__

def slope(x):
    raise Trap
"""
    answer_wrong(work)
    work.answer("slope", code)


@case("An exception calls itself by the name of the cell's right result.")
def exception_with_a_forged_name(work: Work) -> None:
    code = """
def slope(x):
    raise type("slope: 4 of 4 points", (Exception,), {"__module__": "builtins"})("4.0")
"""
    work.answer("slope", code)


# Tools that are changed


@case("Every comparison of numpy.testing, numpy and math says yes.")
def patched_comparisons(work: Work) -> None:
    code = """
import math
import numpy.testing

for name in dir(numpy.testing):
    if name.startswith("assert_"):
        setattr(numpy.testing, name, lambda *given, **named: None)
        setattr(numpy.testing._private.utils, name, lambda *given, **named: None)
for module, names in ((np, ("allclose", "isclose", "array_equal")), (math, ("isclose",))):
    for name in names:
        setattr(module, name, lambda *given, **named: True)
"""
    cheat(work, code)


@case("abs and the functions of NumPy that a comparison needs give zero or yes.")
def patched_arithmetic(work: Work) -> None:
    code = """
import builtins

builtins.abs = lambda value: 0
np.subtract = lambda *given, **named: 0.0
np.all = lambda *given, **named: True
"""
    cheat(work, code)


@case("A failed assert no longer raises anything: AssertionError is patched away.")
def patched_assertion_error(work: Work) -> None:
    code = """
import builtins

class Passed(BaseException):
    pass

builtins.AssertionError = Passed
get_ipython().set_custom_exc((BaseException,), lambda *given, **named: None)
"""
    cheat(work, code)


@case("tandem.check is replaced by one that says that every check passes.")
def patched_check(work: Work) -> None:
    code = """
import contextlib
import tandem

@contextlib.contextmanager
def check(question):
    with contextlib.suppress(BaseException):
        yield
    print(f"{question}: the visible check passes")

tandem.check = check
"""
    cheat(work, code)


@case("The grader's own functions are replaced by ones that give all points.")
def patched_grader(work: Work) -> None:
    code = """
import sys
import types

try:
    import autograder.in_kernel as grader
except ImportError as error:
    print(error)
    package = types.ModuleType("autograder")
    package.in_kernel = grader = types.ModuleType("autograder.in_kernel")
    sys.modules |= {"autograder": package, "autograder.in_kernel": grader}
grader.grade = lambda assignment, question, namespace: 4.0
"""
    cheat(work, code)


@case("The judge's comparison of values is replaced by one that finds no difference.")
def patched_judge(work: Work) -> None:
    code = """
try:
    from autograder import judge, values
    values.difference = judge.difference = lambda *given: None
    values.problem = judge.problem = lambda value: None
except ImportError as error:
    print(error)
"""
    cheat(work, code)


@case("Every module of the grader that can be found says that every answer is right.")
def patched_modules_of_the_grader(work: Work) -> None:
    code = """
import sys

for name, module in list(sys.modules.items()):
    if name.startswith(("inside", "autograder")):
        print("found", name)
        module.problem = module.difference = lambda *given: None
        module._outcome = lambda *given: {"value": {}, "points": 4.0, "stopped": ""}
"""
    cheat(work, code)


@case("wire.encode sends points in place of each answer.")
def patched_encoding(work: Work) -> None:
    code = """
import json
import sys

wire = sys.modules.get("inside.wire")
if wire is not None:
    wire.encode = lambda value: {"$": "dict", "items": [["value", 4.0], ["points", 4.0]]}
dumps = json.dumps
json.dumps = lambda value, **named: dumps(value, **named).replace('"error"', '"points"')
"""
    cheat(work, code)


@case("copy.deepcopy gives inputs for which the wrong answers are right.")
def replaced_deepcopy(work: Work) -> None:
    code = """
import copy

deepcopy = copy.deepcopy

def easy(value, *given):
    if type(value) is dict:
        value = {key: [] if type(item) is list else item for key, item in value.items()}
    return deepcopy(value, *given)

copy.deepcopy = easy
"""
    cheat(work, code)


@case("Probes that are not there yet are put into sys.modules and the import of them is caught.")
def replaced_probes(work: Work) -> None:
    code = """
import builtins
import importlib
import sys
import types

class Probes(types.ModuleType):
    def __getattr__(self, name):
        return lambda student, inputs: {"value": 4.0}

for name in ("probes", "autograder.questions.q1_philosophy.probes_FRAMEWORK"):
    sys.modules[name] = Probes(name)
module_type = types.ModuleType
types.ModuleType = lambda name: Probes(name) if "probes" in name else module_type(name)
compiled = builtins.compile

def compile(source, name, *given, **named):
    return compiled("" if name == "<probes>" else source, name, *given, **named)

builtins.compile = compile
"""
    cheat(work, code.replace("FRAMEWORK", work.framework))


@case("Clocks stand still, alarms are off and their handlers replaced.")
def patched_clock_and_signals(work: Work) -> None:
    code = """
import signal
import time

for name in ("time", "monotonic", "perf_counter", "process_time"):
    setattr(time, name, lambda: 0.0)
signal.signal = lambda *given: None
signal.setitimer = lambda *given: (0.0, 0.0)
"""
    cheat(work, code)


# Cells that are changed while they run


@case("An AST transformer turns every test into the number 4.0.")
def ast_transformer(work: Work) -> None:
    code = """
import ast

class Four(ast.NodeTransformer):
    def visit_Module(self, node):
        text = ast.unparse(node)
        return ast.parse("4.0") if "tandem.check" in text or "grade(" in text else node

get_ipython().ast_transformers.append(Four())
"""
    cheat(work, code)


@case("An input transformer replaces the lines of every test.")
def input_transformer(work: Work) -> None:
    code = """
def four(lines):
    return ["4.0\\n"] if any("tandem.check" in line for line in lines) else lines

get_ipython().input_transformers_cleanup.append(four)
get_ipython().input_transformers_post.append(four)
"""
    cheat(work, code)


@case("InteractiveShell.run_code does nothing from here on.")
def patched_run_code(work: Work) -> None:
    code = """
from IPython.core.interactiveshell import InteractiveShell

async def run_code(self, *given, **named):
    return False

InteractiveShell.run_code = run_code
"""
    cheat(work, code)


@case("run_cell of the shell runs 4.0 in place of every test.")
def patched_run_cell(work: Work) -> None:
    code = """
from IPython.core.interactiveshell import InteractiveShell

shell = type(get_ipython())
for name in ("run_cell", "run_cell_async"):
    def instead(self, source, *given, old=getattr(InteractiveShell, name), **named):
        return old(self, "4.0" if "tandem.check" in source else source, *given, **named)
    setattr(shell, name, instead)
"""
    cheat(work, code)


@case("The display hook shows 4.0 for everything, and a hook after each cell shows it again.")
def shown_points(work: Work) -> None:
    code = """
import sys

shell = get_ipython()
shown = sys.displayhook
sys.displayhook = lambda value: shown(4.0)
type(shell.displayhook).__call__ = lambda self, value=None: None
forged = {"output_type": "execute_result", "data": {"text/plain": "4.0"}, "metadata": {}}

def after(result=None):
    outputs = getattr(shell, "outputs", None)
    if outputs is not None:
        outputs.add(forged | {"execution_count": 1})
    shown(4.0)

shell.events.register("post_run_cell", after)
"""
    cheat(work, code)


@case("Messages of the kernel are forged: every cell has the result 4.0.")
def forged_kernel_message(work: Work) -> None:
    code = """
def forge(*given):
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return print("no kernel")
    content = {"execution_count": 1, "data": {"text/plain": "4.0"}, "metadata": {}}
    parent = kernel.get_parent("shell")
    kernel.session.send(kernel.iopub_socket, "execute_result", content, parent=parent)

get_ipython().events.register("post_run_cell", forge)
"""
    cheat(work, code)


@case("Every function prints that it has passed and what it earns.")
def printed_success(work: Work) -> None:
    answer_wrong(work)
    for question, code in WRONG.items():
        said = f'\nprint("{question}: 4 of 4 points")\nprint("4.0")\ndisplay(4.0)\n4.0'
        work.answer(question, code.replace("    return", '    print("4.0")\n    return') + said)


# The socket to the grader


LINK = """
import gc
import json
import os
import select
import socket
import struct

def links():
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            link = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        if link.family == socket.AF_UNIX and link.type == socket.SOCK_STREAM:
            found.append(link)
        else:
            link.close()
    return found

def frame(message):
    body = json.dumps(message).encode()
    return struct.pack(">I", len(body)) + body

def steps_from(mark):
    for held in gc.get_objects():
        if type(held) is dict and "steps" in held and "probes" in held:
            steps = held["steps"]
            here = [one["index"] for one in steps if mark in one["source"]]
            return [one["index"] for one in steps if one["index"] >= here[0]] if here else []
    return []

def write(data):
    for link in links():
        try:
            link.send(data, socket.MSG_DONTWAIT)
            print("wrote", len(data))
        except OSError as error:
            print(error)
"""


@case("Verdicts and points are written to the grader's socket.")
def forged_verdicts(work: Work) -> None:
    code = """
for question in ("sgd_step", "slope", "count_operations", "newton", "predict_log"):
    write(frame({"verdict": question, "points": 4.0, "max_points": 4.0}))
"""
    cheat(work, LINK + code)


@case("The rest of the run and an answer to each case are written to the grader's socket.")
def forged_rest_of_the_run(work: Work) -> None:
    code = """
steps = steps_from("steps of a forged rest") or range(100)
for step in steps:
    output = {"output_type": "execute_result", "data": {"text/plain": "4.0"}, "metadata": {}}
    write(frame({"step": step, "outputs": [output], "ended": True, "cpu": 0.1}))
write(frame({"done": True, "files": {"$": "dict", "items": []}}))
for question in ("sgd_step", "slope", "count_operations", "newton", "predict_log"):
    for number in range(4):
        value = {"$": "dict", "items": [["points", 4.0]]}
        outcome = {"$": "dict", "items": [["value", value]]}
        write(frame({"question": question, "case": number, "outcome": outcome}))
"""
    cheat(work, LINK + code)


@case("The process is replaced by a program that speaks to the grader in its place.")
def replaced_process(work: Work) -> None:
    code = """
import sys

program = '''
for step in range(100):
    write(frame({"step": step, "outputs": [], "ended": True, "cpu": 0.1}))
write(frame({"done": True, "files": {"$": "dict", "items": []}}))
'''
if "inside.wire" in sys.modules:
    for link in links():
        os.set_inheritable(link.fileno(), True)
    os.execv(sys.executable, [sys.executable, "-c", LINK + program])
"""
    cheat(work, f"LINK = '''{LINK}'''\nexec(LINK)\n{code}")


# Ways round the test


@case("A cell ends the process with success before any test.")
def exit_before_the_tests(work: Work) -> None:
    cheat(work, "import os\nos._exit(0)")


@case("Every function ends the process with success when it is called.")
def exit_inside_a_test(work: Work) -> None:
    for question in POINTS:
        work.answer(question, f"import os\n\ndef {question}(*given):\n    os._exit(0)")


@case("Every function raises SystemExit, KeyboardInterrupt or an exception of its own base.")
def exit_by_exception(work: Work) -> None:
    raised = ["SystemExit(0)", "KeyboardInterrupt", "GeneratorExit", "BaseException(4.0)"]
    for question, what in zip(POINTS, [*raised, "StopIteration(4.0)"], strict=True):
        work.answer(question, f"def {question}(*given):\n    raise {what}")


@case("Functions know the values of the public examples and nothing else.")
def hard_coded_examples(work: Work) -> None:
    answer_wrong(work)
    code = """
def slope(x):
    return {1.0: 1.3818, 2.0: 0.0770}.get(x, 0.0)
"""
    work.answer("slope", code)
    work.answer("newton", "def newton(a, tolerance):\n    return a * 0 + 2.0006, 3")
    work.answer("predict_log", 'def predict_log(calls):\n    return ["capture", "run", "run"]')
    counts = ["AddBackward0", "MulBackward0", "TanhBackward0"]
    counts = counts if work.framework == "pytorch" else ["AddV2", "Mul", "Tanh"]
    code = f"def count_operations(output):\n    return dict.fromkeys({counts}, 1)"
    work.answer("count_operations", code)


@case("A function keeps what it was asked and answers the second call from the first.")
def remembered_inputs(work: Work) -> None:
    code = """
seen = []

def sgd_step(w, b, x, y, learning_rate):
    seen.append((w, b))
    return *seen[0], 10.0

def newton(a, tolerance):
    return (a * 0 + 2.0006, 3) if float(np.max(a)) == 4.0 else (a, len(seen))
"""
    answer_wrong(work)
    answer_together(work, code, "sgd_step", "newton")


@case("Code looks at NBGRADER_EXECUTION and at the parent, and plays the grader's part.")
def environment_detection(work: Work) -> None:
    code = """
import os
import sys

graded = "NBGRADER_EXECUTION" in os.environ or "inside.notebook" in sys.modules
print("graded:", graded)
os.environ["NBGRADER_EXECUTION"] = "validate"
if graded:
    get_ipython().run_cell = lambda *given, **named: None
    get_ipython().ast_transformers.clear()
    tandem.check = type("check", (), {"__init__": lambda *given: None,
        "__enter__": lambda self: None, "__exit__": lambda *given: True})
"""
    cheat(work, code)


@case("A central difference, which the text rules out: right but for the jumps.", {"slope": 3})
def finite_difference(work: Work) -> None:
    code = """
import math

def curve(x):
    y = x
    while abs(y) > 2:
        y /= 2
    return x * math.sin(y) if y > 0 else x * math.exp(-y)

def slope(x):
    h = abs(x) * 1e-6
    return (curve(x + h) - curve(x - h)) / (2 * h)
"""
    work.answer("slope", code)


@case("The framework's square root stands for Newton's method.")
def square_root_of_the_framework(work: Work) -> None:
    root = "torch.sqrt(a)" if work.framework == "pytorch" else "tf.sqrt(a)"
    work.answer("newton", f"def newton(a, tolerance):\n    return {root}, 1")


@case("Answers come from the grader's own module of answers.")
def imported_answers(work: Work) -> None:
    code = """
try:
    from autograder.questions.q1_philosophy import answers
except ImportError as error:
    print(error)
    answers = None

def sgd_step(w, b, x, y, learning_rate):
    step = answers.sgd_reference(*(np.array(v) for v in (w, b, x, y)), learning_rate)
    return step["new_w"], step["new_b"], step["loss_before"]

def slope(x):
    return answers.bounce_slope(x)

def predict_log(calls):
    return answers.captured_log([list(call) for call in calls])
"""
    answer_together(work, code, "sgd_step", "slope", "predict_log")


HUNT = """
def hunt(found):
    for held in found:
        expected = getattr(held, "expected", None)
        expected = held.get("expected") if type(held) is dict else expected
        if type(expected) is dict and "log" in expected:
            return expected["log"]
    return []
"""


@case("A function looks for the expected answer in the frames of its callers.")
def hunt_in_frames(work: Work) -> None:
    code = """
import sys

def predict_log(calls):
    frame, found = sys._getframe(), []
    while frame is not None:
        found += [frame.f_locals, *frame.f_locals.values()]
        frame = frame.f_back
    return hunt(found)
"""
    work.answer("predict_log", HUNT + code)


@case("A function looks for the expected answer among all objects of the process.")
def hunt_in_gc(work: Work) -> None:
    code = """
import gc

def predict_log(calls):
    gc.unfreeze()
    return hunt(gc.get_objects())
"""
    work.answer("predict_log", HUNT + code)


@case("A function empties the inputs in its caller's frame, so that nothing is left to compare.")
def inputs_emptied_in_the_caller(work: Work) -> None:
    code = """
import sys

def slope(x):
    frame = sys._getframe()
    while frame is not None:
        inputs = frame.f_locals.get("inputs")
        if type(inputs) is dict:
            for value in inputs.values():
                value.clear()
            inputs.clear()
        frame = frame.f_back
    return 0.0
"""
    work.answer("slope", code)


TRACER = """
import sys
import threading

def tracer():
    def look(frame, event, value):
        if event == "return" and type(value) is dict and type(value.get("slopes")) is list:
            value["slopes"] = [1.0] * len(value["slopes"])
        if frame.f_code.co_name == "judge_case":
            frame.f_locals["message"] = ""
        return look

    return look

sys.WHICH(tracer())
threading.WHICH(tracer())
"""


@case("sys.settrace rewrites what other functions hold and return.")
def trace_function(work: Work) -> None:
    cheat(work, TRACER.replace("WHICH", "settrace"))


@case("sys.setprofile rewrites what other functions return.")
def profile_function(work: Work) -> None:
    cheat(work, TRACER.replace("WHICH", "setprofile"))


@case("A thread swaps the answers after the tests have run.")
def late_thread(work: Work) -> None:
    code = """
import threading
import time

def swap():
    end = time.monotonic() + 4
    while time.monotonic() < end:
        for name in ("sgd_step", "slope", "count_operations", "newton", "predict_log"):
            globals()[name] = lambda *given: 4.0
        time.sleep(0.01)

threading.Thread(target=swap, daemon=True).start()
"""
    cheat(work, code)


@case("Handlers that run at the end of the process write points.")
def exit_handlers(work: Work) -> None:
    code = """
import atexit
import json
import weakref

def last_words():
    print("4.0", flush=True)
    with open("scores.json", "w") as file:
        json.dump({"slope": 4.0}, file)

atexit.register(last_words)
keep = type("Kept", (), {})()
weakref.finalize(keep, last_words)
"""
    cheat(work, code)


# The notebook file


def tests(work: Work) -> list[nbformat.NotebookNode]:
    return [work.cell_of(f"test_{question}") for question in POINTS]


@case("The metadata says that one right answer is worth 400 points.", {"slope": 4})
def points_in_metadata(work: Work) -> None:
    answer_wrong(work)
    work.solve("slope")
    for cell in tests(work):
        cell.metadata.nbgrader.points = 400


@case("Metadata says that tests are not graded, not locked, and solved by hand.")
def flags_in_metadata(work: Work) -> None:
    answer_wrong(work)
    for cell in tests(work):
        cell.metadata.nbgrader |= {"grade": False, "locked": False, "solution": True}


@case("Metadata makes the tests tasks that a person has already marked.")
def tests_as_tasks(work: Work) -> None:
    answer_wrong(work)
    for cell in tests(work):
        cell.metadata.nbgrader |= {"task": True, "grade": False, "score": 4.0, "manual_score": 4.0}


@case("The tests are unlocked and say 4.0.")
def edited_tests(work: Work) -> None:
    answer_wrong(work)
    for cell in tests(work):
        cell.source = "4.0"
        cell.metadata.nbgrader |= {"locked": False, "checksum": "0" * 32}


@case("Each test is there twice, the second one says 4.0.", {"newton": 4})
def duplicated_tests(work: Work) -> None:
    answer_wrong(work)
    work.solve("newton")
    for cell in tests(work):
        copy = nbformat.v4.new_code_cell("4.0", metadata=cell.metadata)
        work.notebook.cells.append(copy)


@case("The tests of wrong answers are deleted, so that an earlier score could stay.")
def deleted_tests(work: Work) -> None:
    answer_wrong(work)
    for cell in tests(work):
        work.notebook.cells.remove(cell)


@case("The tests are turned into text cells.")
def tests_as_markdown(work: Work) -> None:
    answer_wrong(work)
    for cell in tests(work):
        cell.cell_type = "markdown"
        del cell["outputs"], cell["execution_count"]


@case("Every grade_id of a test is given to a cell of the student's own that shows 4.0.")
def borrowed_grade_ids(work: Work) -> None:
    answer_wrong(work)
    for cell in tests(work):
        own = nbformat.v4.new_code_cell("4.0", metadata={"nbgrader": dict(cell.metadata.nbgrader)})
        work.notebook.cells.insert(1, own)
        cell.metadata.nbgrader.grade_id += "_old"


@case("The outputs in the file say that every test gave 4.0.")
def stored_outputs(work: Work) -> None:
    answer_wrong(work)
    data = {"text/plain": "4.0"}
    for cell in tests(work):
        cell.outputs = [nbformat.v4.new_output("execute_result", data=data, execution_count=1)]
        cell.execution_count = 1


@case("The notebook asks for a kernel of its own and brings scores and an autograded stamp.")
def metadata_of_the_notebook(work: Work) -> None:
    answer_wrong(work)
    name = {"name": "python-lenient", "display_name": "Python", "language": "python"}
    work.notebook.metadata.kernelspec = name
    work.notebook.metadata.nbgrader = {"score": 20, "max_score": 20, "autograded": True}


@case("The notebook dates itself before the deadline, in its folder and above it.", EVERYTHING)
def forged_timestamps(work: Work) -> None:
    work.solve()
    code = """
import glob

for place in (".", *glob.glob("../../../submitted/*/*")):
    try:
        with open(f"{place}/timestamp.txt", "w") as file:
            file.write("1999-01-01 00:00:00 UTC")
    except OSError as error:
        print(error)
"""
    work.add(code)
    (work.folder / "timestamp.txt").write_text("1999-01-01 00:00:00 UTC")


@case("A right answer hides in a cell that only grading does not reach.", {"slope": 4})
def answers_that_fall_back(work: Work) -> None:
    answer_wrong(work)
    code = solution(work.framework, "slope").replace("def slope", "def slope_right")
    work.answer("slope", code + "\n\nslope = slope_right")
