"""The walls between the packages, read from the import statements."""

import ast
from pathlib import Path

import pytest
from conftest import ROOT

FRAMEWORK_MODULES = {"torch", "tensorflow", "keras"}


def imports(file: Path) -> set[str]:
    """Dotted names of every module that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            found |= {f"{start}.{alias.name}" for alias in node.names} | {start}
    return found


def of_package(found: set[str], package: str) -> set[str]:
    return {name for name in found if name == package or name.startswith(f"{package}.")}


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("file", files("tandem"), ids=lambda f: str(f.relative_to(ROOT)))
def test_the_learner_side_never_imports_the_grader_or_a_framework(file):
    found = imports(file)
    assert not of_package(found, "autograder")
    assert not [name for name in found if name.partition(".")[0] in FRAMEWORK_MODULES]


@pytest.mark.parametrize("file", files("autograder"), ids=lambda f: str(f.relative_to(ROOT)))
def test_the_grader_uses_of_the_learner_side_only_its_sources(file):
    allowed = (
        "tandem.course",
        "tandem.source",
        "tandem.build",
        "tandem.quiz.model",
        "tandem.quiz.scoring",
        "tandem.quiz.asked",
        "tandem.quiz.gift",
        "tandem.quiz.learners",
        "tandem.quiz.analysis",
    )
    used = of_package(imports(file), "tandem")
    assert not [name for name in used if not name.startswith(allowed)]


@pytest.mark.parametrize("file", files("autograder/inside"), ids=lambda f: f.name)
def test_what_runs_beside_student_code_imports_nothing_of_the_graders(file):
    found = imports(file)
    assert not of_package(found, "autograder") | of_package(found, "tandem")
    assert not [name for name in found if name.startswith("..") and name[2:3] == "."]


PROBES = [file for file in files("autograder") if file.stem.startswith("probes_")]


@pytest.mark.parametrize("file", PROBES, ids=lambda f: str(f.relative_to(ROOT)))
def test_probes_import_nothing_of_ours_and_one_framework(file):
    found = imports(file)
    assert not of_package(found, "autograder") | of_package(found, "tandem")
    used = {name.partition(".")[0] for name in found} & FRAMEWORK_MODULES
    own = {"pytorch": {"torch"}, "tensorflow": {"tensorflow"}, "quiz": set()}
    assert used == own[file.stem.removeprefix("probes_")]


@pytest.mark.parametrize("file", sorted(ROOT.glob("autograder/questions/*/answers.py")))
def test_answers_use_numpy_and_no_framework(file):
    used = {name.partition(".")[0] for name in imports(file)}
    assert "numpy" in used
    assert not used & FRAMEWORK_MODULES


def test_the_reader_of_imports_sees_what_is_hidden_in_a_function(tmp_path):
    file = tmp_path / "module.py"
    file.write_text(
        "def f():\n    from autograder import judge\n    import torch.nn\nfrom . import wire\n"
    )
    assert imports(file) == {"autograder", "autograder.judge", "torch.nn", ".", "..wire"}
