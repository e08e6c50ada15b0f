"""Warm kernels as Jupyter's own managers see them: real kernels and real warm processes."""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from conftest import ROOT
from jupyter_client.manager import AsyncKernelManager, KernelManager
from nbclient import NotebookClient

from autograder.provisioner import Forked, kernelspec, kind_of, warm_up
from tandem.start import warm_kernels

if sys.platform != "linux":
    pytest.skip("kernels are forked on Linux only", allow_module_level=True)

READY_S = 60
OPERATION = {
    "pytorch": "import torch\nw = torch.ones(2, requires_grad=True)\n"
    "step = torch.optim.SGD([w], lr=0.1)\n(w * w).sum().backward()\nstep.step()\nprint(w.sum())",
    "tensorflow": "import tensorflow as tf\nprint(tf.reduce_sum(tf.constant([0.8, 0.8])))",
}


@pytest.fixture(scope="module", autouse=True)
def home() -> Iterator[Path]:
    """A Jupyter home with a warm and a cold kernelspec of each kind; nothing of it survives."""
    folder = Path(tempfile.mkdtemp(prefix="warm-"))  # short, for the paths of ipc sockets
    for kind in ("plain", "pytorch", "tensorflow"):
        add_spec(folder, kind, kernelspec(kind))
        add_spec(folder, f"cold-{kind}", kernelspec(kind) | {"metadata": {}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "run"))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.setenv("WARM_TEST", str(folder))
        yield folder
        left = ours()
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=5)
        shutil.rmtree(folder)


def add_spec(folder: Path, name: str, spec: dict) -> None:
    place = folder / "kernels" / name
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps(spec))


def spec_with(home: Path, name: str, **config: object) -> str:
    spec = kernelspec("plain")
    spec["metadata"]["kernel_provisioner"]["config"] |= config
    add_spec(home, name, spec)
    return name


@pytest.fixture
def own_home(home, tmp_path, monkeypatch) -> Path:
    """No warm process yet, and none that another test uses."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    return home


def ours() -> list[psutil.Process]:
    """All warm processes and their kernels of these tests, zombies too."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("WARM_TEST") == os.environ["WARM_TEST"]:
                found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def warm_processes() -> list[int]:
    """Warm processes of kind plain, told from their kernels by where they work."""
    folder = Path(os.environ["JUPYTER_RUNTIME_DIR"]) / "warm"
    found = []
    for process in ours():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(folder) and '"warm": "plain"' in process.cmdline()[-1]:
                found.append(process.pid)
    return found


def eventually(true, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


@contextlib.contextmanager
def kernel(name: str = "plain", transport: str = "tcp", **options: object):
    """A manager and a client of a kernel that is ready."""
    environment = dict(options.pop("env", os.environ))
    environment.pop("PYTEST_CURRENT_TEST", None)  # with it ipykernel leaves descriptors 1 and 2
    manager = KernelManager(kernel_name=name, transport=transport)
    manager.start_kernel(env=environment, **options)
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=READY_S)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client, code: str) -> str:
    """What the code prints and shows; its error's name when it raises."""
    shown = []

    def keep(message: dict) -> None:
        content = message["content"]
        shown.append(content.get("text") or content.get("ename") or "")
        shown.extend(content.get("data", {}))

    # Else ipykernel throws away what is asked in the moment after an error.
    client.execute_interactive(code, stop_on_error=False, timeout=READY_S, output_hook=keep)
    return "".join(shown)


def seconds_to(kind: str) -> float:
    """From asking for a kernel to the first result of an operation."""
    began = time.perf_counter()
    with kernel(kind) as (_, client):
        assert "1.6" in run(client, OPERATION[kind.removeprefix("cold-")])
        return time.perf_counter() - began


