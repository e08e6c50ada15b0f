"""Honest work in unusual dress: what it earned must not be lost."""

import textwrap

from submissions.book import EVERYTHING, NOTHING, Work, case, solution

ONLY_PYTORCH, ONLY_TENSORFLOW = ("pytorch",), ("tensorflow",)
NOT_SLOPE = EVERYTHING | {"slope": 0}


def solve_with(work: Work, *codes: str, before: str = "") -> None:
    """Right answers everywhere, and cells of the student's own: at the end if not `before` one."""
    work.solve()
    for code in codes:
        work.add(code, before=before)


def begin_body(work: Work, question: str, lines: str) -> None:
    """Put lines at the beginning of the body of a question's function."""
    head, quotes, body = solution(work.framework, question).partition('."""\n')
    inside = textwrap.indent(lines.strip("\n"), "    ")
    work.answer(question, f"{head}{quotes}{inside}\n{body}")


def of(work: Work, pytorch: str, tensorflow: str) -> str:
    return pytorch if work.framework == "pytorch" else tensorflow


# Output


@case("Right answers and nothing else.", EVERYTHING)
def plain_and_right(work: Work) -> None:
    work.solve()


@case("An untouched notebook.", NOTHING)
def untouched(work: Work) -> None:
    pass


@case("Every answer warns, logs and writes to standard error.", EVERYTHING)
def warnings_and_logs(work: Work) -> None:
    work.solve()
    code = """
import logging, os, sys, warnings

logging.basicConfig(level=logging.DEBUG)

def talk():
    warnings.warn("harmless")
    logging.getLogger("mine").warning("logged")
    print("on stderr", file=sys.stderr)
    os.write(2, b"from C++")
"""
    work.add(code, before="sgd_step")
    for question in ("sgd_step", "slope", "count_operations", "newton", "predict_log"):
        begin_body(work, question, "talk()")


@case("The loss still asks for a gradient, which makes the framework warn.", EVERYTHING)
def loss_with_a_gradient(work: Work) -> None:
    work.solve()
    code = solution(work.framework, "sgd_step")
    work.answer("sgd_step", code.replace("loss.detach()", "loss"))
    work.add("import warnings\nwarnings.simplefilter('always')", before="sgd_step")


@case("A cell at the beginning turns every warning into an error.", EVERYTHING)
def warnings_are_errors(work: Work) -> None:
    solve_with(work, 'import warnings\nwarnings.simplefilter("error")', before="sgd_step")


@case("The same, and the loss still asks for a gradient.", EVERYTHING, frameworks=ONLY_PYTORCH)
def warnings_are_errors_for_the_grader(work: Work) -> None:
    loss_with_a_gradient(work)
    work.add('import warnings\nwarnings.simplefilter("error")')


@case("A few thousand lines of progress are printed, also inside an answer.", EVERYTHING)
def some_output(work: Work) -> None:
    code = "for step in range(3000):\n    print('step', step, 'loss', 1 / (step + 1))"
    solve_with(work, code, before="slope")
    begin_body(work, "slope", "print('x' * 10_000)")


@case("A progress bar goes over the same line again and again.", EVERYTHING)
def progress_bar(work: Work) -> None:
    code = """
import time

try:
    from tqdm.auto import tqdm
except ImportError:
    def tqdm(things):
        for number, thing in enumerate(things):
            print(f"\\r{number:3d} {'#' * number}", end="", flush=True)
            yield thing

for _ in tqdm(range(50)):
    time.sleep(0.01)
"""
    solve_with(work, code, before="slope")


@case("Plots, one of them in a style of its own and saved to a file.", EVERYTHING)
def plots(work: Work) -> None:
    code = """
import matplotlib.pyplot as plt

plt.rcParams["figure.figsize"] = (3, 2)
plt.rcParams.update({"font.size": 14})
plt.style.use("ggplot")
figure, axes = plt.subplots()
axes.plot(np.linspace(0, 1), np.linspace(0, 1) ** 2)
axes.set_title("η und größer")
figure.savefig("plot.png")
plt.show()
"""
    solve_with(work, code, "plt.hist(np.random.randn(100));", before="slope")


