"""Keeps TensorFlow's start-up notices out of notebooks, and nothing else.

TensorFlow 2.21 writes two notices to standard error while it is imported, whatever
TF_CPP_MIN_LOG_LEVEL says. Turning oneDNN off would silence one of them, and would make
convolutions about three times slower: an unfair comparison. So the notices are filtered.
"""

import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

NOTICES = (
    b"All log messages before absl::InitializeLog() is called are written to STDERR",
    b"oneDNN custom operations are on.",
)


class QuietTensorFlow(MetaPathFinder):
    """Lets the first `import tensorflow` run as it is, without the notices."""

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None:
            load = spec.loader.exec_module

            def load_quietly(module: object) -> None:
                with without_notices():
                    load(module)

            spec.loader.exec_module = load_quietly
        return spec


@contextmanager
def without_notices() -> Iterator[None]:
    """Hold back what libraries write to standard error; pass on all but the known notices."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not any(notice in line for notice in NOTICES):
                    os.write(2, line)