@pytest.mark.slow
@pytest.mark.parametrize("kind", OPERATION)
def test_the_first_result_comes_in_a_fraction_of_a_cold_start(kind, capsys):
    warm_up(kind)
    warm = min(seconds_to(kind) for _ in range(3))
    cold = min(seconds_to(f"cold-{kind}") for _ in range(2))
    with capsys.disabled():
        print(f"\n{kind}: warm {warm:.2f} s, cold {cold:.2f} s, {cold / warm:.1f} times faster")
    assert warm < 1.5
    assert warm < cold / 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, draw",
    [
        ("pytorch", "import torch; print(torch.rand(4).tolist())"),
        ("tensorflow", "import tensorflow as tf; print(tf.random.uniform([4]).numpy())"),
        ("tensorflow", "import keras; print(keras.random.uniform([4]).numpy())"),
    ],
)
def test_two_kernels_of_a_framework_draw_different_numbers(kind, draw):
    with kernel(kind) as (_, first), kernel(kind) as (_, second):
        assert run(first, draw) != run(second, draw)


@pytest.mark.slow
def test_what_a_framework_logs_reaches_the_notebook_and_its_notices_do_not():
    with kernel("tensorflow") as (_, client):
        said = run(client, "import tensorflow as tf; tf.get_logger().warning('a log line')")
        assert "a log line" in said and "oneDNN" not in said
        assert run(client, OPERATION["tensorflow"]).count("\n") == 1


def test_a_kernel_is_forked_and_two_share_nothing():
    draw = "import random, numpy; print(random.random(), numpy.random.rand())"
    with kernel() as (manager, first), kernel() as (other, second):
        assert isinstance(manager.provisioner.process, Forked)
        assert run(first, draw) != run(second, draw)
        run(first, "import json; json.mark = x = 1")
        assert run(second, "print('x' in globals(), hasattr(json, 'mark'))") == "NameError"
        assert run(second, "import json; print(hasattr(json, 'mark'))") == "False\n"
        parents = {psutil.Process(m.provisioner.pid).ppid() for m in (manager, other)}
        assert parents == set(warm_processes())


def test_a_kernel_has_the_folder_environment_and_arguments_it_was_given(tmp_path):
    environment = os.environ | {"GIVEN": "this", "PATH": "/nowhere"}
    with kernel(cwd=str(tmp_path), env=environment) as (manager, client):
        assert run(client, "import os, sys; print(os.getcwd())") == f"{tmp_path}\n"
        assert run(client, "print(os.environ['GIVEN'], os.environ['PATH'])") == "this /nowhere\n"
        assert run(client, "print(os.environ['JPY_PARENT_PID'])") == f"{os.getpid()}\n"
        assert run(client, "print(os.getsid(0) == os.getpgid(0) == os.getpid())") == "True\n"
        assert "ipykernel_launcher" in run(client, "print(sys.argv)")
        (tmp_path / "beside.py").write_text("here = True\n")
        assert run(client, "import beside; print(beside.here)") == "True\n"
        assert manager.resolve_path("beside.py") == str(tmp_path / "beside.py")


@pytest.mark.parametrize(
    "look",
    [
        "import sys; print(sys.path)",
        "import signal; print([signal.getsignal(n) for n in signal.valid_signals()])",
        "import tandem, threadpoolctl, os; print(sorted(os.environ.items()))",
        "import sys; print(sys.argv[:2], sys.flags, sys.executable, sys.gettrace(), __name__)",
        "import matplotlib; print(matplotlib.get_backend())",
        "import threading; print(threading.current_thread() is threading.main_thread())",
    ],
)
def test_a_kernel_finds_what_a_cold_kernel_finds(look):
    with kernel() as (_, warm), kernel("cold-plain") as (_, cold):
        assert run(warm, look) == run(cold, look)


def test_a_kernel_inherits_no_sockets_of_the_warm_process_or_other_kernels():
    look = "import os\nprint(sum('socket:' in os.readlink(f'/proc/self/fd/{n}')"
    look += " for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}') or 1"
    look += " if os.path.lexists(f'/proc/self/fd/{n}')))"
    with kernel() as (_, first):
        alone = run(first, look)
        with kernel() as (_, second):
            assert run(second, look) == alone


