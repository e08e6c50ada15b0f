"""Execute notebooks in kernels of their own and report time, memory, recorded values, faults."""

import json
import os
import platform
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tandem.course import CourseError
from tandem.store import Store

CELL_SECONDS = 120
SAMPLE_SECONDS = 0.05


@dataclass
class Report:
    """What one run of a notebook showed. Memory is the kernel's and its children's peak, in MB."""

    notebook: str
    seconds: float = 0.0
    peak_mb: float = 0.0
    recorded: dict[str, dict] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def as_dict(self) -> dict:
        return asdict(self)


def lesson_notebooks(course: Path, pattern: str = "") -> list[Path]:
    """Lesson notebooks whose path contains `pattern`, in order."""
    files = sorted((course / "lessons").glob("[0-9]*/*.*.ipynb"))
    found = [f for f in files if pattern in str(f.relative_to(course))]
    if not found:
        raise CourseError(f"no lesson notebook matches {pattern!r}; try `tandem run` without it")
    return found


def run_notebook(course: Path, path: Path, save_to: Path | None = None) -> Report:
    """Run every cell of a notebook with an empty learner's file; never changes the notebook.

    Faults are: a cell that raises without the tag `raises-exception` (or does not raise with it),
    text on standard error without the tag `warns`, and a cell that takes over two minutes.
    `save_to` keeps a copy with outputs.
    """
    notebook = nbformat.read(path, as_version=4)
    report = Report(str(path.relative_to(course)))
    with tempfile.TemporaryDirectory() as state:
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(path.parent)}},
        )
        started = time.perf_counter()
        try:
            with _kernel_with_state(client, state) as memory:
                _execute(client, notebook, report)
                report.peak_mb = round(memory.peak / 1e6, 1)
        finally:
            report.seconds = round(time.perf_counter() - started, 2)
        for entry in Store(Path(state)).entries("measurements"):
            kept = {key: entry[key] for key in ("value", "unit", "framework", "lesson")}
            report.recorded[entry["name"]] = kept
    report.faults += _quiet_faults(notebook)
    if save_to:
        nbformat.write(notebook, save_to)
    return report


def _execute(client: NotebookClient, notebook: nbformat.NotebookNode, report: Report) -> None:
    for index, cell in enumerate(notebook.cells):
        try:
            client.execute_cell(cell, index)
        except CellExecutionError as error:
            report.faults.append(f"cell {cell.id}: {error.ename}: {error.evalue}")
            return
        except CellTimeoutError:
            report.faults.append(f"cell {cell.id}: took over {CELL_SECONDS} seconds")
            return
        except DeadKernelError:
            report.faults.append(f"cell {cell.id}: the kernel died")
            return


def _quiet_faults(notebook: nbformat.NotebookNode) -> list[str]:
    """Text on stderr where none is expected, and expected errors that did not come."""
    faults = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        tags = cell.metadata.get("tags", [])
        kinds = {output.output_type for output in cell.outputs}
        if "raises-exception" in tags and cell.execution_count and "error" not in kinds:
            faults.append(f"cell {cell.id}: tagged raises-exception but it did not raise")
        for output in cell.outputs:
            stderr = output.output_type == "stream" and output.name == "stderr"
            if stderr and "warns" not in tags:
                faults.append(f"cell {cell.id}: stderr: {' '.join(output.text.split())[:300]}")
    return faults


class _kernel_with_state:
    """Start the client's kernel with its own TANDEM_STATE and watch its memory until it ends."""

    def __init__(self, client: NotebookClient, state: str) -> None:
        self.client, self.state = client, state

    def __enter__(self) -> "_Memory":
        self.client.create_kernel_manager()
        self.client.start_new_kernel(env={**os.environ, "TANDEM_STATE": self.state})
        self.client.start_new_kernel_client()
        self.memory = _Memory(self.client.km.provisioner.pid)
        return self.memory

    def __exit__(self, *_: object) -> None:
        self.memory.stop()
        self.client._cleanup_kernel()


class _Memory:
    """Peak resident memory in bytes of a process and its children, sampled in a thread."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            try:
                family = [self._process, *self._process.children(recursive=True)]
                self.peak = max(self.peak, sum(p.memory_info().rss for p in family))
            except psutil.NoSuchProcess:
                continue

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()


def save_bundle(course: Path, reports: list[Report]) -> None:
    """Keep recorded numbers (no arrays) as the dated copy shown where a partner was not run."""
    target = course / "tandem" / "bundled.json"
    bundle = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {"values": {}}
    bundle["date"] = date.today().isoformat()
    load = os.getloadavg()[0]
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    bundle["machine"] = f"{machine}, load {load:.1f} at the end"
    for report in reports:
        numbers = {n: k for n, k in report.recorded.items() if not isinstance(k["value"], list)}
        for name, kept in numbers.items():
            lesson = bundle["values"].setdefault(kept["lesson"], {})
            values = lesson.setdefault(kept["framework"], {})
            values[name] = {"value": kept["value"], "unit": kept["unit"]}
    target.write_text(json.dumps(bundle, indent=1, sort_keys=True) + "\n", encoding="utf-8")
