"""A learner's JupyterLab for the browser tests: the real server, the real Chromium, nothing shared.

Everything that JupyterLab or Tandem would keep for a person lies in one temporary folder.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SCREENSHOTS = ROOT / "tests" / "screenshots"
TOKEN = "browser-tests"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync", "--disable-quic"]
READY = 120  # seconds, on a busy machine


CONNECTED = """path => {
  const session = jupyterapp.shell.currentWidget?.sessionContext;
  const kernel = session?.session?.kernel;
  return session?.path === path && session.isReady &&
    kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""


@dataclass(frozen=True)
class Lab:
    """A running server: where it answers, what it serves, and how long its start took."""

    url: str
    folder: Path
    home: Path
    seconds: float

    @property
    def state(self) -> Path:
        """Folder of the learner's store."""
        return self.home / "state"

    def page_url(self, path: str) -> str:
        """Address of a file of the learner's copy, e.g. lessons/home.ipynb."""
        return f"{self.url}lab/tree/{path}?token={TOKEN}"


def copy_course(folder: Path) -> Path:
    """The course in `folder`: there `tandem lab` may rebuild it without touching the checkout."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("lessons", "solutions", "exercises", "jupyter", "autograder/questions"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("README.md", "nbgrader_config.py"):
        shutil.copy(ROOT / name, folder)
    return folder


def environment(home: Path, course: Path) -> dict[str, str]:
    """Variables under which nothing of the person who runs the tests is read or written."""
    own = {
        "TANDEM_COURSE": course,
        "TANDEM_STATE": home / "state",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "IPYTHONDIR": home / "ipython",
    }
    return {**os.environ, **{name: str(value) for name, value in own.items()}}


def tandem_lab(folder: Path) -> list[str]:
    """The learner's command."""
    return [str(Path(sys.executable).with_name("tandem")), "lab", str(folder), "--"]


def jupyter_lab(folder: Path) -> list[str]:
    """JupyterLab alone, on the same folder."""
    return [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", "--allow-root"]


@contextmanager
def running(command: list[str], folder: Path, env: dict[str, str]) -> Iterator[Lab]:
    """Start a server and wait until it answers; end it and its kernels in every case."""
    home = Path(env["JUPYTER_CONFIG_DIR"]).parent
    home.mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{_free_port()}/"
    options = ["--no-browser", f"--port={url.split(':')[2][:-1]}", "--ServerApp.port_retries=0"]
    options += [f"--IdentityProvider.token={TOKEN}", "--ServerApp.ip=127.0.0.1"]
    options += ["--LabApp.expose_app_in_browser=True"]  # for CONNECTED
    log_path = home / "server.log"
    with open(log_path, "w", encoding="utf-8") as log:
        begun = time.monotonic()
        process = subprocess.Popen(
            [*command, *options], stdout=log, stderr=log, env=env, start_new_session=True
        )
        try:
            _wait_until_it_answers(process, url)
            yield Lab(url, folder, home, time.monotonic() - begun)
        except BaseException:
            print(f"--- log of {' '.join(command)}\n{log_path.read_text()[-6000:]}")
            raise
        finally:
            _end(process)


@contextmanager
def browser() -> Iterator[Browser]:
    """The system's Chromium; without one the test is skipped."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip("needs a browser: install the system package chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=QUIET)
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def fresh_page(chromium: Browser, name: str) -> Iterator[Page]:
    """A page in a browser profile of its own.

    Its last view is kept as a picture, last-NAME: where a test fails, it shows why.
    """
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    opened = context.new_page()
    try:
        yield opened
    finally:
        screenshot(opened, f"last-{name}")
        context.close()


def notebook_panel(page: Page, path: str) -> Locator:
    """The panel in which the notebook of this path is open; its tab names the path."""
    name = path.rsplit("/", 1)[-1]
    tab = page.locator(f'#jp-main-dock-panel .lm-DockPanel-tabBar li[title*="{path}"]')
    tab.first.wait_for(timeout=60_000)
    assert name in tab.first.inner_text()
    panel_id = tab.first.get_attribute("data-id")
    return page.locator(f'[id="{panel_id}"]')


def wait_for_kernel(page: Page, path: str) -> None:
    """Wait until the notebook in front can run cells.

    JupyterLab drops, without a word, what is run before its kernel is connected, and its own
    indicator shows "idle" by then.
    """
    page.wait_for_function(CONNECTED, arg=path)


def set_theme(lab: Lab, theme: str) -> None:
    """Choose JupyterLab's theme, light or dark, for the pages that are opened from now on."""
    plugin = lab.home / "settings" / "@jupyterlab" / "apputils-extension"
    plugin.mkdir(parents=True, exist_ok=True)
    settings = {"theme": f"JupyterLab {theme.capitalize()}"}
    (plugin / "themes.jupyterlab-settings").write_text(json.dumps(settings))


def screenshot(page: Page, name: str) -> None:
    """Keep a picture of the whole window for a person to look at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_it_answers(process: subprocess.Popen, url: str) -> None:
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended with status {process.returncode}"
        try:
            with urllib.request.urlopen(f"{url}api/status?token={TOKEN}", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"no answer from {url} within {READY} s")


def _end(process: subprocess.Popen) -> None:
    """Ask the server to stop (it ends its kernels), then end what is left of its group."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=15)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