@case("Widgets: a slider, a progress bar and an output area.", EVERYTHING)
def widgets(work: Work) -> None:
    code = """
import ipywidgets

ipywidgets.interact(lambda x: print(x * x), x=(0, 10))
bar = ipywidgets.IntProgress(max=3)
display(bar)
area = ipywidgets.Output()
with area:
    print("inside")
for value in range(3):
    bar.value = value
area
"""
    solve_with(work, code, before="slope")


@case("HTML, Markdown, formulas and an output that clears itself.", EVERYTHING)
def rich_displays(work: Work) -> None:
    code = """
from IPython.display import HTML, Javascript, Latex, Markdown, clear_output, display

display(HTML("<b>bold</b>"), Markdown("**bold**"), Latex("$x^2$"), Javascript("1 + 1"))
for number in range(3):
    clear_output(wait=True)
    print(number)
handle = display("first", display_id="one")
handle.update("second")
"""
    solve_with(work, code, before="slope")


@case("Every expression of a cell is shown, as a setting of IPython has it.", EVERYTHING)
def every_expression_shown(work: Work) -> None:
    code = """
from IPython.core.interactiveshell import InteractiveShell

InteractiveShell.ast_node_interactivity = "all"
%config InteractiveShell.ast_node_interactivity = "all"
1
2
"""
    solve_with(work, code, before="sgd_step")


# Time


@case("An answer waits for two seconds, and a cell for three.", EVERYTHING)
def slow_but_right(work: Work) -> None:
    solve_with(work, "import time\ntime.sleep(3)", before="count_operations")
    begin_body(work, "count_operations", "import time\ntime.sleep(2)")


# Cells and names


@case("A function has another name than it should.", NOT_SLOPE, shows=(r"did you mean Slope",))
def renamed_function(work: Work) -> None:
    work.solve()
    work.answer("slope", solution(work.framework, "slope").replace("def slope", "def Slope"))


@case("A name has a slip of the pen.", EVERYTHING | {"newton": 0}, shows=(r"did you mean newtn",))
def misspelt_function(work: Work) -> None:
    work.solve()
    work.answer("newton", solution(work.framework, "newton").replace("def newton", "def newtn"))


@case("Only two questions are answered, one of them in part.", {"newton": 4, "predict_log": 1})
def partial_answers(work: Work) -> None:
    work.solve("newton")
    code = """
def predict_log(calls):
    log, seen = [], set()
    for call in calls:
        signature = call[1] if call[0] == "number" else "tensor"
        log += ["run"] if signature in seen else ["capture", "run"]
        seen.add(signature)
    return log
"""
    work.answer("predict_log", code)


@case("Cells of the student's own everywhere: helpers, tries, text and empty cells.", EVERYTHING)
def extra_cells(work: Work) -> None:
    work.solve()
    work.add("# My notes\n\nThe slope is `y / x`.", before="sgd_step", kind="markdown")
    work.add("", before="sgd_step")
    work.add("   \n\n", after="sgd_step")
    work.add("print(sgd_step)", after="sgd_step")
    work.add("def counted(things):\n    return len(list(things))", before="predict_log")
    begin_body(work, "predict_log", "assert counted(calls) == len(calls)")


@case("The questions were answered, and moved, in the opposite order.", EVERYTHING)
def questions_in_opposite_order(work: Work) -> None:
    work.solve()
    cells = work.notebook.cells
    for question in ("slope", "count_operations", "newton", "predict_log"):
        pair = [work.cell_of(question), work.cell_of(f"test_{question}")]
        for cell in pair:
            cells.remove(cell)
        place = cells.index(work.cell_of("read_start_2")) + 1
        cells[place:place] = pair
    bounce = work.cell_of("read_2_a_gradient_through_a_loop_and_a_branch_2")
    cells.remove(bounce)
    cells.insert(cells.index(work.cell_of("slope")), bounce)
    if work.framework == "tensorflow":
        program = work.cell_of("read_3_count_the_operations_of_a_graph_3")
        cells.remove(program)
        cells.insert(cells.index(work.cell_of("count_operations")), program)


