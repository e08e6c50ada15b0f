"""Probes of exercise 1 for PyTorch: plain inputs in, plain values out of the student's function.

They run inside the student's process and import nothing of the autograder.
"""

from collections.abc import Mapping

import numpy as np
import torch


def sgd_step(student: dict, inputs: dict) -> dict:
    """Calls sgd_step `calls` times with the same tensors and reports the last result."""
    w, b, x, y = (torch.tensor(inputs[name]) for name in ("w", "b", "x", "y"))
    for _ in range(inputs["calls"]):
        new_w, new_b, loss = student["sgd_step"](w, b, x, y, inputs["learning_rate"])
    answer = {"new_w": _array(new_w), "new_b": _array(new_b), "loss_before": float(loss)}
    if inputs["calls"] == 2:
        answer |= {"w_afterwards": _array(w), "b_afterwards": _array(b)}
    return answer


def slope(student: dict, inputs: dict) -> dict:
    """Calls slope with each number; `types` are the names of the types that came back."""
    results = [student["slope"](x) for x in inputs["x"]]
    return {
        "slopes": [float(result) for result in results],
        "types": [type(result).__name__ for result in results],
    }


def count_operations(student: dict, inputs: dict) -> dict:
    """Runs the program on leaf tensors and hands its output to the student's walk."""
    values = [torch.tensor(0.5 + i, requires_grad=True) for i in range(inputs["inputs"])]
    for step in inputs["program"]:
        values.append(_apply(step, values))
    return {"counts": _kinds(student["count_operations"](values[-1]))}


def newton(student: dict, inputs: dict) -> dict:
    """Calls newton with each tolerance; `kinds` says what kind of thing each root is."""
    a = torch.tensor(inputs["a"])
    results = [student["newton"](a, tolerance) for tolerance in inputs["tolerances"]]
    return {
        "roots": [_array(root) for root, _ in results],
        "steps": [int(steps) for _, steps in results],
        "kinds": [_kind(root) for root, _ in results],
    }


def predict_log(student: dict, inputs: dict) -> dict:
    """Calls predict_log with the calls as tuples."""
    calls = [
        (call[0], tuple(call[1]), call[2]) if call[0] == "tensor" else tuple(call)
        for call in inputs["calls"]
    ]
    words = student["predict_log"](calls)
    return {"log": [str(word) if isinstance(word, str) else word for word in words]}


def _apply(step: list, values: list[torch.Tensor]) -> torch.Tensor:
    kind, first = step[0], values[step[1]]
    if kind == "scale":
        return first * step[2]
    if kind in ("tanh", "exp", "sin"):
        return getattr(torch, kind)(first)
    return getattr(torch, kind)(first, values[step[2]])


def _kinds(counts: object) -> object:
    """{"MulBackward0": 2} -> {"mul": 2}; kinds that do not occur are left out."""
    if not isinstance(counts, Mapping):
        return type(counts).__name__
    merged: dict[str, int] = {}
    for name, count in counts.items():
        kind = str(name).rpartition("::")[2].partition("Backward")[0].lower()
        if int(count):
            merged[kind] = merged.get(kind, 0) + int(count)
    return merged


def _array(value: object) -> np.ndarray:
    return np.array(value.detach().cpu() if isinstance(value, torch.Tensor) else value)


def _kind(value: object) -> str:
    if not isinstance(value, torch.Tensor):
        return type(value).__name__
    return f"{str(value.dtype).removeprefix('torch.')} tensor"
