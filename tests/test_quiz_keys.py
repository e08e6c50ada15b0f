"""Every key of every quiz is what the frameworks really do.

One process per framework runs each item's program and then its check, which sets `answer`. Run by
hand, this file prints what happened: `python tests/test_quiz_keys.py`.
"""

import contextlib
import io
import itertools
import json
import linecache
import os
import subprocess
import sys

import pytest

from tandem.course import FRAMEWORKS, root
from tandem.quiz.model import (
    Bank,
    Base,
    Item,
    Many,
    Match,
    Numeric,
    Order,
    Spot,
    load_bank,
    normalised,
)
from tandem.quiz.scoring import mark

pytestmark = pytest.mark.slow

PRACTICE, GRADED = (
    [load_bank(path) for path in sorted(root().glob(f"{folder}/*/quiz.yml"))]
    for folder in ("lessons", "autograder/questions")
)
ITEMS = [(bank, item) for bank in PRACTICE + GRADED for item in bank.items if item.frameworks]


def only(*kinds: type, but: bool = False) -> dict:
    """The items of these types, or with `but` all others, for parametrize."""
    chosen = [(bank, item) for bank, item in ITEMS if isinstance(item, kinds) != but]
    return {"argvalues": chosen, "ids": [f"{bank.quiz}:{item.id}" for bank, item in chosen]}


each_item = pytest.mark.parametrize(("bank", "item"), **only(Order, Spot, but=True))


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
        for run, source in programs(item, framework).items():
            name = f"{bank.quiz}:{item.id}:{run}"
            jobs[name] = {
                "source": source,
                "check": item.check.programs[framework],
                "options": [option.id for option in getattr(item, "options", None) or []],
                "partner": partner.get(name, {}).get("printed", ""),
            }
    return run_in_process(jobs)


def programs(item: Item, framework: str) -> dict[str, str]:
    """Everything of an item that is run in a framework, by a name for each run."""
    if framework not in item.frameworks:
        return {}
    if isinstance(item, Order):
        orders = itertools.permutations(line.id for line in item.lines)
        return {" ".join(order): item.program(framework, order) for order in orders}
    if isinstance(item, Spot):
        return {"as it is": item.code.programs[framework], "repaired": item.repaired(framework)}
    return {"": item.code.programs[framework]}


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
    if isinstance(item, Match):
        return {
            option.id: side_of(option.id, dict(zip(item.frameworks, answers, strict=True)))
            for option in item.options
        }
    if getattr(item, "options", None):
        possible = [{answer} if isinstance(answer, str) else set(answer) for answer in answers]
        return set.intersection(*possible)
    first, *others = answers
    assert all(other == first for other in others), f"the frameworks disagree: {answers}"
    return first


def side_of(statement: str, true: dict[str, list[str]]) -> str:
    """Of which framework a statement is true, by the list of true ones of each."""
    sides = [framework for framework, names in true.items() if statement in names]
    return {0: "neither", 1: sides[0] if sides else "", 2: "both"}[len(sides)]


def key_in_bank(item: Base) -> object:
    """The key as the bank states it, in the same form."""
    if isinstance(item, Match):
        return {option.id: option.answer for option in item.options}
    if getattr(item, "options", None):
        return {option.id for option in item.options if option.correct}
    return item.answer if isinstance(item, Numeric) else normalised(item.answer)


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, dict]]:
    return run_everything()


def answers_of(results: dict, bank: Bank, item: Base, run: str = "") -> list:
    """What the check of each framework said."""
    return [results[f][f"{bank.quiz}:{item.id}:{run}"]["answer"] for f in item.frameworks]


@each_item
def test_key_is_what_happens(results: dict, bank: Bank, item: Base) -> None:
    answers = answers_of(results, bank, item)
    found = key_by_running(item, answers)
    if isinstance(item, Numeric):
        assert abs(found - item.answer) <= item.tolerance
    else:
        assert found == key_in_bank(item), f"the runs said {answers}"


@each_item
def test_the_key_found_by_running_earns_full_marks(results: dict, bank: Bank, item: Base) -> None:
    found = key_by_running(item, answers_of(results, bank, item))
    answer = sorted(found) if isinstance(found, set) else found
    assert mark(item, answer if isinstance(answer, list | dict) else str(answer)).correct


@each_item
def test_the_runs_leave_no_doubt(results: dict, bank: Bank, item: Base) -> None:
    """With options, each framework alone may leave several open; together they leave the key."""
    found = key_by_running(item, answers_of(results, bank, item))
    if getattr(item, "options", None) and not isinstance(item, Many | Match):
        assert len(found) == 1


@pytest.mark.parametrize(("bank", "item"), **only(Order))
def test_the_orders_that_work_are_the_orders_that_are_right(results, bank, item) -> None:
    """Every order was run, in each framework."""
    for order in itertools.permutations(line.id for line in item.lines):
        works = answers_of(results, bank, item, " ".join(order))
        assert set(works) == {mark(item, list(order)).correct}, order


@pytest.mark.parametrize(("bank", "item"), **only(Spot))
def test_the_program_fails_and_its_repair_works(results, bank, item) -> None:
    assert set(answers_of(results, bank, item, "as it is")) == {False}
    assert set(answers_of(results, bank, item, "repaired")) == {True}


def test_no_item_is_in_a_practice_quiz_and_in_a_graded_one() -> None:
    for graded in GRADED:
        [practice] = [bank for bank in PRACTICE if bank.quiz == graded.quiz]
        assert not {item.id for item in graded.items} & {item.id for item in practice.items}


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
