"""YAML that authors write: a key stands once. PyYAML alone keeps the last of two, silently."""

from pathlib import Path
from typing import Any

import yaml

from tandem.course import CourseError


def read_yaml(path: Path, mistake: type[CourseError]) -> Any:
    """The content of a YAML file; raises `mistake` with file, line and reason in one line."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), OnceLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise mistake(f"{path}:{line}: broken YAML: {error.problem}") from None


class OnceLoader(yaml.SafeLoader):
    """The safe loader, which also refuses a mapping that has a key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        met = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # the safe loader refuses such a key itself
            if key.value in met:
                reason = f"the key `{key.value}` stands twice"
                raise yaml.constructor.ConstructorError(None, None, reason, key.start_mark)
            met.add(key.value)
        return super().construct_mapping(node, deep)