@case("The last question was moved to the top, with a helper that the others use.", EVERYTHING)
def helper_below_a_moved_question(work: Work) -> None:
    work.solve()
    cells = work.notebook.cells
    pair = [work.cell_of("predict_log"), work.cell_of("test_predict_log")]
    for cell in pair:
        cells.remove(cell)
    place = cells.index(work.cell_of("read_start_2")) + 1
    cells[place:place] = pair
    work.add("def nothing():\n    return 0", after="test_predict_log")
    begin_body(work, "sgd_step", "nothing()")


@case("Each answer only calls a helper that stands in a cell above it.", EVERYTHING)
def helper_above(work: Work) -> None:
    work.solve()
    for question in ("sgd_step", "slope", "count_operations", "newton", "predict_log"):
        helper = solution(work.framework, question).replace(f"def {question}", f"def my_{question}")
        work.add(helper, before=question)
        code = f"def {question}(*given, **named):\n    return my_{question}(*given, **named)"
        work.answer(question, code)


@case("A helper lies in a file beside the notebook.", EVERYTHING)
def helper_in_a_file(work: Work) -> None:
    work.solve()
    (work.folder / "my_helpers.py").write_text("def word(new):\n    return 'capture'\n", "utf-8")
    code = solution(work.framework, "predict_log")
    work.answer(
        "predict_log", "import my_helpers\n\n\n" + code.replace('"capture"', "my_helpers.word(1)")
    )


@case("A cell writes a module, and an answer imports it.", EVERYTHING)
def helper_from_writefile(work: Work) -> None:
    work.solve()
    work.add("%%writefile words.py\nCAPTURE = 'capture'", before="predict_log")
    code = solution(work.framework, "predict_log").replace('"capture"', "words.CAPTURE")
    work.answer("predict_log", f"import words\n\n\n{code}")


@case("One answer uses the function of another question.", EVERYTHING)
def dependent_questions(work: Work) -> None:
    work.solve()
    helper = "\n\n\ndef first_of(things):\n    return things[0]"
    work.answer("sgd_step", solution(work.framework, "sgd_step") + helper)
    code = "of_four = newton({}, 1e-6)"
    work.add(code.format(of(work, "torch.tensor(4.0)", "tf.constant(4.0)")), before="predict_log")
    begin_body(work, "predict_log", "assert first_of([of_four])[1] > 2 and slope(1.0) > 0")


@case("One answer has a syntax error.", NOT_SLOPE)
def syntax_error(work: Work) -> None:
    work.solve()
    work.answer("slope", "def slope(x:\n    return 1.0")


@case("A cell raises an exception of the student's own before the answer.", EVERYTHING)
def exception_above_an_answer(work: Work) -> None:
    code = """
class NotYet(Exception):
    \"\"\"Raised by me.\"\"\"

def later():
    raise NotYet("größer", {"a": 1})

later()
"""
    solve_with(work, code, before="slope")


@case("A cell above an answer uses a name that was never defined.", EVERYTHING)
def leftover_of_an_earlier_session(work: Work) -> None:
    solve_with(work, "losses_of_yesterday.append(1)", before="sgd_step")


@case("A later cell gives new values to names that answers use.", EVERYTHING)
def names_used_again(work: Work) -> None:
    code = "np = torch = tf = bounce = slope = None\nsgd_step = newton = 3\ndel count_operations"
    solve_with(work, code)


@case("Built-in names get other values.", EVERYTHING)
def builtin_names_used(work: Work) -> None:
    solve_with(work, "sum = 0\ninput = 3\nid = 7\nmax = min = None\ndir = type", before="slope")


@case("Names that are no longer needed are deleted.", EVERYTHING)
def names_deleted(work: Work) -> None:
    solve_with(work, "scratch = 1\ndel scratch\ndel log, add_one")


