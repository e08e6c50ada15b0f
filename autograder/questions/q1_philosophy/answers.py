"""Cases and answers of exercise 1, one set for both frameworks. NumPy only.

Never import this where student code runs for a real grade: the judge's process has it, the
student's does not. Every value comes from the seed, so that the same seed gives the same verdict.
"""

import math
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from autograder.question import Case, Mistake, Question
from autograder.values import same


def _random(seed: int, question: int, case: int) -> np.random.Generator:
    return np.random.default_rng([seed, question, case])


def _agree(answer: dict, fields: dict, case: Case) -> bool:
    return all(same(answer[name], value, case.rtol, case.atol) for name, value in fields.items())


def _gives(wrong: Callable[[Case], dict]) -> Callable[[Case, dict], bool]:
    """A `Mistake.seen` for answers that have the values of `wrong(case)` in those fields.

    It sees nothing where the mistake happens to give the right values.
    """

    def seen(case: Case, answer: dict) -> bool:
        fields = wrong(case)
        return _agree(answer, fields, case) and not _agree(case.expected, fields, case)

    return seen


def _differs(field: str) -> Callable[[Case, dict], bool]:
    """A `Mistake.seen` for answers that are wrong in this field, whatever the others are."""
    return lambda case, answer: not same(answer[field], case.expected[field], case.rtol, case.atol)


# sgd_step: one step of gradient descent on mean squared error


def sgd_reference(w, b, x, y, learning_rate: float) -> dict:
    """The step in float64, by the formula: x is (n, features), y is (n,), w is (features,)."""
    error = x @ w + b - y
    grad_w, grad_b = 2 * error @ x / len(y), 2 * error.mean()
    return {
        "new_w": w - learning_rate * grad_w,
        "new_b": np.asarray(b - learning_rate * grad_b),
        "loss_before": float((error**2).mean()),
    }


def _float64(inputs: dict) -> dict:
    names = ("w", "b", "x", "y", "learning_rate")
    return {name: np.asarray(inputs[name], dtype=np.float64) for name in names}


def _sgd_cases(seed: int) -> tuple[Case, ...]:
    plans = [
        ("one feature", 8, 1, "float32", 1),
        ("several features", 40, 5, "float32", 1),
        ("float64 tensors", 16, 3, "float64", 1),
        ("called twice with the same tensors", 12, 2, "float32", 2),
    ]
    return tuple(_sgd_case(_random(seed, 1, i), *plan) for i, plan in enumerate(plans))


def _sgd_case(rng, name: str, n: int, features: int, dtype: str, calls: int) -> Case:
    w = rng.normal(size=features)
    far = rng.uniform(0.8, 1.6, size=features) * rng.choice([-1, 1], size=features)
    b = rng.normal()
    x = rng.normal(size=(n, features))
    y = x @ (w + far) + b + rng.uniform(2, 3) + 0.1 * rng.normal(size=n)
    arrays = {"w": w, "b": b, "x": x, "y": y}
    inputs = {key: np.asarray(value, dtype=dtype) for key, value in arrays.items()}
    inputs |= {"learning_rate": float(rng.uniform(0.02, 0.1)), "calls": calls}
    expected = sgd_reference(**_float64(inputs))
    if calls == 2:
        expected |= {"w_afterwards": inputs["w"].copy(), "b_afterwards": inputs["b"].copy()}
    return Case(name, inputs, expected, points=1.0)


def _moved(case: Case, scale: float) -> np.ndarray:
    """new_w if the gradient had been multiplied by `scale`."""
    w = case.inputs["w"].astype(np.float64)
    return w + scale * (case.expected["new_w"] - w)


def _paired(case: Case) -> dict:
    """Every prediction compared with every target: what shapes (n, 1) and (n,) broadcast to."""
    values = _float64(case.inputs)
    error = values["x"] @ values["w"] + values["b"] - values["y"].mean()
    step = values["learning_rate"] * 2 * error @ values["x"] / len(error)
    return {"new_w": values["w"] - step}


def _loss_after(case: Case) -> dict:
    values = _float64(case.inputs)
    after = values | {"w": case.expected["new_w"], "b": case.expected["new_b"]}
    return {"loss_before": sgd_reference(**after)["loss_before"]}


def _mutated(case: Case, answer: dict) -> bool:
    return "w_afterwards" in case.expected and not (
        same(answer["w_afterwards"], case.expected["w_afterwards"])
        and same(answer["b_afterwards"], case.expected["b_afterwards"])
    )


