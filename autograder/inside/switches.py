"""Settings of a framework that hold for the whole process.

A question's visible check passed with the settings of that moment; a cell further down may have
changed them. The probes of the question find them as they were.
"""

import contextlib
import sys
from collections.abc import Iterator


def settings() -> dict:
    """The settings as they are now, of the frameworks that are loaded."""
    found = {}
    if torch := sys.modules.get("torch"):
        found["grad"] = torch.is_grad_enabled()
        found["inference"] = torch.is_inference_mode_enabled()
        found["dtype"] = torch.get_default_dtype()
        found["device"] = torch.utils._device.CURRENT_DEVICE  # None where nobody set one
    if tf := sys.modules.get("tensorflow"):
        found["functions_eager"] = tf.config.functions_run_eagerly()
        found["eager"] = tf.executing_eagerly()
    return found


@contextlib.contextmanager
def as_they_were(then: dict) -> Iterator[None]:
    """The settings `then` for a while."""
    now = settings()
    with contextlib.ExitStack() as stack:
        _set(then, now, stack)
        try:
            yield
        finally:
            _set(now, settings(), stack)


def _set(wanted: dict, now: dict, stack: contextlib.ExitStack) -> None:
    changed = {name: value for name, value in wanted.items() if value != now.get(name)}
    torch, tf = sys.modules.get("torch"), sys.modules.get("tensorflow")
    if "inference" in changed:
        stack.enter_context(torch.inference_mode(changed["inference"]))
    if changed.keys() & {"grad", "inference"}:  # leaving inference mode sets the other as well
        torch.set_grad_enabled(wanted["grad"])
    if "dtype" in changed:
        torch.set_default_dtype(changed["dtype"])
    if "device" in changed:
        torch.set_default_device(changed["device"])
    if "functions_eager" in changed:
        tf.config.run_functions_eagerly(changed["functions_eager"])
    if changed.get("eager"):
        from tensorflow.python.eager import context

        stack.enter_context(context.eager_mode())