@case("The cell that begins the course's notebook was deleted.", EVERYTHING)
def first_cell_deleted(work: Work) -> None:
    work.solve()
    work.notebook.cells.remove(work.cell_of("read_begin"))


@case("A cell above the imports clears all names.", EVERYTHING)
def reset_at_the_start(work: Work) -> None:
    solve_with(work, "%reset -f", before="read_start_2")


@case("The last cell clears all names.", EVERYTHING)
def reset_at_the_end(work: Work) -> None:
    solve_with(work, "%reset -f")


@case("Everything of the framework is imported into the notebook's names.", EVERYTHING)
def import_everything(work: Work) -> None:
    solve_with(work, of(work, "from torch import *", "from tensorflow import *"), before="sgd_step")


@case("The last cell says exit().", EVERYTHING)
def exit_at_the_end(work: Work) -> None:
    solve_with(work, "exit()")


@case("A cell in the middle says quit(), another one sys.exit().", EVERYTHING)
def quit_in_the_middle(work: Work) -> None:
    solve_with(work, "quit()", "import sys\nsys.exit(1)", before="slope")


@case("A cell asks for input.", EVERYTHING)
def asks_for_input(work: Work) -> None:
    solve_with(work, 'name = input("Your name? ")\nprint("Hello", name)', before="slope")


@case("Names and texts in Greek, Russian and Japanese.", EVERYTHING)
def non_latin_names(work: Work) -> None:
    work.solve()
    work.add('η = 0.1\nимя = "язык"\n重み = [1.0]\nprint(η, имя, 重み, "🎉")', before="slope")
    begin_body(work, "predict_log", 'число = len(calls)\nprint("число:", число, "回")')


@case("The cells have the line ends of Windows, and tabs.", EVERYTHING)
def windows_lines_in_cells(work: Work) -> None:
    work.solve()
    for question in ("sgd_step", "slope", "count_operations", "newton", "predict_log"):
        code = solution(work.framework, question)
        work.answer(question, code.replace("    ", "\t").replace("\n", "\r\n"))


# Magics, commands, files and processes


@case("Lines that install packages which are there already, or look for one.", EVERYTHING)
def pip_install(work: Work) -> None:
    code = """
%pip install numpy
!pip install --quiet matplotlib
!pip install --dry-run tqdm
"""
    solve_with(work, code, before="sgd_step")


@case("Commands of the shell and of its cell magic.", EVERYTHING)
def shell_commands(work: Work) -> None:
    codes = ("!ls -la\nfiles = !ls\nprint(files)\n!nvidia-smi", "%%bash\necho $HOME\nls /nowhere")
    solve_with(work, *codes, before="slope")


@case("Magics for time, plots, reloading and settings.", EVERYTHING)
def magics(work: Work) -> None:
    code = """
%matplotlib inline
%load_ext autoreload
%autoreload 2
%xmode Minimal
%env MY_SETTING=1
%who
%timeit -n 10 -r 2 sum(range(100))
%cd .
"""
    other = ("%%time\ntotal = sum(range(1000))", "%%capture kept\nprint(1)", "%matplotlib notebook")
    solve_with(work, code, *other, before="slope")


@case("An answer's cell begins with %%time.", EVERYTHING)
def magic_above_an_answer(work: Work) -> None:
    work.solve()
    work.answer("slope", "%%time\n" + solution(work.framework, "slope"))


@case("A file is written and read back.", EVERYTHING)
def files_written(work: Work) -> None:
    code = """
import json, os, pathlib, pickle, tempfile

pathlib.Path("data/inner").mkdir(parents=True, exist_ok=True)
np.save("data/inner/x.npy", np.arange(3))
json.dump({"a": 1}, open("data/a.json", "w"))
pickle.dump([1, 2], open("data/b.pkl", "wb"))
words = ["capture", "run"]
pathlib.Path("words.txt").write_text("\\n".join(words))
with tempfile.TemporaryDirectory() as folder:
    open(os.path.join(folder, "x"), "w").write("x")
"""
    solve_with(work, code, before="slope")
    text = solution(work.framework, "predict_log")
    read = 'capture = open("words.txt").read().split()[0]'
    work.answer("predict_log", text.replace('"capture"', "capture"))
    work.add(read, before="predict_log")