def _accumulated(case: Case) -> dict:
    return {"new_w": _moved(case, 2)} if case.inputs["calls"] == 2 else {}


SGD_MISTAKES = (
    Mistake(
        "the step goes up the slope: subtract the gradient, do not add it",
        "first_steps#A model of a few numbers",
        _gives(lambda case: {"new_w": _moved(case, -1)}),
    ),
    Mistake(
        "w or b that was passed in has changed: work on a copy and return new tensors",
        "first_steps#A gradient",
        _mutated,
    ),
    Mistake(
        "the second call does not give the same as the first: "
        "the gradient of the first call was still there and the second was added to it",
        "first_steps#A gradient",
        _gives(_accumulated),
    ),
    Mistake(
        "the step is too long by the number of rows: the loss is a mean of squares, not a sum",
        "first_steps#A model of a few numbers",
        _gives(lambda case: {"new_w": _moved(case, len(case.inputs["y"]))}),
    ),
    Mistake(
        "the step is half as long as it should be: the derivative of a square has a factor 2",
        "first_steps#A gradient",
        _gives(lambda case: {"new_w": _moved(case, 0.5)}),
    ),
    Mistake(
        "every prediction was compared with every target: "
        "y and the prediction do not have the same shape, so that they broadcast to a matrix",
        "first_steps#A model of a few numbers",
        _gives(_paired),
    ),
    Mistake(
        "loss_before was measured after the step: take it with the old w and b",
        "first_steps#A model of a few numbers",
        _gives(_loss_after),
    ),
    Mistake(
        "b did not move: it has a gradient of its own",
        "first_steps#A model of a few numbers",
        _gives(lambda case: {"new_b": case.inputs["b"].astype(np.float64)}),
    ),
)


# slope: the derivative of a function with a loop and a branch


def halved(x: float) -> float:
    """What the loop of `bounce` makes of x."""
    y = x
    while abs(y) > 2:
        y = y / 2
    return y


def bounce_slope(x: float) -> float:
    """Derivative of `bounce` along the path that runs; y is x / 2**k, so dy/dx is y / x."""
    y = halved(x)
    if y > 0:
        return math.sin(y) + y * math.cos(y)
    return math.exp(-y) * (1 - y)


def _slope_cases(seed: int) -> tuple[Case, ...]:
    small, large, negative, jumps = (_random(seed, 2, i) for i in range(4))
    positive = small.uniform(0.2, 1.8, size=2)
    plans = [
        ("small positive numbers with a repetition", [*positive, positive[0]]),
        ("large positive numbers", large.uniform(1.1, 1.9, 3) * 2.0 ** large.integers(4, 24, 3)),
        ("negative numbers", -negative.uniform(1.1, 1.9, 3) * 2.0 ** negative.integers(-3, 20, 3)),
        ("numbers where the loop is about to run once more", _jumps(jumps)),
    ]
    return tuple(_slope_case(name, numbers) for name, numbers in plans)


def _jumps(rng) -> list[float]:
    """Powers of two: `abs(y) > 2` is just false, and the function jumps on one side."""
    powers = rng.integers(1, 12, size=2)
    return [float(sign * 2.0**power) for sign, power in zip((1, -1), powers, strict=True)]


def _slope_case(name: str, numbers) -> Case:
    x = [float(np.float32(number)) for number in numbers]  # exact in float32: same path everywhere
    expected = {"slopes": [bounce_slope(number) for number in x], "types": ["float"] * len(x)}
    return Case(name, {"x": x}, expected, points=1.0)


def _each_slope(derivative: Callable[[float], float]) -> Callable[[Case, dict], bool]:
    return _gives(lambda case: {"slopes": [derivative(x) for x in case.inputs["x"]]})


def _frozen_path(x: float) -> float:
    """Derivative when y counts as a constant."""
    y = halved(x)
    return math.sin(y) if y > 0 else math.exp(-y)


def _positive_path(x: float) -> float:
    y = halved(x)
    return math.sin(y) + y * math.cos(y)


def _quotient(case: Case, answer: dict) -> bool:
    """A difference quotient steps over the jump of the function at a power of two."""
    slopes = answer["slopes"]
    at_jumps = all(math.frexp(abs(x))[0] == 0.5 for x in case.inputs["x"])
    if not at_jumps or type(slopes) is not list or len(slopes) != len(case.inputs["x"]):
        return False
    return any(type(slope) is float and abs(slope) > 50 for slope in slopes)


