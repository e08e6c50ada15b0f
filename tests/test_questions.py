"""Exercise 1 and the part of the autograder that judges it.

The quick tests need NumPy only. The slow ones run every kept answer (tests/answers) once in each
framework, in one process for each.
"""

import ast
import json
import logging
import os
import subprocess
import sys
import types
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autograder.in_kernel import grade, run_probe
from autograder.judge import NOT_ATTEMPTED, judge
from autograder.question import Case, Question
from autograder.questions import find_question, probes_module
from autograder.questions.q1_philosophy import answers
from autograder.values import MAX_ELEMENTS, MAX_ITEMS, difference, problem, same

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "tests" / "answers"
ASSIGNMENT = "1-philosophy"
QUESTIONS = answers.QUESTIONS
each_question = pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
seeds = st.integers(min_value=0, max_value=2**128)


def right_outcomes(question: Question, seed: int) -> dict[str, dict]:
    return {case.name: {"value": case.expected} for case in question.cases(seed)}


def alike(one: object, other: object) -> bool:
    """Whether two inputs are exactly the same, arrays and dtypes included."""
    return same(one, other, rtol=0, atol=0)


# Cases and answers


@each_question
@settings(deadline=None, max_examples=30)
@given(seed=seeds)
def test_cases_are_plain_and_their_points_add_up(question: Question, seed: int) -> None:
    cases = question.cases(seed)
    assert sum(case.points for case in cases) == question.points
    assert len({case.name for case in cases}) == len(cases)
    for case in cases:
        assert problem(case.inputs) is None
        assert problem(case.expected) is None


@each_question
@settings(deadline=None, max_examples=30)
@given(seed=seeds)
def test_the_right_answer_gets_all_points_without_a_word(question: Question, seed: int) -> None:
    verdict = judge(question, seed, right_outcomes(question, seed))
    assert verdict.points == verdict.max_points == question.points
    assert not any(result.message or result.section for result in verdict.results)


@each_question
def test_a_seed_fixes_the_inputs_and_another_changes_them(question: Question) -> None:
    first, again, other = (question.cases(seed) for seed in (1, 1, 2))
    for one, same_seed, other_seed in zip(first, again, other, strict=True):
        assert alike(one.inputs, same_seed.inputs)
        assert not alike(one.inputs, other_seed.inputs), one.name


def test_slopes_of_the_reference_agree_with_finite_differences() -> None:
    def bounce(x: float) -> float:
        y = answers.halved(x)
        return x * np.sin(y) if y > 0 else x * np.exp(-y)

    for x in (0.3, 1.9, 5.0, 1000.3, -0.4, -3.3, -777.7):
        h = 1e-6 * abs(x)
        assert answers.bounce_slope(x) == pytest.approx((bounce(x + h) - bounce(x - h)) / (2 * h))


def test_gradients_of_the_reference_agree_with_finite_differences() -> None:
    inputs = QUESTIONS["sgd_step"].cases(3)[2].inputs
    values = {name: inputs[name] for name in ("w", "b", "x", "y", "learning_rate")}
    step = answers.sgd_reference(**values)

    def loss(w: np.ndarray, b: float) -> float:
        return float(((values["x"] @ w + b - values["y"]) ** 2).mean())

    rate, h = values["learning_rate"], 1e-6
    for i, e in enumerate(np.eye(len(values["w"]))):
        slope = (
            loss(values["w"] + h * e, values["b"]) - loss(values["w"] - h * e, values["b"])
        ) / 2
        assert step["new_w"][i] == pytest.approx(values["w"][i] - rate * slope / h, rel=1e-5)
    slope = (loss(values["w"], values["b"] + h) - loss(values["w"], values["b"] - h)) / 2
    assert step["new_b"] == pytest.approx(values["b"] - rate * slope / h, rel=1e-5)


