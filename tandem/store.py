"""The learner's own file: measurements, answers, checks and opened lessons, in one JSON file."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_data_path

from tandem.course import write_atomically

SCHEMA = 1


class StoreError(Exception):
    """The learner's file cannot be used; the message says why and what to do."""


def state_folder() -> Path:
    """Folder of the learner's file: TANDEM_STATE, else the user's data folder."""
    named = os.environ.get("TANDEM_STATE")
    return Path(named) if named else user_data_path("tandem", appauthor=False)


class Store:
    """Append-only lists of entries, by kind, safe against two notebooks writing at once.

    A file that cannot be read is set aside under another name, never overwritten.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or state_folder()) / "learner.json"

    @property
    def learner(self) -> str:
        """Random id of this learner, made on first use; it seeds the order of quiz options."""
        with self._locked():
            content = self._read()
            if not self.path.exists():
                self._write(content)
        return content["learner"]

    def entries(self, kind: str) -> list[dict]:
        """All entries of one kind, oldest first; each has its `time` (ISO 8601, UTC)."""
        if not self.path.exists():
            return []
        with self._locked():
            return self._read()["entries"].get(kind, [])

    def append(self, kind: str, entry: dict) -> None:
        """Add an entry, stamped with the time, and put the file in place in one step."""
        stamped = {"time": datetime.now(UTC).isoformat(timespec="seconds"), **entry}
        with self._locked():
            content = self._read()
            content["entries"].setdefault(kind, []).append(stamped)
            self._write(content)

    def save_to(self, file: Path) -> None:
        """Write a copy of everything to `file`, for another machine to load."""
        with self._locked():
            content = self._read()
        try:
            write_atomically(file, json.dumps(content, ensure_ascii=False, indent=1))
        except OSError as error:
            raise StoreError(
                f"{file}: {error.strerror}; name a file that can be written"
            ) from error

    def load(self, saved: object) -> int:
        """Add the entries of a saved copy that are not here yet; returns how many.

        Nothing is taken away, and loading a copy twice adds nothing. Raises StoreError for what is
        no such copy.
        """
        found = saved_entries(saved)
        with self._locked():
            content = self._read()
            mine, added = content["entries"], 0
            if not any(mine.values()):
                content["learner"] = saved["learner"]  # so that options stay in their order
            for kind, entries in found.items():
                here = mine.setdefault(kind, [])
                for entry in entries:
                    if entry not in here:
                        here.append(entry)
                        added += 1
                here.sort(key=lambda entry: entry["time"])  # stable: within a second as they came
            self._write(content)
        return added

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_suffix(".lock"), timeout=20):
                yield
        except Timeout:
            raise StoreError(
                f"{self.path} is held by another program; close it and try again"
            ) from None
        except OSError as error:
            raise StoreError(
                f"{self.path.parent}: {error.strerror}; nothing was changed, "
                "set TANDEM_STATE to a folder that can be written"
            ) from error

    def _read(self) -> dict:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            schema = content["schema"]
            usable = isinstance(content["learner"], str) and isinstance(content["entries"], dict)
        except FileNotFoundError:
            return _empty()
        except (ValueError, KeyError, TypeError):
            usable, schema = False, SCHEMA
        if isinstance(schema, int) and schema > SCHEMA:
            raise StoreError(
                f"{self.path} was written by a newer Tandem (schema {schema}, not {SCHEMA}); "
                "update Tandem, or set TANDEM_STATE to another folder"
            )
        if not usable or schema != SCHEMA:
            self._set_aside()
            return _empty()
        return content

    def _set_aside(self) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        aside = self.path.with_name(f"learner.damaged-{stamp}.json")
        os.replace(self.path, aside)
        print(f"Tandem could not read {self.path.name}: kept as {aside.name}, a new one is begun.")

    def _write(self, content: dict) -> None:
        draft = self.path.with_suffix(".tmp")
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, self.path)


def saved_entries(saved: object) -> dict[str, list[dict]]:
    """The entries of a learner's file by kind; raises StoreError for what is no such file."""
    found = saved.get("entries") if isinstance(saved, dict) else None
    lists = found.values() if isinstance(found, dict) else [None]
    whole = all(
        isinstance(e, dict) and isinstance(e.get("time"), str)
        for entries in lists
        for e in (entries if isinstance(entries, list) else [None])
    )
    if not whole or saved.get("schema") != SCHEMA or not isinstance(saved.get("learner"), str):
        raise StoreError("this is not a file of saved progress")
    return found


def _empty() -> dict:
    return {"schema": SCHEMA, "learner": uuid.uuid4().hex, "entries": {}}