SLOPE_MISTAKES = (
    Mistake(
        "slope should return a Python float, not a tensor or an array",
        "first_steps#A gradient",
        _differs("types"),
    ),
    Mistake(
        "this looks like a difference of two values of the function: "
        "ask the framework for the gradient of the path that ran",
        "first_steps#A gradient",
        _quotient,
    ),
    Mistake(
        "y counts as a constant: somewhere the tensor became a plain number "
        "and the record of what was computed stops there",
        "eager_graphs#What is recorded, and when",
        _each_slope(_frozen_path),
    ),
    Mistake(
        "this is the slope of the branch for positive y: "
        "for a negative one bounce takes the other branch",
        "eager_graphs#What is recorded, and when",
        _each_slope(_positive_path),
    ),
)


# count_operations: walk a graph
#
# A program is a list of steps over a growing list of values: ["tanh", i] or ["mul", i, j], or
# ["scale", i, number] for a multiplication by a plain number. The last value is the output, and
# every step is on a way to it.

UNARY = ("tanh", "exp", "sin")
BINARY = ("mul", "add", "sub")


def _operand_indices(step: list) -> list[int]:
    return step[1:2] if step[0] == "scale" else step[1:]


def operation_counts(program: list[list]) -> dict[str, int]:
    """How often each operation occurs; a multiplication by a number is a multiplication."""
    return dict(Counter("mul" if step[0] == "scale" else step[0] for step in program))


def _count_cases(seed: int) -> tuple[Case, ...]:
    chain, numbers, two, shared = (_random(seed, 3, i) for i in range(4))
    plans = [
        ("a chain of operations", 1, _chain(chain, 1, 6)),
        ("multiplications by plain numbers", 1, _with_numbers(numbers)),
        ("two inputs and every operation", 2, _two_inputs(two)),
        ("results that are used more than once", 1, _shared(shared)),
    ]
    return tuple(_count_case(name, inputs, program) for name, inputs, program in plans)


def _count_case(name: str, inputs: int, program: list[list]) -> Case:
    expected = {"counts": operation_counts(program)}
    return Case(name, {"inputs": inputs, "program": program}, expected, points=1.0)


def _chain(rng, first: int, length: int) -> list[list]:
    """One-input operations in a row; `first` is how many values there are already."""
    kinds = [str(kind) for kind in rng.choice(UNARY, size=length)]
    return [[kind, first - 1 + i] for i, kind in enumerate(kinds)]


def _with_numbers(rng) -> list[list]:
    program = [*_chain(rng, 1, 2), ["scale", 2, 0.5], *_chain(rng, 4, int(rng.integers(1, 4)))]
    return [*program, ["scale", len(program), float(rng.integers(2, 9))]]


def _two_inputs(rng) -> list[list]:
    """Both inputs through operations of their own, then together, in a random order of kinds."""
    kinds = [str(kind) for kind in rng.permutation([*BINARY, str(rng.choice(BINARY))])]
    left, right = (str(kind) for kind in rng.choice(UNARY, size=2))
    program = [[left, 0], [right, 1], [kinds[0], 2, 3]]
    for kind in kinds[1:]:
        program += [[str(rng.choice(UNARY)), len(program) + 1]]
        program += [[kind, len(program) + 1, int(rng.integers(0, 2))]]
    return program


def _shared(rng) -> list[list]:
    """Each result is used at least twice, so that walking every path counts it again."""
    program = [[str(rng.choice(UNARY)), 0]]
    for _ in range(int(rng.integers(4, 7))):
        last = len(program)
        kind = str(rng.choice(BINARY))
        program.append([kind, last, int(rng.choice([last, max(last - 1, 1)]))])
    program.append(["mul", len(program), 1])
    return program


def _walk(case: Case, first_operand_only: bool) -> dict:
    """Counts when each path from the output is walked, or only the one along first operands."""
    inputs, program = case.inputs["inputs"], case.inputs["program"]
    counts, waiting = Counter(), [len(program) - 1]
    while waiting:
        step = program[waiting.pop()]
        counts["mul" if step[0] == "scale" else step[0]] += 1
        operands = _operand_indices(step)[: 1 if first_operand_only else None]
        waiting += [index - inputs for index in operands if index >= inputs]
    return {"counts": dict(counts)}


BOOKKEEPING = {
    "accumulategrad",
    "placeholder",
    "const",
    "identity",
    "noop",
    "readvariableop",
    "none",
}