@settings(deadline=None, max_examples=50)
@given(seed=seeds)
def test_newton_tolerances_keep_away_from_every_change(seed: int) -> None:
    for case in QUESTIONS["newton"].cases(seed):
        a = case.inputs["a"].astype(np.float64)
        values = answers.newton_values(a, 12)
        changes = [np.max(np.abs(new - old)) for old, new in pairwise(values)]
        for tolerance, root in zip(case.inputs["tolerances"], case.expected["roots"], strict=True):
            assert not any(0.8 * tolerance < change < 1.25 * tolerance for change in changes)
            assert tolerance > 50 * np.finfo(case.inputs["a"].dtype).eps * root.max()


@settings(deadline=None, max_examples=50)
@given(seed=seeds)
def test_predict_log_stays_within_what_both_frameworks_capture_alike(seed: int) -> None:
    for case in QUESTIONS["predict_log"].cases(seed):
        calls = case.inputs["calls"]
        assert case.expected["log"].count("capture") <= 6
        assert all(size >= 2 for kind, *rest in calls if kind == "tensor" for size in rest[0])
        assert all(rest[0] >= 2 for kind, *rest in calls if kind == "number")


def test_every_section_that_a_message_names_is_a_heading_of_the_lessons() -> None:
    from tandem.source import lessons

    headings = {
        f"{lesson.name}#{line.lstrip('# ')}"
        for lesson in lessons(ROOT)
        for cell in lesson.cells
        if cell.kind == "markdown"
        for line in cell.text.splitlines()
        if line.startswith("##")
    }
    for question in QUESTIONS.values():
        named = {question.section, *(mistake.section for mistake in question.mistakes)}
        assert named <= headings


def test_probes_stand_alone_and_answers_need_no_framework() -> None:
    folder = ROOT / "autograder" / "questions" / "q1_philosophy"
    for name, barred in [
        ("probes_pytorch", {"tandem", "autograder", "tensorflow", "keras"}),
        ("probes_tensorflow", {"tandem", "autograder", "torch"}),
        ("answers", {"tandem", "torch", "tensorflow", "keras"}),
    ]:
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert not barred & {module.partition(".")[0] for module in names}, name


# The judge

numbers = st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.text(max_size=20))
some_arrays = arrays.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.bool_, np.object_, np.complex128, "U3"]),
    arrays.array_shapes(min_dims=0, max_dims=3, max_side=4),
    fill=st.nothing(),
)
anything = st.recursive(
    numbers | some_arrays,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(numbers, inner, max_size=4),
    max_leaves=8,
)


def outcomes_for(question: Question, seed: int) -> st.SearchStrategy[dict]:
    """Right, wrong, broken and missing outcomes, mixed."""
    cases = {}
    for case in question.cases(seed):
        fields = {name: anything | st.just(value) for name, value in case.expected.items()}
        cases[case.name] = (
            st.fixed_dictionaries(fields).map(lambda value: {"value": value})
            | st.text(max_size=50).map(lambda text: {"error": text})
            | anything
        )
    return st.fixed_dictionaries({}, optional=cases)


@each_question
@settings(deadline=None, max_examples=60)
@given(data=st.data(), seed=st.integers(0, 50))
def test_points_stay_in_range_whatever_comes_back(question, data, seed: int) -> None:
    outcomes = data.draw(outcomes_for(question, seed))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verdict = judge(question, seed, outcomes)
    assert type(verdict.points) is float
    assert 0 <= verdict.points <= verdict.max_points == question.points
    assert verdict.points == sum(result.points for result in verdict.results)
    for result in verdict.results:
        assert result.points in (0.0, result.max_points)
        assert (result.points == 0) == bool(result.message) == bool(result.section)
        assert "\n" not in result.message


@each_question
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_the_order_of_outcomes_does_not_matter(question: Question, data) -> None:
    outcomes = data.draw(outcomes_for(question, 7))
    shuffled = dict(data.draw(st.permutations(list(outcomes.items()))))
    assert judge(question, 7, outcomes) == judge(question, 7, shuffled)


class Equal:
    """Equal to everything, and it counts as a number."""

    def __eq__(self, other: object) -> bool:
        return True

    def __float__(self) -> float:
        return 1.0

    __hash__ = None


class Float(float):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None


class Array(np.ndarray):
    def __sub__(self, other: object) -> np.ndarray:
        return np.zeros(self.shape)


