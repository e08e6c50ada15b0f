"""Plain values: what a probe may bring back, and when two of them are the same.

Everything here goes by exact type, so that no method of a student's class is ever called.
Messages describe what was expected; they never repeat what the student's code returned, because
that could carry hidden inputs out into feedback.
"""

import math

import numpy as np

from autograder.oracles import Runs

MAX_DEPTH = 6
MAX_ITEMS = 20_000
MAX_TEXT = 1_000
MAX_ELEMENTS = 1_000_000
KINDS = {
    float: "a number with a decimal point",
    int: "a whole number",
    bool: "True or False",
    str: "a string",
    list: "a list",
    dict: "a dictionary",
    np.ndarray: "an array or tensor",
    type(None): "None",
}


def problem(value: object) -> str | None:
    """Why `value` is not plain, in a few words; None when it is.

    Plain are float, int, bool, str, None, np.ndarray of bool, int or float, and lists and
    dictionaries of those: exact types, finite, and within the sizes above.
    """
    waiting = [(value, 0)]
    elements, seen = 0, 0
    while waiting:
        item, depth = waiting.pop()
        seen += 1
        if seen > MAX_ITEMS:
            return "it has too many items"
        if depth > MAX_DEPTH:
            return "it is nested too deep"
        kind = type(item)
        if kind is list or kind is dict:
            if len(item) > MAX_ITEMS:
                return "it has too many items"
            inner = item if kind is list else [*item.keys(), *item.values()]
            if kind is dict and any(type(key) is not str for key in item):
                return "a dictionary in it has a key that is not a string"
            waiting += [(part, depth + 1) for part in inner]
        elif kind is np.ndarray:
            elements += item.size
            if item.dtype.kind not in "biuf" or item.dtype.itemsize > 8:
                return "an array in it does not hold plain numbers"
            if elements > MAX_ELEMENTS:
                return "an array in it is too large"
            if not np.isfinite(item).all():
                return "it contains NaN or infinity"
        elif kind is float:
            if not math.isfinite(item):
                return "it contains NaN or infinity"
        elif kind is int:
            if not -(2**63) <= item < 2**63:
                return "it contains a number that is too large"
        elif kind is str:
            if len(item) > MAX_TEXT:
                return "it contains a text that is too long"
        elif kind is not bool and item is not None:
            return "it is not made of plain numbers, strings, lists, dictionaries or arrays"
    return None


def difference(
    answer: object, expected: object, rtol: float, atol: float, where: str
) -> str | None:
    """First way in which plain `answer` differs from `expected`; None when they agree.

    `expected` is plain, or Runs in place of a value.

    `where` names the value in the message.
    """
    kind = type(expected)
    if kind is Runs:
        return expected.difference(answer, where)
    if type(answer) is not kind:
        return f"`{where}` should be {KINDS[kind]}"
    if kind is dict:
        if answer.keys() != expected.keys():
            return f"`{where}` does not have the right names"
        pairs = [(answer[name], expected[name]) for name in expected]
    elif kind is list:
        if len(answer) != len(expected):
            return f"`{where}` does not have the right length"
        pairs = list(zip(answer, expected, strict=True))
    elif kind is np.ndarray:
        return _array_difference(answer, expected, rtol, atol, where)
    else:
        right = _near(answer, expected, rtol, atol) if kind is float else answer == expected
        return None if right else f"`{where}` is not right"
    found = (difference(a, e, rtol, atol, where) for a, e in pairs)
    return next((message for message in found if message), None)


def same(answer: object, expected: object, rtol: float = 1e-4, atol: float = 1e-5) -> bool:
    """Whether two plain values agree in type, shape and, within the tolerance, in value."""
    return difference(answer, expected, rtol, atol, "") is None


def _array_difference(
    answer: np.ndarray, expected: np.ndarray, rtol: float, atol: float, where: str
) -> str | None:
    if answer.shape != expected.shape:
        return f"`{where}` should have shape {expected.shape}"
    if (answer.dtype.kind == "f") != (expected.dtype.kind == "f"):
        return f"`{where}` should hold {expected.dtype} numbers"
    if not _near(answer.astype(np.float64), expected.astype(np.float64), rtol, atol):
        return f"`{where}` is not right"
    return None


def _near(answer: float | np.ndarray, expected: float | np.ndarray, rtol: float, atol: float):
    with np.errstate(over="ignore"):  # two huge numbers may differ by more than a float can hold
        return bool(np.all(np.abs(np.subtract(answer, expected)) <= atol + rtol * np.abs(expected)))