@case("A cell changes the folder.", EVERYTHING)
def another_folder(work: Work) -> None:
    code = 'import os, tempfile\nos.chdir(tempfile.mkdtemp())\nopen("here", "w").close()'
    solve_with(work, code, before="slope")


@case(
    "A cell changes the folder by a magic, and goes on to define what an answer needs.", EVERYTHING
)
def another_folder_by_magic(work: Work) -> None:
    work.solve()
    work.add('!mkdir -p data\n%cd data\ncapture = "capture"', before="predict_log")
    text = solution(work.framework, "predict_log")
    work.answer("predict_log", text.replace('"capture"', "capture"))


@case("A cell changes into a folder and removes it.", EVERYTHING)
def removed_folder(work: Work) -> None:
    code = "import os, tempfile\nplace = tempfile.mkdtemp()\nos.chdir(place)\nos.rmdir(place)"
    solve_with(work, code, before="slope")


@case(
    "A pool of processes and a child process compute something.",
    EVERYTHING,
    in_tier={"B": EVERYTHING | {"predict_log": 0}},  # Landlock: no semaphore that all could reach
)
def processes(work: Work) -> None:
    code = """
import multiprocessing, subprocess, sys

def square(x):
    return x * x

with multiprocessing.get_context("fork").Pool(2) as pool:
    squares = pool.map(square, range(10))
said = subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True)
assert squares[3] == 9 and said.stdout.strip() == "42"
words = {9: "capture"}
"""
    work.solve()
    work.add(code, before="predict_log")
    text = solution(work.framework, "predict_log")
    work.answer("predict_log", text.replace('"capture"', "words[squares[3]]"))


@case(
    "A pool of eight processes computes something that is small.",
    EVERYTHING,
    in_tier={"B": EVERYTHING | {"predict_log": 0}},
)
def pool_of_eight(work: Work) -> None:
    work.solve()
    code = """
import multiprocessing, time

def slow_square(x):
    time.sleep(0.2)
    return x * x

with multiprocessing.get_context("fork").Pool(8) as pool:
    squares = pool.map(slow_square, range(16))
words = {9: "capture"}
"""
    work.add(code, before="predict_log")
    text = solution(work.framework, "predict_log")
    work.answer("predict_log", text.replace('"capture"', "words[squares[3]]"))


@case("Threads of a pool compute an answer.", EVERYTHING)
def thread_pool(work: Work) -> None:
    work.solve()
    lines = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    assert list(pool.map(len, ["a", "bb"])) == [1, 2]
"""
    begin_body(work, "newton", lines)


@case("Cells wait for coroutines at the top level.", EVERYTHING)
def top_level_await(work: Work) -> None:
    code = """
import asyncio

async def later(value):
    await asyncio.sleep(0.05)
    return value

capture = await later("capture")
"""
    work.solve()
    work.add(code, before="predict_log")
    work.add("both = await asyncio.gather(later(1), later(2))\nboth", before="predict_log")
    text = solution(work.framework, "predict_log")
    work.answer("predict_log", text.replace('"capture"', "capture"))


@case("A cell starts a task, and the next one waits for it.", EVERYTHING)
def task_between_cells(work: Work) -> None:
    code = """
import asyncio

async def later(value):
    await asyncio.sleep(0.05)
    return value

task = asyncio.ensure_future(later("capture"))
"""
    work.solve()
    work.add(code, before="predict_log")
    work.add("capture = await task", before="predict_log")
    text = solution(work.framework, "predict_log")
    work.answer("predict_log", text.replace('"capture"', "capture"))


@case("A function makes a loop for coroutines of its own.", EVERYTHING)
def coroutine_in_an_answer(work: Work) -> None:
    work.solve()
    text = solution(work.framework, "predict_log").replace("def predict_log", "async def predict")
    code = "import asyncio\nimport threading\n\n\n" + text
    code += """