class Dictionary(dict):
    def keys(self):
        raise AssertionError("the judge must not call this")


HOSTILE = {
    "always equal": Equal(),
    "subclass of float": Float(1.0),
    "subclass of array": np.zeros(3).view(Array),
    "subclass of dict": Dictionary(),
    "NumPy scalar": np.float64(1.0),
    "NaN": float("nan"),
    "infinity": float("-inf"),
    "NaN in an array": np.array([1.0, np.nan]),
    "object array": np.array([Equal()], dtype=object),
    "structured array": np.zeros(2, dtype=[("a", float)]),
    "text array": np.array(["a"]),
    "complex array": np.zeros(2, dtype=complex),
    "huge array": np.broadcast_to(np.float32(0), (MAX_ELEMENTS + 1,)),
    "long list": [0] * (MAX_ITEMS + 1),
    "long text": "a" * 100_000,
    "large integer": 10**400,
    "key that is no string": {1: 2},
    "function": len,
    "tuple": (1, 2),
}
HOSTILE["deep nest"] = []
for _ in range(50):
    HOSTILE["deep nest"] = [HOSTILE["deep nest"]]
HOSTILE["a list in itself"] = []
HOSTILE["a list in itself"].append(HOSTILE["a list in itself"])


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_what_is_not_plain_is_refused(value: object) -> None:
    assert problem(value)
    assert problem([value])
    for question in QUESTIONS.values():
        for case in question.cases(0):
            answer = {name: value for name in case.expected}
            outcome = {case.name: {"value": answer}}
            result = next(r for r in judge(question, 0, outcome).results if r.name == case.name)
            assert result.points == 0
            assert result.message.startswith("no usable answer: ")


def test_a_wrong_shape_is_named_by_the_right_one() -> None:
    question = QUESTIONS["sgd_step"]
    case = question.cases(0)[1]
    answer = case.expected | {"new_w": case.expected["new_w"][:, None]}
    result = judge(question, 0, {case.name: {"value": answer}}).results[1]
    assert result.message == "`new_w` should have shape (5,)"


def test_a_missing_field_or_case_earns_nothing() -> None:
    question = QUESTIONS["sgd_step"]
    outcomes = right_outcomes(question, 0)
    first, second, *_ = outcomes
    del outcomes[first]
    outcomes[second] = {"value": {"new_w": outcomes[second]["value"]["new_w"]}}
    assert judge(question, 0, outcomes).points == 2
    both = {"value": question.cases(0)[0].expected, "error": "ValueError: x"}
    assert judge(question, 0, {first: both}).points == 0


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("ValueError: the inputs were 3.14159", "the function raised ValueError"),
        ("NotImplementedError: write your code", NOT_ATTEMPTED),
        ("NotImplementedError", NOT_ATTEMPTED),
        ("Input314159: leaked by name", "the function raised an exception"),
        ("print: not an exception", "the function raised an exception"),
        ("", "the function raised an exception"),
    ],
)
def test_messages_about_errors_carry_nothing_out(error: str, message: str) -> None:
    question = QUESTIONS["slope"]
    name = question.cases(0)[0].name
    assert judge(question, 0, {name: {"error": error}}).results[0].message == message


@pytest.mark.parametrize("value", ["secret", ["secret"], {"secret": 1}, {"secret": "secret"}])
def test_messages_never_repeat_an_answer(value: object) -> None:
    for question in QUESTIONS.values():
        for case in question.cases(0):
            for field in case.expected:
                outcome = {case.name: {"value": case.expected | {field: value}}}
                for result in judge(question, 0, outcome).results:
                    assert "secret" not in result.message