def test_a_kernel_shows_figures_prints_from_below_python_and_reads_no_input():
    plot = "import matplotlib.pyplot as plt; plt.plot([1, 2]); None"
    with kernel() as (_, client):
        assert "image/png" in run(client, plot)
        assert run(client, "import os; _ = os.write(1, b'from below')") == "from below"
        assert run(client, "import sys; print(repr(sys.__stdin__.read()))") == "''\n"


def test_numpy_has_the_threads_of_a_cold_kernel(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    count = "import numpy, threadpoolctl\n"
    count += "print([pool['num_threads'] for pool in threadpoolctl.threadpool_info()])"
    with kernel() as (_, warm), kernel("cold-plain") as (_, cold):
        assert run(warm, count) == run(cold, count)


def test_an_interrupt_stops_a_cell_and_the_kernel_goes_on():
    with kernel() as (manager, client):
        message = client.execute("print('begun'); import time; time.sleep(60)", stop_on_error=False)
        while client.get_iopub_msg(timeout=READY_S)["msg_type"] != "stream":
            pass
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=10)
        assert reply["parent_header"]["msg_id"] == message
        assert reply["content"]["ename"] == "KeyboardInterrupt"
        assert run(client, "print(1)") == "1\n"


@pytest.mark.parametrize("now", [False, True])
def test_a_restart_gives_a_new_process_at_the_same_address(now):
    with kernel() as (manager, client):
        before, ports = manager.provisioner.pid, manager.ports
        run(client, "x = 1")
        manager.restart_kernel(now=now)
        client.wait_for_ready(timeout=READY_S)
        assert manager.provisioner.pid != before and manager.ports == ports
        assert run(client, "x") == "NameError"
        assert not psutil.pid_exists(before)


def test_a_shutdown_leaves_no_process_and_no_zombie(tmp_path):
    with kernel() as (manager, client):
        pid = manager.provisioner.pid
        run(client, f"import atexit; atexit.register(lambda: open('{tmp_path}/end', 'w').close())")
        process = manager.provisioner.process
        manager.shutdown_kernel()
        assert not psutil.pid_exists(pid)
        assert process.returncode == 0
        assert (tmp_path / "end").exists()
        assert not manager.has_kernel
    assert all(process.status() != psutil.STATUS_ZOMBIE for process in ours())


def test_a_killed_kernel_is_noticed_at_once():
    with kernel() as (manager, _):
        process = manager.provisioner.process
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=5)
        assert not manager.is_alive()
        assert process.returncode == -signal.SIGKILL
        assert not psutil.pid_exists(process.pid)


def test_a_kernel_ends_with_its_server():
    script = "import time; from jupyter_client.manager import KernelManager\n"
    script += "m = KernelManager(kernel_name='plain'); m.start_kernel()\n"
    script += "c = m.client(); c.start_channels(); c.wait_for_ready()\n"
    script += "print(m.provisioner.pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as server:
        pid = int(server.stdout.readline())
        assert psutil.pid_exists(pid)
        server.kill()
    assert eventually(lambda: not psutil.pid_exists(pid))


def test_another_server_takes_over_an_independent_kernel():
    with kernel(independent=True) as (manager, _):
        info = asyncio.run(manager.provisioner.get_provisioner_info())
        other = type(manager.provisioner)(parent=manager, kernel_spec=manager.kernel_spec)
        asyncio.run(other.load_provisioner_info(info))
        assert other.has_process and asyncio.run(other.poll()) is None
        asyncio.run(other.kill())
        assert asyncio.run(other.wait()) is not None
        info["begun"] -= 1  # the number of the process now belongs to another
        asyncio.run(other.load_provisioner_info(info))
        assert not other.has_process


def test_kernels_talk_over_ipc():
    with kernel(transport="ipc") as (manager, client):
        assert manager.transport == "ipc" and isinstance(manager.provisioner.process, Forked)
        assert run(client, "print(1)") == "1\n"


