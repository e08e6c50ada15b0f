"""What was run and what was graded, on disk before anything is built on it.

A folder with one append-only file of lines and a folder of results. A line is written and synced
only when what it speaks of is safe; a torn last line, as a killed process leaves it, is cut off.
"""

import json
import os
import zlib
from pathlib import Path

from autograder.jobs import Result


class Journal:
    """A context manager. One process at a time may have it open (see Classroom.lock).

    Lines are {"ran": ADDRESS} for a result that can be used again, and {"graded": [STUDENT, WORK]}
    for a submission whose grades are in the gradebook and whose notebooks are published, WORK
    being a digest of all that it was graded from.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "journal.jsonl"
        self.results = folder / "results"

    def __enter__(self) -> "Journal":
        self.results.mkdir(parents=True, exist_ok=True)
        self.ran: set[str] = set()
        self.graded: dict[str, str] = {}
        self.lines = open(self.file, "a+b")
        self.lines.truncate(self._replay())
        return self

    def __exit__(self, *_) -> None:
        self.lines.close()

    def _replay(self) -> int:
        """Read all whole lines; returns where the last of them ends, in bytes."""
        self.lines.seek(0)
        end = 0
        for line in self.lines:
            try:
                entry = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                entry = None
            if not isinstance(entry, dict):
                break
            end += len(line)
            if "ran" in entry:
                self.ran.add(entry["ran"])
            if "graded" in entry:
                student, work = entry["graded"]
                self.graded[student] = work
        return end

    def keep_result(self, address: str, result: Result) -> None:
        if address in self.ran:
            return
        _write_whole(self._place(address), zlib.compress(result.to_bytes(), 1))
        self.ran.add(address)
        self._append({"ran": address})

    def result(self, address: str) -> Result | None:
        """The result of a job that ran before; None when there is none or it was damaged."""
        if address not in self.ran:
            return None
        try:
            return Result.from_bytes(zlib.decompress(self._place(address).read_bytes()))
        except (OSError, ValueError, zlib.error):
            self.ran.discard(address)
            return None

    def keep_graded(self, student: str, work: str) -> None:
        self.graded[student] = work
        self._append({"graded": [student, work]})

    def _place(self, address: str) -> Path:
        return self.results / address

    def _append(self, entry: dict) -> None:
        self.lines.write(json.dumps(entry).encode() + b"\n")
        self.lines.flush()
        os.fsync(self.lines.fileno())


def _write_whole(file: Path, content: bytes) -> None:
    """The file has all of the content or is not there at all."""
    draft = file.with_name(f".{file.name}.new")
    with open(draft, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, file)
