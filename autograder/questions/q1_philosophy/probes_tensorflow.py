"""Probes of exercise 1 for TensorFlow: plain inputs in, plain values out of the student's function.

They run inside the student's process and import nothing of the autograder.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf


def sgd_step(student: dict, inputs: dict) -> dict:
    """Calls sgd_step `calls` times with the same tensors and reports the last result."""
    w, b, x, y = (tf.constant(inputs[name]) for name in ("w", "b", "x", "y"))
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
    """Traces the program, its last input a variable, and hands the graph to the student's walk."""
    variable = tf.Variable(0.5)
    scalars = [tf.TensorSpec([], tf.float32)] * (inputs["inputs"] - 1)

    @tf.function
    def program(*placeholders: tf.Tensor) -> tf.Tensor:
        values = [*placeholders, tf.convert_to_tensor(variable)]
        for step in inputs["program"]:
            values.append(_apply(step, values))
        return values[-1]

    graph = program.get_concrete_function(*scalars).graph
    return {"counts": _kinds(student["count_operations"](graph))}


def newton(student: dict, inputs: dict) -> dict:
    """Calls newton with each tolerance; `kinds` says what kind of thing each root is."""
    a = tf.constant(inputs["a"])
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


OPERATIONS = {"mul": tf.multiply, "add": tf.add, "sub": tf.subtract}
OPERATIONS |= {"tanh": tf.tanh, "exp": tf.exp, "sin": tf.sin}


def _apply(step: list, values: list[tf.Tensor]) -> tf.Tensor:
    if step[0] == "scale":
        return tf.multiply(values[step[1]], tf.constant(step[2], tf.float32))
    return OPERATIONS[step[0]](*[values[index] for index in step[1:]])


def _kinds(counts: object) -> object:
    """{"AddV2": 2} -> {"add": 2}; kinds that do not occur are left out."""
    if not isinstance(counts, Mapping):
        return type(counts).__name__
    merged: dict[str, int] = {}
    for name, count in counts.items():
        kind = str(name).lower().removesuffix("v2")
        if int(count):
            merged[kind] = merged.get(kind, 0) + int(count)
    return merged


def _array(value: object) -> np.ndarray:
    return np.array(value)


def _kind(value: object) -> str:
    if not isinstance(value, tf.Tensor | tf.Variable):
        return type(value).__name__
    return f"{value.dtype.name} tensor"