def notebook() -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_code_cell(source) for source in ("x = 1\nprint(x)", "x + 1")]
    metadata = {"kernelspec": {"name": "plain", "display_name": "", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def test_nbclient_runs_a_notebook():
    ran = NotebookClient(notebook(), extra_arguments=["--log-level=ERROR"]).execute()
    assert ran.cells[0].outputs[0].text == "1\n"
    assert ran.cells[1].outputs[0].data["text/plain"] == "2"


def test_nbgrader_runs_a_notebook(tmp_path):
    from nbgrader.preprocessors import Execute

    ran, _ = Execute().preprocess(notebook(), {"metadata": {"path": str(tmp_path)}})
    assert ran.cells[1].outputs[0].data["text/plain"] == "2"


def test_the_server_of_jupyterlab_starts_restarts_and_ends_a_kernel(tmp_path):
    from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

    async def live() -> None:
        manager = AsyncMappingKernelManager(root_dir=str(tmp_path))
        name = await manager.start_kernel(kernel_name="plain", path="")
        one = manager.get_kernel(name)
        await one.ready
        first = one.provisioner.pid
        assert isinstance(one.provisioner.process, Forked) and await one.is_alive()
        await manager.restart_kernel(name)
        second = one.provisioner.pid
        assert second != first and await one.is_alive()
        os.kill(second, signal.SIGKILL)
        for _ in range(100):  # the server looks every three seconds, then starts another
            await asyncio.sleep(0.1)
            if one.provisioner.pid != second and await one.is_alive():
                break
        await one.ready
        assert one.provisioner.pid != second and await one.is_alive()
        await manager.shutdown_kernel(name)
        assert not psutil.pid_exists(one.provisioner.pid)

    asyncio.run(live())


def test_kernels_asked_for_at_the_same_moment_share_one_warm_process(own_home):
    script = "from autograder.provisioner import warm_up; warm_up('plain')"
    others = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]

    async def start_two() -> list[int]:
        managers = [AsyncKernelManager(kernel_name="plain") for _ in range(2)]
        await asyncio.gather(*(manager.start_kernel() for manager in managers))
        parents = [psutil.Process(manager.provisioner.pid).ppid() for manager in managers]
        await asyncio.gather(*(manager.shutdown_kernel(now=True) for manager in managers))
        return parents

    parents = asyncio.run(start_two())
    assert [other.wait() for other in others] == [0, 0]
    assert set(parents) == set(warm_processes())


def test_a_killed_warm_process_leaves_its_kernels_and_is_replaced(own_home):
    with kernel() as (manager, client):
        (before,) = warm_processes()
        os.kill(before, signal.SIGKILL)
        assert eventually(lambda: before not in warm_processes())
        assert run(client, "print(1)") == "1\n"
        with kernel() as (second, other):
            assert isinstance(second.provisioner.process, Forked)
            assert run(other, "print(2)") == "2\n"
            assert before not in warm_processes() != []
        manager.shutdown_kernel()
        assert not manager.has_kernel


def test_an_idle_warm_process_ends_and_one_with_a_kernel_stays(own_home):
    name = spec_with(own_home, "brief", idle_minutes=0.5 / 60)
    with kernel(name) as (_, client):
        time.sleep(1.5)
        assert run(client, "print(1)") == "1\n"
        assert warm_processes()
    assert eventually(lambda: not warm_processes())
    assert not list(Path(os.environ["JUPYTER_RUNTIME_DIR"]).glob("warm/plain-*"))
    with kernel(name) as (manager, _):
        assert isinstance(manager.provisioner.process, Forked)


def test_a_warm_process_of_another_environment_is_not_reused(own_home, tmp_path):
    """A Python of its own that finds the packages of this one, and then gets a new one."""
    folder = tmp_path / "venv"
    venv.create(folder, symlinks=True, with_pip=False)
    packages = next((folder / "lib").glob("python*/site-packages"))
    for place in [p for p in sys.path if p.endswith("site-packages")] + [str(ROOT)]:
        with (packages / "others.pth").open("a") as file:
            file.write(f"import site; site.addsitedir({place!r})\n")
    script = "import os, psutil, sys; from jupyter_client.manager import KernelManager\n"
    script += "m = KernelManager(kernel_name='here'); m.start_kernel()\n"
    script += "print(psutil.Process(m.provisioner.pid).ppid()); [*map(os.mkdir, sys.argv[1:])]\n"
    script += "m.shutdown_kernel(now=True)"
    spec = kernelspec("plain")
    add_spec(own_home, "here", spec | {"argv": ["python", *spec["argv"][1:]]})

    def warm_parent(python: str | Path, *install: Path) -> int:
        return int(subprocess.check_output([python, "-c", script, *install], text=True))

    here, there = warm_parent(sys.executable), warm_parent(folder / "bin" / "python")
    assert here != there
    assert there == warm_parent(folder / "bin" / "python", packages / "new-1.0.dist-info")
    assert eventually(lambda: there not in warm_processes())
    assert warm_parent(folder / "bin" / "python") not in (here, there)
    assert warm_parent(sys.executable) == here


def test_variables_that_imports_read_decide_the_warm_process():
    draw = "print(hash('text'))"
    seeded = os.environ | {"PYTHONHASHSEED": "1"}
    with kernel(env=seeded) as (_, warm), kernel("cold-plain", env=seeded) as (_, cold):
        assert run(warm, draw) == run(cold, draw)


def cold_because(caplog, name: str = "plain", **options: object) -> str:
    """Start a kernel that cannot be forked; what the log says about it."""
    caplog.clear()
    logging.getLogger("traitlets").addHandler(caplog.handler)
    with kernel(name, **options) as (manager, client):
        assert isinstance(manager.provisioner.process, subprocess.Popen)
        assert run(client, "print(1)") == "1\n"
    logging.getLogger("traitlets").removeHandler(caplog.handler)
    (said,) = {record.message for record in caplog.records if "cold" in record.message}
    return said


def test_a_kernel_starts_cold_when_it_cannot_be_forked(home, caplog, tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('not on this machine')\n")
    path = os.environ | {"PYTHONPATH": str(tmp_path)}
    assert "not on this machine" in cold_because(caplog, "tensorflow", env=path)
    assert "no kind 'other'" in cold_because(caplog, spec_with(home, "other", warm="other"))
    assert "pass_fds" in cold_because(caplog, pass_fds=())


def test_a_kernel_starts_cold_when_the_imports_leave_a_thread(caplog, tmp_path):
    thread = "import threading, time\n"
    thread += "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    (tmp_path / "ipywidgets.py").write_text(thread)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    assert "2 threads after the imports" in cold_because(caplog, env=environment)


def test_the_folder_of_the_sockets_is_private_and_its_path_may_be_long(tmp_path, monkeypatch):
    folder = tmp_path / ("long" * 30)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder))
    warm_up("plain")
    assert (folder / "warm").stat().st_mode & 0o777 == 0o700
    assert warm_processes()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("/c/lessons/1-philosophy/first_steps.pytorch.ipynb", "pytorch"),
        ("/c/exercises/1-philosophy/tensorflow.ipynb", "tensorflow"),
        ("/c/lessons/home.ipynb", "plain"),
        ("", "plain"),
    ],
)
def test_the_name_of_a_notebook_says_which_framework_it_needs(name, kind):
    assert kind_of({"JPY_SESSION_NAME": name} if name else {}) == kind


def test_a_kernel_by_name_is_forked_with_its_framework_imported(home, tmp_path, monkeypatch):
    """As `tandem lab --warm` asks for it."""
    folder = warm_kernels(tmp_path / "my-course") / "kernels" / "python3" / "kernel.json"
    add_spec(home, "by-name", json.loads(folder.read_text()))
    name = str(tmp_path / "first_steps.pytorch.ipynb")
    with kernel("by-name", env={**os.environ, "JPY_SESSION_NAME": name}) as (_, client):
        assert run(client, "import sys; print('torch' in sys.modules)") == "True\n"
