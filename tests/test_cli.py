"""The `tandem` command as a user meets it: exit status, one-line errors, help with examples."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def tandem(course: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the command as a program of its own on `course`."""
    return subprocess.run(
        [sys.executable, "-m", "tandem.cli", *arguments],
        env={**os.environ, "TANDEM_COURSE": str(course), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_build_then_check(course):
    result = tandem(course, "build")
    assert result.returncode == 0, result.stderr
    assert "wrote lessons/1-tiny/hello.pytorch.ipynb" in result.stdout
    assert "up to date" in tandem(course, "build").stdout
    result = tandem(course, "check")
    assert (result.returncode, result.stdout) == (0, "the course passes every check\n")


def test_check_fails_with_a_finding(built):
    (built / "lessons/1-tiny/hello.pytorch.ipynb").unlink()
    result = tandem(built, "check")
    assert result.returncode == 1
    assert "hello.pytorch.ipynb: missing" in result.stdout


def test_a_mistake_in_a_source_is_one_line_without_a_traceback(course):
    (course / "lessons/1-tiny/hello.md").write_text("no front matter")
    result = tandem(course, "build")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.strip().startswith("tandem: lessons/1-tiny/hello.md:1: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_run_prints_json_with_values_and_nothing_else(built):
    result = tandem(built, "run", "hello.pytorch", "--json")
    assert result.returncode == 0, result.stderr
    (report,) = json.loads(result.stdout)
    assert report["notebook"] == "lessons/1-tiny/hello.pytorch.ipynb"
    assert set(report["recorded"]) == {"total"}


@pytest.mark.slow
def test_parity_compares_the_pair(built):
    result = tandem(built, "parity", "--json")
    assert result.returncode == 0, result.stderr
    (row,) = json.loads(result.stdout)
    assert row["verdict"] == "within"
    assert row["difference"] == pytest.approx(1e-7, rel=1e-3)


@pytest.mark.slow
def test_parity_fails_when_a_value_is_outside(built):
    source = built / "lessons/1-tiny/hello.md"
    source.write_text(source.read_text().replace("1.0e-6", "1.0e-9"))
    result = tandem(built, "parity")
    assert result.returncode == 1
    assert "outside" in result.stdout


@pytest.mark.parametrize("command", ["run", "parity"])
def test_a_pattern_that_matches_nothing_says_so(built, command):
    result = tandem(built, command, "nonsense")
    assert result.returncode == 2
    assert "'nonsense'" in result.stderr


def test_start_makes_a_copy(built, tmp_path):
    result = tandem(built, "start", str(tmp_path / "mine"))
    assert result.returncode == 0, result.stderr
    assert "new      lessons/home.ipynb" in result.stdout
    assert (tmp_path / "mine/lessons/home.ipynb").exists()


def test_a_course_that_is_not_there_says_so(tmp_path):
    result = tandem(tmp_path, "check")
    assert result.returncode == 2
    assert "there is no lessons/ folder" in result.stderr


@pytest.mark.parametrize("command", ["build", "check", "run", "parity", "start", "lab"])
def test_help_has_an_example(course, command):
    result = tandem(course, command, "--help")
    assert result.returncode == 0
    assert f"tandem {command}" in result.stdout.split("Example")[1]