def predict_log(calls):
    found = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(predict(calls))))
    thread.start()
    thread.join()
    return found[0]
"""
    work.answer("predict_log", code)


# Functions of other kinds


@case(
    "Answers are a lambda, a partial function, an object that can be called, a method.", EVERYTHING
)
def callables(work: Work) -> None:
    work.solve()
    slope = solution(work.framework, "slope").replace("def slope", "def derivative")
    work.answer("slope", slope + "\n\n\nslope = lambda x: derivative(x)")
    newton = solution(work.framework, "newton").replace("(a, tolerance)", "(start, a, tolerance)")
    code = "import functools\n\n\n" + newton + "\n\n\nnewton = functools.partial(newton, 0)"
    work.answer("newton", code)
    body = textwrap.indent(solution(work.framework, "predict_log"), "    ")
    called = body.replace("def predict_log(calls)", "def __call__(self, calls)")
    work.answer("predict_log", f"class Log:\n{called}\n\n\npredict_log = Log()")
    body = textwrap.indent(solution(work.framework, "sgd_step"), "    ")
    method = body.replace("def sgd_step(w", "def step(self, w")
    work.answer("sgd_step", f"class Model:\n{method}\n\n\nsgd_step = Model().step")


@case("Answers carry decorators: a timer, a cache, one that counts calls.", EVERYTHING)
def decorators(work: Work) -> None:
    work.solve()
    code = """
import functools, time

def timed(function):
    @functools.wraps(function)
    def wrapper(*given, **named):
        started = time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            wrapper.seconds = time.perf_counter() - started
    return wrapper
"""
    work.add(code, before="sgd_step")
    work.answer("sgd_step", "@timed\n" + solution(work.framework, "sgd_step"))
    work.answer("slope", "@functools.lru_cache\n" + solution(work.framework, "slope"))


@case("Arguments have other names, types are annotated, and one has a default.", EVERYTHING)
def other_signatures(work: Work) -> None:
    work.solve()
    text = solution(work.framework, "newton").replace("tolerance", "eps")
    work.answer("newton", text.replace("(a, eps)", "(a, eps: float = 1e-3, *, limit=None)"))
    log = solution(work.framework, "predict_log")
    work.answer("predict_log", log.replace("(calls)", "(calls: list[tuple]) -> list[str]"))


@case("A recursive answer sets the limit of recursion very high.", EVERYTHING)
def high_recursion_limit(work: Work) -> None:
    work.solve()
    lines = """
import sys
sys.setrecursionlimit(100_000)

def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)

assert depth(5000) == 5000
"""
    begin_body(work, "newton", lines)


# Numbers


@case("Computed in float64 and in another order, and converted back.", EVERYTHING)
def other_number_types(work: Work) -> None:
    work.solve()
    pytorch = """
def sgd_step(w, b, x, y, learning_rate):
    def loss_of(w, b):
        return ((x.double() * w).flip(1).sum(1) + b - y).square().sum() / len(y)
    parameters = w.double(), b.double()
    gradients = torch.func.grad(loss_of, argnums=(0, 1))(*parameters)
    new_w, new_b = (p - learning_rate * g for p, g in zip(parameters, gradients))
    return new_w.to(w.dtype), new_b.to(b.dtype), loss_of(*parameters).item()
"""
    tensorflow = """
def sgd_step(w, b, x, y, learning_rate):
    w64, b64, x64, y64 = (tf.cast(tf.reverse(t, [0]) if t.shape.rank else t, tf.float64)
                          for t in (tf.reverse(w, [0]), b, x, y))
    with tf.GradientTape() as tape:
        tape.watch([w64, b64])
        error = tf.reduce_sum(x64 * w64, 1) + b64 - y64
        loss = tf.reduce_sum(error * error) / tf.cast(tf.size(error), tf.float64)
    w_gradient, b_gradient = tape.gradient(loss, [w64, b64])
    new_w, new_b = w64 - learning_rate * w_gradient, b64 - learning_rate * b_gradient
    return tf.cast(new_w, w.dtype), tf.cast(new_b, b.dtype), float(loss)