def _bookkeeping(case: Case, answer: dict) -> bool:
    return type(answer["counts"]) is dict and not BOOKKEEPING.isdisjoint(answer["counts"])


def _own_names(case: Case, answer: dict) -> bool:
    counts = answer["counts"]
    return type(counts) is dict and any(name.rpartition("_")[2].isdigit() for name in counts)


COUNT_MISTAKES = (
    Mistake(
        "something is counted that computes nothing: "
        "a leaf, an input, a constant, or what only passes a value on",
        "eager_graphs#What is recorded, and when",
        _bookkeeping,
    ),
    Mistake(
        "operations are counted by the name that each one has for itself, such as mul_1: "
        "count them by their kind",
        "eager_graphs#What is recorded, and when",
        _own_names,
    ),
    Mistake(
        "a result that is used twice is counted twice: remember which operations you have visited",
        "eager_graphs#What is recorded, and when",
        _gives(lambda case: _walk(case, first_operand_only=False)),
    ),
    Mistake(
        "only the first operand of each operation was followed: follow all of them",
        "eager_graphs#What is recorded, and when",
        _gives(lambda case: _walk(case, first_operand_only=True)),
    ),
)


# newton: a square root that stops by itself


def newton_values(a: np.ndarray, updates: int) -> list[np.ndarray]:
    """x_0 = a and the results of `updates` Newton steps towards the square root, in float64."""
    values = [np.asarray(a, dtype=np.float64)]
    for _ in range(updates):
        values.append(np.asarray(0.5 * (values[-1] + a / values[-1])))
    return values


def _measures(a: np.ndarray, how: Callable[[np.ndarray, np.ndarray], float]) -> list[float]:
    """`how(new, old)` for each of the first 40 updates."""
    values = newton_values(np.asarray(a, dtype=np.float64), 40)
    return [how(new, old) for old, new in pairwise(values)]


def _largest_change(new: np.ndarray, old: np.ndarray) -> float:
    return float(np.max(np.abs(new - old)))


def _steps(a: np.ndarray, tolerance: float, how=_largest_change) -> int:
    """Number of updates until `how(new, old)` is below the tolerance."""
    below = [i for i, size in enumerate(_measures(a, how), start=1) if size < tolerance]
    return below[0] if below else 0


def newton_reference(a: np.ndarray, tolerance: float) -> tuple[np.ndarray, int]:
    """(root, steps): updates x <- (x + a / x) / 2 from x = a until no entry changes by more."""
    steps = _steps(a, tolerance)
    return newton_values(a, steps)[-1], steps


def _tolerances(a: np.ndarray) -> list[float]:
    """Four tolerances that rounding cannot come near, from one that one update meets to a tiny one.

    The first is twice the first change. The others are half of one change and far above the next:
    near the root each change is about the square of the one before it.
    """
    changes = _measures(a, _largest_change)
    fast = next(i for i in range(40) if changes[i + 1] < 0.1 * changes[i])
    return [2 * changes[0], *[change / 2 for change in changes[fast : fast + 3]]]


def _newton_cases(seed: int) -> tuple[Case, ...]:
    scalar, several, vector, fine = (_random(seed, 4, i) for i in range(4))
    plans = [
        ("a single number", _number(scalar, "float32"), [1]),
        ("one number, loose and tight tolerances", _number(several, "float32"), [0, 1, 2]),
        ("a vector", _spread(vector), [1]),
        ("float64 and a small tolerance", _number(fine, "float64"), [3]),
    ]
    return tuple(_newton_case(*plan) for plan in plans)


def _number(rng, dtype: str) -> np.ndarray:
    return np.asarray(rng.uniform(2, 90), dtype=dtype)


def _spread(rng) -> np.ndarray:
    """Five numbers near 1, which settle at once, and one large number, which takes longest."""
    near_one = rng.uniform(0.9, 1.1, size=5)
    return np.append(near_one, rng.uniform(2e3, 9e3)).astype(np.float32)


def _newton_case(name: str, a: np.ndarray, which: list[int]) -> Case:
    tolerances = [_tolerances(a)[index] for index in which]
    answers = [newton_reference(a.astype(np.float64), tolerance) for tolerance in tolerances]
    expected = {
        "roots": [root for root, _ in answers],
        "steps": [steps for _, steps in answers],
        "kinds": [f"{a.dtype} tensor"] * len(tolerances),
    }
    return Case(name, {"a": a, "tolerances": tolerances}, expected, points=1.0, rtol=1e-5)


