"""Every key of every quiz is what the frameworks really do.

One process per framework runs each item's program and then its check, which sets `answer`. Run by
hand, this file prints what happened: `python tests/test_quiz_keys.py`.
"""

import contextlib
import io
import json
import linecache
import os
import subprocess
import sys

import pytest

from tandem.course import FRAMEWORKS, root
from tandem.quiz.model import Bank, Base, Many, Numeric, load_bank, normalised
from tandem.quiz.scoring import mark

pytestmark = pytest.mark.slow

BANKS = [load_bank(path) for path in sorted(root().glob("lessons/*/quiz.yml"))]
ITEMS = [(bank, item) for bank in BANKS for item in bank.items if item.code]
each_item = pytest.mark.parametrize(
    ("bank", "item"), ITEMS, ids=[f"{bank.quiz}:{item.id}" for bank, item in ITEMS]
)


# In the process of one framework


def run_jobs(jobs: dict[str, dict]) -> dict[str, dict]:
    """Run the program and the check of every job; each result has `answer` and `printed`."""
    return {name: run_item(name, **job) for name, job in jobs.items()}


def run_item(name: str, source: str, check: str, options: list[str], partner: str) -> dict:
    """Run one program as a learner would, then its check, in the same namespace."""
    space: dict = {"__name__": "__main__"}
    output, error, line = io.StringIO(), None, 0
    with contextlib.redirect_stdout(output):
        try:
            exec(compiled(source, f"<{name}>"), space)
        except Exception as raised:
            error, line = raised, line_of(raised, f"<{name}>")
    printed = normalised(output.getvalue())
    given = {"source": source, "error": error, "error_line": line, "printed": printed}
    space.update(given, options=options, partner=partner)
    exec(compiled(check, f"<check of {name}>"), space)
    return {"answer": space["answer"], "printed": printed}


def compiled(text: str, filename: str) -> object:
    """Code whose source lines can be looked up, as tf.function and tracebacks do."""
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    return compile(text, filename, "exec")


def line_of(error: Exception, filename: str) -> int:
    """The innermost line of the program itself in the error's traceback."""
    line, trace = 0, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


# In the test


def run_framework(framework: str, partner: dict[str, dict]) -> dict[str, dict]:
    """The results of all items that have a program in this framework."""
    jobs = {}
    for bank, item in ITEMS:
        if framework in item.code.programs:
            name = f"{bank.quiz}:{item.id}"
            jobs[name] = {
                "source": item.code.programs[framework],
                "check": item.check.programs[framework],
                "options": [option.id for option in getattr(item, "options", None) or []],
                "partner": partner.get(name, {}).get("printed", ""),
            }
    return run_in_process(jobs)


def run_in_process(jobs: dict[str, dict]) -> dict[str, dict]:
    """`run_jobs` in a fresh process, so that no test process imports a framework."""
    search = os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(root())])
    quiet = {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": search}
    done = subprocess.run(
        [sys.executable, __file__, "--jobs"],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, **quiet},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def run_everything() -> dict[str, dict[str, dict]]:
    """Framework -> item -> result. TensorFlow's checks may look at what PyTorch printed."""
    pytorch = run_framework("pytorch", {})
    return {"pytorch": pytorch, "tensorflow": run_framework("tensorflow", pytorch)}


def key_by_running(item: Base, answers: list) -> object:
    """What the runs say the key is: for options, the ids that no framework rules out."""
    if getattr(item, "options", None):
        possible = [{answer} if isinstance(answer, str) else set(answer) for answer in answers]
        return set.intersection(*possible)
    first, *others = answers
    assert all(other == first for other in others), f"the frameworks disagree: {answers}"
    return first


def key_in_bank(item: Base) -> object:
    """The key as the bank states it, in the same form."""
    if getattr(item, "options", None):
        return {option.id for option in item.options if option.correct}
    return item.answer if isinstance(item, Numeric) else normalised(item.answer)


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, dict]]:
    return run_everything()


@each_item
def test_key_is_what_happens(results: dict, bank: Bank, item: Base) -> None:
    name = f"{bank.quiz}:{item.id}"
    answers = [results[framework][name]["answer"] for framework in item.code.programs]
    found = key_by_running(item, answers)
    if isinstance(item, Numeric):
        assert abs(found - item.answer) <= item.tolerance
    else:
        assert found == key_in_bank(item), f"the runs said {answers}"


@each_item
def test_the_key_found_by_running_earns_full_marks(results: dict, bank: Bank, item: Base) -> None:
    name = f"{bank.quiz}:{item.id}"
    found = key_by_running(item, [results[f][name]["answer"] for f in item.code.programs])
    assert mark(item, sorted(found) if isinstance(found, set) else str(found)).correct


@each_item
def test_the_runs_leave_no_doubt(results: dict, bank: Bank, item: Base) -> None:
    """With options, each framework alone may leave several open; together they leave the key."""
    name = f"{bank.quiz}:{item.id}"
    found = key_by_running(item, [results[f][name]["answer"] for f in item.code.programs])
    if getattr(item, "options", None) and not isinstance(item, Many):
        assert len(found) == 1


def test_a_program_that_behaves_otherwise_changes_the_key() -> None:
    """The check looks at the run: a program that clears its gradients gets another key."""
    item = next(item for _, item in ITEMS if item.id == "grads-accumulate")
    source = item.code.pytorch.replace("loss.backward()", "w.grad = None; loss.backward()")
    assert source != item.code.pytorch
    options = [option.id for option in item.options]
    job = {"source": source, "check": item.check.pytorch, "options": options, "partner": ""}
    answer = run_in_process({"changed": job})["changed"]["answer"]
    assert not set(answer) & key_in_bank(item)


if __name__ == "__main__":
    if sys.argv[1:] == ["--jobs"]:
        print(json.dumps(run_jobs(json.load(sys.stdin))))
    else:
        for framework, items in run_everything().items():
            for name, result in items.items():
                print(f"{FRAMEWORKS[framework]:12}{name:38}{result['answer']}")