"""
    work.answer("sgd_step", of(work, pytorch, tensorflow))


@case("Right values in unusual types: a parameter, a NumPy scalar, a Counter.", EVERYTHING)
def unusual_return_types(work: Work) -> None:
    work.solve()
    one_step = solution(work.framework, "sgd_step").replace("def sgd_step", "def one_step")
    kind = of(work, "torch.nn.Parameter", "tf.Variable")
    code = f"""
{one_step}


def sgd_step(*given):
    new_w, new_b, loss = one_step(*given)
    return [{kind}(new_w), {kind}(new_b), np.float32(loss)]
"""
    work.answer("sgd_step", code)
    count = solution(work.framework, "count_operations")
    counter = "import collections\n\n\n" + count.replace(
        "counts = {}", "counts = collections.Counter()"
    )
    work.answer("count_operations", counter)


@case("The log is a list of NumPy's strings, which are strings.", EVERYTHING)
def numpy_strings(work: Work) -> None:
    work.solve()
    text = solution(work.framework, "predict_log")
    work.answer("predict_log", text.replace("return predicted", "return list(np.array(predicted))"))


@case("The first cell fixes every seed.", EVERYTHING)
def seeds(work: Work) -> None:
    own = of(work, "torch.manual_seed(0)", "tf.random.set_seed(0)")
    solve_with(work, f"import random\nrandom.seed(1)\nnp.random.seed(2)\n{own}", before="sgd_step")


@case("NumPy raises for every doubtful operation.", EVERYTHING)
def numpy_errors(work: Work) -> None:
    solve_with(work, 'np.seterr(all="raise")', before="sgd_step")


# Switches of the frameworks, each in a cell above the answers and in one below them


@case("New tensors are float64 from the beginning.", EVERYTHING, frameworks=ONLY_PYTORCH)
def float64_from_the_start(work: Work) -> None:
    solve_with(work, "torch.set_default_dtype(torch.float64)", before="sgd_step")


@case("A try at the end makes new tensors float64.", EVERYTHING)
def float64_at_the_end(work: Work) -> None:
    tensorflow = 'import keras\nkeras.backend.set_floatx("float64")'
    solve_with(work, of(work, "torch.set_default_dtype(torch.float64)", tensorflow))


@case("A try at the end turns gradients off.", EVERYTHING, frameworks=ONLY_PYTORCH)
def gradients_off_at_the_end(work: Work) -> None:
    solve_with(work, "torch.set_grad_enabled(False)")


@case("A try at the end goes on in inference mode.", EVERYTHING, frameworks=ONLY_PYTORCH)
def inference_mode_at_the_end(work: Work) -> None:
    solve_with(work, "mode = torch.inference_mode()\nmode.__enter__()")


@case("A try at the end puts new tensors nowhere.", EVERYTHING, frameworks=ONLY_PYTORCH)
def meta_device_at_the_end(work: Work) -> None:
    solve_with(work, 'torch.set_default_device("meta")')


@case("The usual choice of a device, and tensors that are moved there.", EVERYTHING)
def devices(work: Work) -> None:
    pytorch = """
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.set_default_device(device)
torch.set_num_threads(4)
torch.use_deterministic_algorithms(True)
print(torch.ones(2).to(device))
"""
    tensorflow = """
gpus = tf.config.list_physical_devices("GPU")
for gpu in gpus:
    tf.config.experimental.set_memory_growth(gpu, True)
device = "/GPU:0" if gpus else "/CPU:0"
with tf.device(device):
    print(tf.ones(2))
