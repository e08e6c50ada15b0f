"""Set-up: what is installed by make, conda and Binder agrees, and CI's switch works."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

pytest_plugins = ["pytester"]

CONSTRAINTS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
PIP_LINES = next(d["pip"] for d in ENVIRONMENT["dependencies"] if isinstance(d, dict))


def requirements(lines: list[str]) -> dict[str, Requirement]:
    parsed = [Requirement(line) for line in lines if not line.startswith("-")]
    return {r.name: r for r in parsed if r.marker is None or r.marker.evaluate()}


def test_what_is_tested_is_within_every_declared_range():
    lists = [PROJECT["dependencies"], PROJECT["optional-dependencies"]["test"], PIP_LINES]
    for requirement in [r for lines in lists for r in requirements(lines).values()]:
        tested = {k.lower().replace("_", "-"): v for k, v in CONSTRAINTS.items()}
        version = tested[requirement.name.lower()]
        assert requirement.specifier.contains(version), f"{requirement} excludes {version}"


def test_what_runs_here_is_what_the_constraints_say():
    for name in ("torch", "tensorflow-cpu", "nbgrader", "jupyterlab", "ipywidgets"):
        wanted = {k.replace("_", "-"): v for k, v in CONSTRAINTS.items()}[name]
        assert metadata.version(name).split("+")[0] == wanted, name


def test_conda_and_binder_get_every_package_that_the_course_needs():
    ours, theirs = requirements(PROJECT["dependencies"]), requirements(PIP_LINES)
    assert set(ours) == set(theirs)


def test_the_environment_keeps_what_repo2docker_needs():
    text = (ROOT / "environment.yml").read_text()
    assert re.search(r"^ +- python=3\.11$", text, re.MULTILINE), "one `=`, or Binder takes 3.10"
    assert not [line for line in PIP_LINES if line.startswith(("-e", "-r", "."))]
    assert Requirement(next(p for p in PIP_LINES if p.startswith("jupyterlab"))).specifier.contains(
        "4.4.0"
    ), "Binder's base image has JupyterLab 4.4"


def test_repo2docker_plans_the_build_from_our_files():
    program = shutil.which("jupyter-repo2docker")
    assert program, "jupyter-repo2docker is not installed"
    result = subprocess.run(
        [program, "--no-build", "--debug", "--user-id=1000", "--user-name=learner", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    plan = result.stdout + result.stderr
    assert result.returncode == 0, plan[-2000:]
    assert "environment.yml" in plan
    assert "./postBuild" in plan or "postBuild" in plan
    assert re.search(r"CONDA|conda", plan)
    assert "3.11" in plan


def test_the_wheel_carries_the_course_and_no_solution(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, "."],
        cwd=ROOT,
        check=True,
        timeout=300,
    )
    (wheel,) = tmp_path.glob("*.whl")
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    course = tmp_path / "site/tandem/_course"
    assert (course / "lessons/home.ipynb").exists()
    assert (course / "exercises/1-philosophy/pytorch.ipynb").exists()
    (shared,) = (tmp_path / "site").glob("*.data/data/share/jupyter")
    extension = shared / "labextensions/tandem-pair"
    package = json.loads((extension / "package.json").read_text())
    assert (extension / package["jupyterlab"]["_build"]["load"]).exists()
    assert not list((tmp_path / "site").rglob("solutions"))
    assert not list((tmp_path / "site").rglob("my-course"))
    code = "from tandem.cli import main; import sys; sys.argv = ['tandem', 'start', 'mine']; main()"
    result = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {paths(tmp_path)}; {code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "mine/exercises/1-philosophy/tensorflow.ipynb").exists()


def paths(folder) -> list[str]:
    """The unpacked wheel before everything else, and without the checkout's editable install."""
    return [str(folder / "site"), *(p for p in sys.path if "site-packages" in p)]


def test_lab_settings_stop_the_calls_home():
    overrides = json.loads((ROOT / "jupyter/overrides.json").read_text())
    settings = overrides["@jupyterlab/apputils-extension:notification"]
    assert settings == {"fetchNews": "false", "checkForUpdates": False}


@pytest.mark.parametrize(("require", "outcome"), [("0", "skipped"), ("1", "failed")])
def test_require_all_turns_a_skip_into_a_failure(pytester, monkeypatch, require, outcome):
    monkeypatch.setenv("REQUIRE_ALL", require)
    pytester.makeconftest((ROOT / "tests/conftest.py").read_text())
    pytester.makepyfile("import pytest\n\ndef test_x():\n    pytest.skip('no browser here')")
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(**{outcome: 1})


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0"])
def test_every_pinned_package_takes_every_python_that_we_promise(python):
    installed = {d.metadata["Name"].lower().replace("_", "-"): d for d in metadata.distributions()}
    pinned = [n for n in CONSTRAINTS if n.lower().replace("_", "-") in installed]
    assert len(pinned) > 0.9 * len(CONSTRAINTS), "the rest belongs to other platforms"
    for name in pinned:
        wanted = metadata.metadata(name).get("Requires-Python")
        assert wanted is None or SpecifierSet(wanted).contains(python), f"{name} needs {wanted}"
