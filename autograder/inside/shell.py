"""IPython without a kernel: runs cells and keeps their outputs in nbformat's shape.

What a cell prints goes to two files in memory, so that Python, C++ and child processes are all
caught, in order, without a thread or a socket.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

STREAMS = {1: "stdout", 2: "stderr"}
TIMEOUT = "CellTimeoutError"


class Outputs:
    """The outputs of the cell that runs, and what it printed since it was last looked at."""

    def __init__(self) -> None:
        self.items: list[dict] = []
        self.clear_next = False
        self.limit = 0
        self.used = 0

    def capture_streams(self) -> None:
        """From here on standard output and error go to files in memory."""
        for number, name in STREAMS.items():
            file = os.memfd_create(name)
            os.dup2(file, number)
            os.close(file)
            text = open(number, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
            setattr(sys, name, text)

    def begin(self, limit: int) -> None:
        self.items, self.clear_next, self.limit, self.used = [], False, limit, 0

    def add(self, output: dict) -> None:
        self.take_streams()
        self._clear_if_asked()
        size = _size(output)
        if self.used + size <= self.limit:
            self.used += size
            self.items.append(output)
        elif self.used <= self.limit:
            self.used = self.limit + 1
            self.items.append(_stream("stdout", "[more output than is kept]\n"))

    def clear(self, wait: bool) -> None:
        self.take_streams()
        self.clear_next = True
        if not wait:
            self._clear_if_asked()

    def take_streams(self) -> None:
        """Move what was printed into the outputs."""
        for number, name in STREAMS.items():
            with contextlib.suppress(Exception):
                getattr(sys, name).flush()
            written = os.lseek(number, 0, os.SEEK_END)
            if not written:
                continue
            left = max(0, self.limit - self.used)
            text = os.pread(number, left, 0).decode("utf-8", "replace")
            os.ftruncate(number, 0)
            os.lseek(number, 0, os.SEEK_SET)
            self._add_text(name, text, cut=written > left)

    def _add_text(self, name: str, text: str, cut: bool) -> None:
        self._clear_if_asked()
        self.used += len(text)
        if cut and self.used <= self.limit:
            self.used = self.limit + 1
            text += "\n[more output than is kept]\n"
        last = self.items[-1] if self.items else {}
        if last.get("name") == name:
            last["text"] += text
        elif text:
            self.items.append(_stream(name, text))

    def _clear_if_asked(self) -> None:
        if self.clear_next:
            self.items, self.clear_next = [], False


def _stream(name: str, text: str) -> dict:
    return {"output_type": "stream", "name": name, "text": text}


def _size(output: dict) -> int:
    data = output.get("data") or output
    return sum(len(value) if isinstance(value, str | list) else 200 for value in data.values())


class Result(DisplayHook):
    """The value of a cell's last expression becomes an execute_result."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        output = {"output_type": "execute_result", "execution_count": self.prompt_count}
        self.shell.outputs.add(output | {"data": format_dict, "metadata": md_dict or {}})

    def finish_displayhook(self) -> None:
        pass


class Displays(DisplayPublisher):
    """display() and its updates become display_data."""

    def publish(self, data, metadata=None, *, transient=None, update=False, **_) -> None:
        outputs, name = self.shell.outputs, (transient or {}).get("display_id")
        output = {"output_type": "display_data", "data": data, "metadata": metadata or {}}
        shown = self.shell.displayed.get(name) if name else None
        if update and shown is not None:
            shown.update(output)
        elif not update:
            outputs.add(output)
        if name and not update:
            self.shell.displayed[name] = output

    def clear_output(self, wait: bool = False) -> None:
        self.shell.outputs.clear(wait)


class Shell(InteractiveShell):
    """One notebook's interpreter. Made in the warm process: its making starts no thread."""

    def __init__(self, **options) -> None:
        self.outputs = Outputs()
        self.displayed: dict[str, dict] = {}
        super().__init__(**options)

    def init_displayhook(self) -> None:
        self.displayhook_class = Result
        super().init_displayhook()

    def init_display_pub(self) -> None:
        self.display_pub = Displays(parent=self, shell=self)

    def enable_gui(self, gui=None) -> None:
        pass

    def init_virtualenv(self) -> None:
        pass

    def ask_exit(self) -> None:
        """`exit` in a notebook under nbgrader does nothing either."""

    def system(self, cmd: str) -> None:
        """What a line with `!` does: its output is the cell's."""
        self.user_ns["_exit_code"] = subprocess.call(self.var_expand(cmd, depth=1), shell=True)

    def _showtraceback(self, etype, evalue, stb) -> None:
        lines = stb if isinstance(stb, list) else [stb]
        self.outputs.add(
            {
                "output_type": "error",
                "ename": str(getattr(etype, "__name__", etype)),
                "evalue": str(evalue),
                "traceback": [str(line) for line in lines],
            }
        )


def make_shell() -> Shell:
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "neutral"
    config.InteractiveShell.ast_node_interactivity = "last_expr"
    config.InteractiveShell.separate_in = ""
    shell = Shell.instance(config=config)
    shell.db = {}  # where %cd and others write; its folder is read-only
    with contextlib.suppress(ImportError):
        shell.enable_matplotlib("inline")
    return shell


def run_cell(shell: Shell, source: str, limit_s: float, output: int) -> tuple[list[dict], bool]:
    """Outputs of a cell, and whether it ran to its end; after `limit_s` seconds it is stopped."""
    shell.outputs.begin(output)
    error = CellTimeoutError()
    with alarm(limit_s):
        result = shell.run_cell(source, store_history=True)
        error = result.error_before_exec or result.error_in_exec
    shell.outputs.take_streams()
    shown = any(item["output_type"] == "error" for item in shell.outputs.items)
    if error is not None and not shown:
        text = f"{type(error).__name__}: the cell ended with an error that was not shown"
        shell._showtraceback(type(error), "", [text])
    return shell.outputs.items, error is None


class CellTimeoutError(BaseException):
    """The cell ran longer than it may."""


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise CellTimeoutError in the main thread after `seconds`; code that is deaf is killed."""

    def stop(*_) -> None:
        raise CellTimeoutError(f"stopped after {seconds:g} seconds")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    try:
        yield
    except CellTimeoutError:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def cpu_seconds() -> float:
    """CPU time of this process and of its ended children."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system
