"""Runs every kept answer of an exercise in one process: run.py FRAMEWORK OUTPUT.json

In one process for each framework, because importing one takes seconds. What it measures is written
as JSON; the tests judge it.
"""

import ast
import contextlib
import io
import json
import linecache
import os
import re
import sys
from importlib import import_module
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENT = "1-philosophy"
SEEDS = range(5)
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION.*?### END SOLUTION$", re.DOTALL | re.MULTILINE)
STUB = r'\1raise NotImplementedError("write your code here")'


def main(framework: str, output: str) -> None:
    from tandem.source import read_source

    exercise = read_source(ROOT, Path("solutions", ASSIGNMENT, "exercise.md"))
    cells = [cell for cell in exercise.cells_of(framework) if cell.kind == "code"]
    report = {
        "solution": run_notebook([cell.text for cell in cells]),
        "stub": run_notebook([SOLUTION.sub(STUB, cell.text) for cell in cells]),
        "answers": {},
        "logs": real_logs(framework),
    }
    given = namespace_of([SOLUTION.sub(STUB, c.text) for c in cells if c.role != "test"])
    checks = {cell.name.removeprefix("test_"): cell.text for cell in cells if cell.role == "test"}
    for question, answers in kept_answers(framework).items():
        report["answers"][question] = [
            measure(question, answer["code"], given)
            | {"visible": visible(checks[question], answer["code"], given)}
            for answer in answers
        ]
    Path(output).write_text(json.dumps(report), encoding="utf-8")


def kept_answers(framework: str) -> dict[str, list[dict]]:
    """The answers kept for a framework, by question."""
    folders = [ROOT / "tests" / "answers" / ASSIGNMENT / name for name in (framework, "both")]
    files = sorted(file for folder in folders for file in folder.glob("*.yml"))
    return {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}


def run_notebook(cells: list[str]) -> dict[str, dict]:
    """Runs the cells in order; for each question the last value of its test cell and the output."""
    import tandem

    namespace, graded = {"__name__": "__main__", "tandem": tandem}, {}
    for cell in cells:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            value = run_cell(cell, namespace)
        found = re.search(r'^grade\("[^"]+", "(\w+)"', cell, re.MULTILINE)
        if found:
            graded[found[1]] = {"points": value, "printed": printed.getvalue()}
    return graded


def run_cell(code: str, namespace: dict) -> object:
    """What a notebook does with a cell: the value of its last expression, if that is one."""
    name = f"<cell {hash(code)}>"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)  # for tracers
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)
    return eval(compile(ast.Expression(last.value), name, "eval"), namespace) if last else None


def namespace_of(cells: list[str], given: dict | None = None) -> dict:
    """What the cells define, starting from a copy of `given`."""
    namespace = {"__name__": "__main__", **(given or {})}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in cells:
            run_cell(cell, namespace)
    return namespace


def measure(question: str, code: str, given: dict) -> dict:
    """Points and output of `grade`, and the points for each seed, each in a fresh namespace."""
    from autograder.in_kernel import grade, run_probe
    from autograder.judge import judge
    from autograder.questions import find_question, probes_module

    asked = find_question(ASSIGNMENT, question)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        points = grade(ASSIGNMENT, question, namespace_of([code], given))
    probe = getattr(import_module(probes_module(ASSIGNMENT, sys.argv[1])), question)
    seeds = []
    for seed in SEEDS:
        outcomes = run_probe(asked, probe, namespace_of([code], given), seed)
        verdict = judge(asked, seed, outcomes)
        failed = {result.name: result.message for result in verdict.results if result.message}
        seeds.append({"points": verdict.points, "failed": failed})
    return {"points": points, "printed": printed.getvalue(), "seeds": seeds}


def visible(check: str, code: str, given: dict) -> str:
    """What the visible part of a check prints for an answer: that it passes, or what is wrong."""
    import tandem

    namespace, printed = namespace_of([code], {**given, "tandem": tandem}), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        run_cell(check.partition("### BEGIN HIDDEN TESTS")[0], namespace)
    return printed.getvalue()[:1000]


def real_logs(framework: str) -> list[dict]:
    """What the framework itself writes for the calls of every predict_log case."""
    from autograder.questions.q1_philosophy.answers import QUESTIONS

    write = torch_log if framework == "pytorch" else tensorflow_log
    cases = [case for seed in SEEDS for case in QUESTIONS["predict_log"].cases(seed)]
    return [{"calls": c.inputs["calls"], "log": write(c.inputs["calls"])} for c in cases]


def torch_log(calls: list[list]) -> list[str]:
    import torch

    log: list[str] = []

    def recording_backend(graph, example_inputs):
        log.append("capture")

        def run_graph(*inputs):
            log.append("run")
            return graph.forward(*inputs)

        return run_graph

    @torch.compile(backend=recording_backend, dynamic=False)
    def add_one(x):
        return torch.as_tensor(x, dtype=torch.float32) + 1

    torch.compiler.reset()
    for kind, *rest in calls:
        add_one(torch.ones(rest[0], dtype=getattr(torch, rest[1])) if kind == "tensor" else rest[0])
    return log


def tensorflow_log(calls: list[list]) -> list[str]:
    import tensorflow as tf

    log: list[str] = []

    @tf.function
    def add_one(x):
        log.append("capture")
        tf.py_function(lambda: log.append("run"), [], [])
        return tf.cast(x, tf.float32) + 1

    tf.get_logger().setLevel("ERROR")  # it warns about retracing, which is the subject here
    for kind, *rest in calls:
        add_one(tf.ones(rest[0], rest[1]) if kind == "tensor" else rest[0])
    return log


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.environ["NBGRADER_EXECUTION"] = "autograde"  # visible checks print instead of raising
    main(*sys.argv[1:])
