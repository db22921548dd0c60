"""Records on disk, one a line, which survive the death of the process that writes them."""

import json
import os
from pathlib import Path
from typing import Any, TypeAlias

Record: TypeAlias = dict[str, Any]  # what a receiver got, as JSON


class Journal:
    """A file that records are appended to. Each is on disk once `append` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def append(self, record: Record) -> None:
        # Begins with a new line, because a process that was killed may have left half a record.
        os.write(self._file, b"\n" + json.dumps(record).encode() + b"\n")
        os.fsync(self._file)


class Reader:
    """Reads a journal while it grows. records: what has been read, in order."""

    def __init__(self, path: Path) -> None:
        self.records: list[Record] = []
        self._path, self._read = path, 0

    def refresh(self) -> list[Record]:
        """Reads what is new, and returns all records."""
        if not self._path.exists():
            return self.records
        with self._path.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        complete = new[: new.rfind(b"\n") + 1]
        self._read += len(complete)
        for line in complete.splitlines():
            try:
                self.records += [json.loads(line)] if line else []
            except ValueError:  # half a record, whose sender has had no answer
                continue
        return self.records