def _by(how: Callable[[np.ndarray, np.ndarray, np.ndarray], float]) -> Callable[[Case], dict]:
    """Steps of a loop that compares `how(new, old, a)` with the tolerance instead."""

    def wrong(case: Case) -> dict:
        a = case.inputs["a"].astype(np.float64)

        def measure(new: np.ndarray, old: np.ndarray) -> float:
            return how(new, old, a)

        return {"steps": [_steps(a, limit, measure) for limit in case.inputs["tolerances"]]}

    return wrong


def _roots_after(case: Case, steps: list[int]) -> list[np.ndarray]:
    a = case.inputs["a"].astype(np.float64)
    return [newton_values(a, count)[-1] for count in steps]


def _one_too_old(case: Case) -> dict:
    steps = case.expected["steps"]
    return {"roots": _roots_after(case, [count - 1 for count in steps]), "steps": steps}


def _one_too_many(case: Case) -> dict:
    steps = [count + 1 for count in case.expected["steps"]]
    return {"roots": _roots_after(case, steps), "steps": steps}


def _off_by_one(case: Case, answer: dict) -> bool:
    """The roots are right, and every count is too low or too high by one."""
    right = case.expected["steps"]
    shifted = ([count + by for count in right] for by in (-1, 1))
    roots_right = same(answer["roots"], case.expected["roots"], case.rtol, case.atol)
    return roots_right and any(same(answer["steps"], steps) for steps in shifted)


def _same_steps(case: Case, answer: dict) -> bool:
    """All counts are equal although the tolerances are not."""
    steps, right = answer["steps"], case.expected["steps"]
    if len(right) == 1 or type(steps) is not list or len(steps) != len(right):
        return False
    return type(steps[0]) is int and all(same(count, steps[0]) for count in steps)


NEWTON_MISTAKES = (
    Mistake(
        "root should be a tensor of the same dtype as a",
        "first_steps#From NumPy to a tensor",
        _differs("kinds"),
    ),
    Mistake(
        "steps is off by one: count every update, the last one too",
        "eager_graphs#Define first, run later",
        _off_by_one,
    ),
    Mistake(
        "there was one update more after the change had fallen below the tolerance",
        "eager_graphs#Define first, run later",
        _gives(_one_too_many),
    ),
    Mistake(
        "root is the value before the last update: return the newest one",
        "eager_graphs#Define first, run later",
        _gives(_one_too_old),
    ),
    Mistake(
        "the loop stopped by the mean of the changes: go on until the largest change is small",
        "eager_graphs#Define first, run later",
        _gives(_by(lambda new, old, a: float(np.mean(np.abs(new - old))))),
    ),
    Mistake(
        "the loop compared x * x with a: compare the new x with the one before it",
        "eager_graphs#Define first, run later",
        _gives(_by(lambda new, old, a: float(np.max(np.abs(new * new - a))))),
    ),
    Mistake(
        "the number of updates does not depend on the tolerance: "
        "compare the change with it after each update",
        "eager_graphs#Define first, run later",
        _same_steps,
    ),
)


# predict_log: what happens at capture and what at each run
#
# A call is ["tensor", shape, dtype name] or ["number", value].


def log_by(signature: Callable[[list], object], calls: list[list]) -> list[str]:
    """The log of a captured function that is captured once for each value of `signature(call)`."""
    log, seen = [], []
    for call in calls:
        if signature(call) not in seen:
            seen.append(signature(call))
            log.append("capture")
        log.append("run")
    return log


def captured_log(calls: list[list]) -> list[str]:
    """The real rule: shape and dtype of a tensor, value of a Python number."""
    return log_by(lambda call: call, calls)


def _log_cases(seed: int) -> tuple[Case, ...]:
    pools = [
        ("tensors of several shapes", _shape_pool),
        ("tensors of several dtypes", _dtype_pool),
        ("Python numbers", _number_pool),
        ("tensors and numbers by turns", _mixed_pool),
    ]
    return tuple(_log_case(name, _random(seed, 5, i), pool) for i, (name, pool) in enumerate(pools))


def _log_case(name: str, rng, make_pool: Callable) -> Case:
    """Six signatures at most, since Dynamo gives up after eight: one repeated, then all again."""
    pool = make_pool(rng)
    order = [0, *range(len(pool)), *rng.permutation(len(pool)), *rng.integers(0, len(pool), 3)]
    calls = [list(pool[index]) for index in order]
    return Case(name, {"calls": calls}, {"log": captured_log(calls)}, points=1.0)