def test_differences_go_by_type_shape_and_tolerance() -> None:
    def found(answer: object, expected: object) -> str | None:
        return difference(answer, expected, rtol=1e-3, atol=1e-3, where="x")

    assert found(1.0009, 1.0) is None
    assert found(np.float32([1.0009]), np.array([1.0])) is None
    assert found({"a": [1, "b"]}, {"a": [1, "b"]}) is None
    assert found(1.003, 1.0) == "`x` is not right"
    assert found(1, 1.0) == "`x` should be a number with a decimal point"
    assert found(True, 1) == "`x` should be a whole number"
    assert found(np.array([1]), np.array([1.0])) == "`x` should hold float64 numbers"
    assert found(np.array(1.0), np.array([1.0])) == "`x` should have shape (1,)"
    assert found([1], [1, 2]) == "`x` does not have the right length"
    assert found({"b": 1}, {"a": 1}) == "`x` does not have the right names"
    assert found(np.array([1e308]), np.array([-1e308])) == "`x` is not right"


# In the notebook's own process

TWO = Question(
    name="double",
    points=2.0,
    section="first_steps#A gradient",
    cases=lambda seed: (
        Case("small", {"x": 2.0}, {"y": 4.0}, points=1.0),
        Case("large", {"x": 100.0}, {"y": 200.0}, points=1.0),
    ),
)


def double(student: dict, inputs: dict) -> dict:
    return {"y": student["double"](inputs["x"])}


def test_an_exception_ends_its_own_case_only() -> None:
    def wrong_for_large(x: float) -> float:
        if x > 10:
            raise ValueError("too\nlarge")
        return 2 * x

    outcomes = run_probe(TWO, double, {"double": wrong_for_large}, seed=0)
    assert outcomes["small"] == {"value": {"y": 4.0}}
    assert outcomes["large"] == {"error": "ValueError: too large"}
    assert judge(TWO, 0, outcomes).points == 1


