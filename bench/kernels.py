"""From asking for a kernel to its first result: an ordinary kernel and a forked one."""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from jupyter_client.manager import start_new_kernel

from autograder.provisioner import kernelspec, warm_up

FIRST = {
    "pytorch": "import torch\nw = torch.ones(2, requires_grad=True)\n"
    "step = torch.optim.SGD([w], lr=0.1)\n(w * w).sum().backward()\nstep.step()\nprint(w.sum())",
    "tensorflow": "import tensorflow as tf\nprint(tf.reduce_sum(tf.constant([0.8, 0.8])))",
}
TRIES = 3


def first_result() -> dict[str, dict[str, float]]:
    """Best of TRIES, warm and cold in turn, in seconds."""
    found = {}
    with _specs():
        for kind, code in FIRST.items():
            warm_up(kind)
            tries = [(_seconds(kind, code), _seconds(f"cold-{kind}", code)) for _ in range(TRIES)]
            warm, cold = (min(times) for times in zip(*tries, strict=True))
            found[kind] = {"warm_s": warm, "cold_s": cold, "ratio": cold / warm}
    return found


@contextlib.contextmanager
def _specs() -> Iterator[None]:
    """A Jupyter home of its own with a warm and a cold kernelspec of each kind."""
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        for kind in FIRST:
            for name, spec in (
                (kind, kernelspec(kind)),
                (f"cold-{kind}", kernelspec(kind) | {"metadata": {}}),
            ):
                place = Path(folder, "kernels", name)
                place.mkdir(parents=True)
                (place / "kernel.json").write_text(json.dumps(spec), "utf-8")
        os.environ["JUPYTER_PATH"] = folder
        os.environ["JUPYTER_RUNTIME_DIR"] = f"{folder}/run"
        yield


def _seconds(name: str, code: str) -> float:
    started = time.perf_counter()
    manager, client = start_new_kernel(kernel_name=name)
    try:
        reply = client.execute_interactive(code, timeout=120, output_hook=lambda message: None)
        seconds = time.perf_counter() - started
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert reply["content"]["status"] == "ok", reply
    return seconds