def _shapes(rng, count: int) -> list[list[int]]:
    """Different shapes with sizes from 2 up: sizes 0 and 1 are special to compilers."""
    rows = [int(size) for size in rng.choice(np.arange(2, 9), size=count, replace=False)]
    return [[row] if i % 2 else [row, int(rng.integers(2, 6))] for i, row in enumerate(rows)]


def _shape_pool(rng) -> list[list]:
    tensors = [["tensor", shape, "float32"] for shape in [*_shapes(rng, 4), []]]
    return [*tensors, ["number", int(rng.integers(2, 60))]]


def _dtype_pool(rng) -> list[list]:
    dtypes = [str(name) for name in rng.permutation(["float32", "float64", "int32", "int64"])]
    first, second = _shapes(rng, 2)
    return [["tensor", first, dtypes[0]], *[["tensor", second, dtype] for dtype in dtypes]]


def _number_pool(rng) -> list[list]:
    values = rng.choice(np.arange(2, 60), size=5, replace=False)
    return [*[["number", int(value)] for value in values], ["tensor", [3], "float32"]]


def _mixed_pool(rng) -> list[list]:
    tensors, numbers = _shape_pool(rng)[:3], _number_pool(rng)[:3]
    return [call for pair in zip(tensors, numbers, strict=True) for call in pair]


def _only_last(calls: list[list]) -> list[str]:
    log: list[str] = []
    for before, call in zip([None, *calls], calls, strict=False):
        log += ["run"] if call == before else ["capture", "run"]
    return log


def _log_is(wrong: Callable[[list[list]], list[str]]) -> Callable[[Case, dict], bool]:
    return _gives(lambda case: {"log": wrong(case.inputs["calls"])})


LOG_SECTION = "eager_graphs#Capture once, replay many times"
LOG_MISTAKES = (
    Mistake(
        "this log captures at each call: a signature that was seen before is not captured again",
        LOG_SECTION,
        _log_is(lambda calls: ["capture", "run"] * len(calls)),
    ),
    Mistake(
        "this log captures only once: each new signature is captured",
        LOG_SECTION,
        _log_is(lambda calls: log_by(lambda call: None, calls)),
    ),
    Mistake(
        "this log forgets every signature but the last: all captures are kept",
        LOG_SECTION,
        _log_is(_only_last),
    ),
    Mistake(
        "the dtype belongs to the signature of a tensor",
        LOG_SECTION,
        _log_is(lambda calls: log_by(lambda call: call[:2], calls)),
    ),
    Mistake(
        "the shape belongs to the signature of a tensor, not only the dtype",
        LOG_SECTION,
        _log_is(lambda calls: log_by(lambda call: (call[0], call[-1]), calls)),
    ),
    Mistake(
        "all sizes of a shape belong to the signature, not only how many there are",
        LOG_SECTION,
        _log_is(lambda calls: log_by(_rank_only, calls)),
    ),
    Mistake(
        "the value of a Python number belongs to the signature: another value is captured again",
        LOG_SECTION,
        _log_is(lambda calls: log_by(lambda call: call if call[0] == "tensor" else 0, calls)),
    ),
    Mistake(
        "the capture is logged after the run: the function is captured first, then it runs",
        LOG_SECTION,
        _log_is(lambda calls: _run_first(captured_log(calls))),
    ),
)


def _rank_only(call: list) -> object:
    return call if call[0] == "number" else (len(call[1]), call[2])


def _run_first(log: list[str]) -> list[str]:
    """The same log with each "capture" behind the "run" that it belongs to."""
    return " ".join(log).replace("capture run", "run capture").split()


QUESTIONS = {
    question.name: question
    for question in (
        Question("sgd_step", 4.0, "first_steps#A model of a few numbers", _sgd_cases, SGD_MISTAKES),
        Question("slope", 4.0, "first_steps#A gradient", _slope_cases, SLOPE_MISTAKES),
        Question(
            "count_operations",
            4.0,
            "eager_graphs#What is recorded, and when",
            _count_cases,
            COUNT_MISTAKES,
        ),
        Question(
            "newton", 4.0, "eager_graphs#Define first, run later", _newton_cases, NEWTON_MISTAKES
        ),
        Question("predict_log", 4.0, LOG_SECTION, _log_cases, LOG_MISTAKES),
    )
}