def test_an_exit_or_an_exception_that_cannot_be_shown_is_caught() -> None:
    class Unshown(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    for error in (SystemExit(0), Unshown()):

        def raises(x: float, error: BaseException = error) -> float:
            raise error

        outcomes = run_probe(TWO, double, {"double": raises}, seed=0)
        assert all(type(outcome["error"]) is str for outcome in outcomes.values())


def test_student_code_cannot_write_while_it_is_probed(capfd: pytest.CaptureFixture) -> None:
    noisy = logging.getLogger("noisy")
    handler = logging.StreamHandler(sys.stderr)  # keeps the stream, as frameworks' loggers do
    noisy.addHandler(handler)

    def loud(x: float) -> float:
        print("on stdout")
        print("on stderr", file=sys.stderr)
        noisy.warning("a log line")
        os.write(2, b"from C++")
        return 2 * x

    try:
        outcomes = run_probe(TWO, double, {"double": loud}, seed=0)
        assert judge(TWO, 0, outcomes).points == 2
        assert capfd.readouterr() == ("", "")
        noisy.warning("afterwards")
        os.write(2, b"afterwards")
        assert capfd.readouterr().err.count("afterwards") == 2
    finally:
        noisy.removeHandler(handler)


def test_inputs_changed_by_a_student_do_not_reach_the_judge() -> None:
    case = Case("list", {"x": [1.0]}, {"y": 1.0}, points=1.0)
    question = Question("first", 1.0, "first_steps#A gradient", lambda seed: (case,))

    def probe(student: dict, inputs: dict) -> dict:
        inputs["x"].append(2.0)
        return {"y": inputs["x"][0]}

    assert run_probe(question, probe, {}, seed=0)["list"] == {"value": {"y": 1.0}}
    assert case.inputs == {"x": [1.0]}


def test_a_misspelt_function_is_recognised(capsys: pytest.CaptureFixture) -> None:
    def sdg_step():
        pass

    notebook = {"torch": types.ModuleType("torch"), "__name__": __name__, "slopes": 3}
    notebook |= {"sdg_step": sdg_step, "slop": open}
    assert grade(ASSIGNMENT, "sgd_step", notebook) == 0.0
    assert "did you mean sdg_step?" in capsys.readouterr().out
    assert grade(ASSIGNMENT, "slope", notebook) == 0.0
    said = capsys.readouterr().out
    assert said == "slope: there is no function of this name\n", "`open` is Python's own"


def test_a_notebook_with_two_frameworks_is_told_so(capsys: pytest.CaptureFixture) -> None:
    both = {name: types.ModuleType(name) for name in ("torch", "tensorflow")}
    assert grade(ASSIGNMENT, "slope", both) == 0.0
    assert "only one of them" in capsys.readouterr().out


def test_unknown_names_are_the_authors_mistake() -> None:
    with pytest.raises(KeyError):
        grade(ASSIGNMENT, "no_such_question", {})
    with pytest.raises(KeyError):
        find_question("../somewhere", "slope")
    assert probes_module(ASSIGNMENT, "pytorch").endswith(".q1_philosophy.probes_pytorch")


# Every kept answer, in the real frameworks


@pytest.fixture(scope="module", params=["pytorch", "tensorflow"])
def measured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What tests/answers/run.py measured in one framework, with the kept answers beside it."""
    output = tmp_path_factory.mktemp("answers") / "report.json"
    command = [sys.executable, str(KEPT / "run.py"), request.param, str(output)]
    environment = os.environ | {"TANDEM_STATE": str(output.parent), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(output.read_text(encoding="utf-8"))
    report["kept"] = {}
    for folder in (request.param, "both"):
        for file in (KEPT / ASSIGNMENT / folder).glob("*.yml"):
            report["kept"][file.stem] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return report


def measurements(measured: dict) -> list[tuple[str, dict, dict]]:
    """(question, kept answer, what it earned) for every kept answer."""
    return [
        (question, kept, earned)
        for question, answers in measured["kept"].items()
        for kept, earned in zip(answers, measured["answers"][question], strict=True)
    ]


@pytest.mark.slow
def test_the_solution_earns_everything(measured: dict) -> None:
    points = {name: result["points"] for name, result in measured["solution"].items()}
    assert points == {name: question.points for name, question in QUESTIONS.items()}
    for result in measured["solution"].values():
        assert "the visible check passes" in result["printed"]


@pytest.mark.slow
def test_the_stub_earns_nothing_and_every_cell_runs(measured: dict) -> None:
    assert measured["stub"].keys() == QUESTIONS.keys()
    for result in measured["stub"].values():
        assert result["points"] == 0
        assert "every case: not attempted yet" in result["printed"]


@pytest.mark.slow
def test_each_question_has_right_and_wrong_answers_to_prove_it(measured: dict) -> None:
    assert measured["kept"].keys() == QUESTIONS.keys()
    for name, kept in measured["kept"].items():
        full = QUESTIONS[name].points
        assert sum(answer["points"] == [full, full] for answer in kept) >= 2, name
        assert sum(bool(answer.get("fails")) for answer in kept) >= 2, name


@pytest.mark.slow
def test_kept_answers_earn_what_they_should_for_every_seed(measured: dict) -> None:
    for question, kept, earned in measurements(measured):
        low, high = kept["points"]
        for points in [earned["points"], *(seed["points"] for seed in earned["seeds"])]:
            assert low <= points <= high, (question, kept["name"])
        assert earned["points"] == QUESTIONS[question].points or low < QUESTIONS[question].points


@pytest.mark.slow
def test_wrong_answers_fail_the_right_case_with_the_right_message(measured: dict) -> None:
    for question, kept, earned in measurements(measured):
        for case, fragment in kept.get("fails", {}).items():
            for seed in earned["seeds"]:
                assert fragment in seed["failed"].get(case, ""), (question, kept["name"], case)
        assert kept.get("prints", "") in earned["printed"], (question, kept["name"])


@pytest.mark.slow
def test_visible_checks_pass_right_answers_and_say_what_is_wrong_with_others(measured) -> None:
    for question, kept, earned in measurements(measured):
        passes = "the visible check passes" in earned["visible"]
        assert passes or kept["points"][0] < QUESTIONS[question].points, (question, kept["name"])
        assert not passes or kept["points"][1] > 0, (question, kept["name"])
        assert kept.get("visible", "") in earned["visible"], (question, kept["name"])


@pytest.mark.slow
def test_the_rule_of_predict_log_is_what_the_framework_does(measured: dict) -> None:
    assert len(measured["logs"]) == 20
    for run in measured["logs"]:
        assert run["log"] == answers.captured_log(run["calls"])
