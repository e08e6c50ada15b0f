"""The files of a class: everyone's learner.json, collected in a folder."""

import json
from pathlib import Path

from tandem.course import CourseError
from tandem.store import StoreError, saved_entries

Entries = dict[str, list[dict]]


def read_learners(folder: Path) -> tuple[list[Entries], list[str]]:
    """Each learner's entries by kind, and a line for each *.json that is no learner's file.

    Sub-folders are read too. Two files of one learner count as one. Raises CourseError when there
    is nothing to read.
    """
    if not folder.is_dir():
        raise CourseError(f"{folder}: there is no such folder")
    learners: dict[str, Entries] = {}
    skipped = []
    for file in sorted(folder.rglob("*.json")):
        try:
            saved = json.loads(file.read_text(encoding="utf-8"))
            entries = saved_entries(saved)
        except (OSError, ValueError, RecursionError, StoreError):
            skipped.append(f"{file}: skipped, it is damaged or no learner's file")
            continue
        own = learners.setdefault(saved["learner"], {})
        for kind, found in entries.items():
            own.setdefault(kind, []).extend(found)
    if not learners:
        but = f"; {len(skipped)} damaged or of another kind" if skipped else ""
        raise CourseError(f"{folder}: no learner's file (*.json) in it{but}")
    return list(learners.values()), skipped