"""
    solve_with(work, of(work, pytorch, tensorflow), before="sgd_step")


@case("Functions are run eagerly from the beginning.", EVERYTHING)
def eager_from_the_start(work: Work) -> None:
    pytorch = "import torch._dynamo\ntorch._dynamo.config.disable = True"
    solve_with(work, of(work, pytorch, "tf.config.run_functions_eagerly(True)"), before="sgd_step")


@case("A try at the end switches functions to eager.", EVERYTHING, frameworks=ONLY_TENSORFLOW)
def eager_at_the_end(work: Work) -> None:
    solve_with(work, "tf.config.run_functions_eagerly(True)")


@case("A try at the end turns the eager mode off.", EVERYTHING, frameworks=ONLY_TENSORFLOW)
def eager_off_at_the_end(work: Work) -> None:
    solve_with(work, "tf.compat.v1.disable_eager_execution()")


@case("A try at the end turns NumPy's rules for types on.", EVERYTHING, frameworks=ONLY_TENSORFLOW)
def numpy_rules_at_the_end(work: Work) -> None:
    code = "import tensorflow.experimental.numpy as tnp\ntnp.experimental_enable_numpy_behavior()"
    solve_with(work, code)


# Tools of the frameworks


def data_from(work: Work, code: str) -> None:
    """Right answers, one of which takes its rows from `batches`."""
    work.solve()
    work.add(code, before="sgd_step")
    begin_body(work, "sgd_step", "assert sum(len(rows) for rows, _ in batches(x, y)) == len(y)")


@case(
    "Data comes from two worker processes.",
    EVERYTHING,
    frameworks=("pytorch",),
    in_tier={"B": EVERYTHING | {"sgd_step": 0}},
)
def data_workers(work: Work) -> None:
    code = """
from torch.utils.data import DataLoader, TensorDataset

def batches(*tensors):
    return DataLoader(TensorDataset(*tensors), batch_size=4, num_workers=2)

for batch in batches(torch.arange(10)):
    print(batch)
"""
    data_from(work, code)


@case("Data comes from a parallel pipeline.", EVERYTHING, frameworks=("tensorflow",))
def parallel_pipeline(work: Work) -> None:
    code = """
def batches(*tensors):
    data = tf.data.Dataset.from_tensor_slices(tensors).cache().shuffle(8)
    data = data.map(lambda *row: row, num_parallel_calls=tf.data.AUTOTUNE)
    return data.batch(4).prefetch(tf.data.AUTOTUNE)

for batch in batches(tf.range(10)):
    print(batch)
"""
    data_from(work, code)


@case("A helper of an answer is compiled.", EVERYTHING)
def compiled_helper(work: Work) -> None:
    work.solve()
    decorator = of(work, '@torch.compile(backend="eager")', "@tf.function")
    code = f"{decorator}\ndef update(x, a):\n    return (x + a / x) / 2"
    text = solution(work.framework, "newton").replace("(x + a / x) / 2", "update(x, a)")
    work.answer("newton", f"{code}\n\n\n{text}")


@case("A whole answer is compiled, which the framework can do here.", EVERYTHING)
def compiled_answer(work: Work) -> None:
    work.solve()
    step = solution(work.framework, "sgd_step")
    work.answer("sgd_step", of(work, '@torch.compile(backend="eager")\n', "@tf.function\n") + step)


@case("A helper of an answer is compiled to machine code.", EVERYTHING, frameworks=ONLY_PYTORCH)
def compiled_to_machine_code(work: Work) -> None:
    work.solve()
    code = "@torch.compile\ndef update(x, a):\n    return (x + a / x) / 2"
    text = solution(work.framework, "newton").replace("(x + a / x) / 2", "update(x, a)")
    work.answer("newton", f"{code}\n\n\n{text}")


@case("A small network is trained, and the answers come after it.", EVERYTHING)
def training(work: Work) -> None:
    pytorch = """
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters())
inputs, targets = torch.randn(64, 4), torch.randn(64, 1)
for _ in range(50):
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(model(inputs), targets).backward()
    optimizer.step()
torch.save(model.state_dict(), "model.pt")
model.load_state_dict(torch.load("model.pt"))
"""
    tensorflow = """
import keras

model = keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(np.random.randn(64, 4), np.random.randn(64, 1), epochs=2, verbose=1)
model.save("model.keras")
model = keras.models.load_model("model.keras")
"""
    solve_with(work, of(work, pytorch, tensorflow), before="sgd_step")
