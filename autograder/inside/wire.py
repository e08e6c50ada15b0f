"""Frames of JSON between the grader and a student's process, and plain values inside them.

Both ends use this file, so it needs nothing but the standard library and NumPy. Reading trusts
nobody: sizes are bounded and every type is checked.
"""

import base64
import json
import socket
import struct
from itertools import islice

import numpy as np

MAX_FRAME = 24 * 2**20  # bytes
MAX_ITEMS = 3_000_000  # commas and brackets in a frame: a short text can be a very large object
HEAD = struct.Struct(">I")
MAX_BITS = 10_000  # of a whole number: Python refuses to write much longer ones
LONGEST = 50_000
TAG = "$"
DTYPES = {np.dtype(code).str for code in ("?", *"bhilBHIL", *"efd")}


class WireError(Exception):
    """What arrived is not what this protocol sends."""


class Unplain:
    """Stands where a value was that is not plain."""


def send(link: socket.socket, message: dict) -> None:
    """Send one frame; raises OSError when the other end is gone."""
    body = json.dumps(message).encode()
    link.sendall(HEAD.pack(len(body)) + body)


class Budget:
    """How many bytes more may come."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, size: int) -> None:
        self.left -= size
        if size > MAX_FRAME or self.left < 0:
            raise WireError("sent more than a notebook may")


def receive(link: socket.socket, budget: Budget | None = None) -> dict | None:
    """The next frame, within the `budget` if there is one; None when the other end has closed.

    Raises WireError for anything that is not a frame, TimeoutError as the socket does.
    """
    head = _exactly(link, HEAD.size)
    if head is None:
        return None
    (size,) = HEAD.unpack(head)
    if budget is not None:
        budget.take(size)
    body = _exactly(link, size)
    if budget is not None and body is not None and _items(body) > MAX_ITEMS:
        raise WireError("sent more than a notebook may")
    try:
        message = json.loads(body) if body is not None else None
    except (ValueError, RecursionError):
        raise WireError("sent something unreadable") from None
    if type(message) is not dict:
        raise WireError("sent something unreadable")
    return message


def _exactly(link: socket.socket, size: int) -> bytes | None:
    parts, missing = [], size
    while missing:
        part = link.recv(min(missing, 2**20))
        if not part:
            return None
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _items(body: bytes) -> int:
    return sum(body.count(mark) for mark in (b",", b"[", b"{"))


def encode(value: object) -> object:
    """Plain value -> JSON. Goes by exact type: no method of a student's class is called.

    Of a list or dictionary LONGEST items go; the judge takes far fewer and says it is too long.
    """
    kind = type(value)
    if value is None or kind in (bool, str) or (kind is int and value.bit_length() < MAX_BITS):
        return value
    if kind is float:
        return value if value == value and abs(value) != float("inf") else {TAG: repr(value)}
    if kind is list:
        return [encode(item) for item in value[:LONGEST]]
    if kind is dict and all(type(key) is str for key in value):
        items = [[key, encode(item)] for key, item in islice(value.items(), LONGEST)]
        return {TAG: "dict", "items": items}
    if kind is np.ndarray and value.dtype.str in DTYPES:
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {TAG: "array", "dtype": value.dtype.str, "shape": list(value.shape), "data": data}
    if kind is bytes:
        return {TAG: "bytes", "data": base64.b64encode(value).decode()}
    return {TAG: "unplain"}


def decode(value: object, depth: int = 0) -> object:
    """JSON -> plain value; raises WireError for what `encode` does not make."""
    if depth > 20:
        raise WireError("sent something nested too deep")
    if type(value) is list:
        return [decode(item, depth + 1) for item in value]
    if type(value) is not dict:
        return value
    try:
        return _decode_tagged(value, depth)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise WireError("sent something unreadable") from None


def _decode_tagged(value: dict, depth: int) -> object:
    kind = value[TAG]
    if kind == "dict":
        return {str(key): decode(item, depth + 1) for key, item in value["items"]}
    if kind == "array":
        if value["dtype"] not in DTYPES:
            raise ValueError
        raw = np.frombuffer(base64.b64decode(value["data"]), dtype=value["dtype"])
        return raw.reshape([int(size) for size in value["shape"]]).copy()
    if kind == "bytes":
        return base64.b64decode(value["data"])
    return float(kind) if kind in ("nan", "inf", "-inf") else Unplain()
