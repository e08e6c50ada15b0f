"""What the tests share: a small course of their own, and the checkout's root."""

import os
import shutil
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    # nbgrader and jupyter call programs by bare name; frameworks share two cores with the tests.
    venv = ROOT / ".venv" / "bin"
    os.environ["PATH"] = f"{venv}{os.pathsep}{os.environ['PATH']}"
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # A background job of a shell is deaf to these, and so would be all that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the store of the person who runs it."""
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("TANDEM_STATE", str(folder))
    return folder


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the smallest course, with sources only; build it with `tandem.build.build`."""
    folder = tmp_path / "course"
    shutil.copytree(ROOT / "tests" / "fixtures" / "course", folder)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    return folder


@pytest.fixture
def built(course: Path) -> Path:
    """The smallest course, built."""
    from tandem.build import build

    build(course)
    return course


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small classic course (see classic.py), released; copy it for each test."""
    from classic import make_course

    from autograder.confine import doctor

    folder = make_course(tmp_path_factory.mktemp("template") / "course")
    if doctor.chosen(folder / ".autograder") is None:
        pytest.skip("this machine's kernel confines nothing")
    return folder


def edit(file: Path, old: str, new: str) -> None:
    """Replace the one place where `old` stands; a fixture that moved on must not pass silently."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """With REQUIRE_ALL=1 a test that is skipped for a missing package fails instead."""
    report = (yield).get_result()
    if report.skipped and os.environ.get("REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1, but this was skipped: {report.longrepr[2]}"
