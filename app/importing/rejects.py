"""Writes rejected rows to a file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import orjson

from app.importing.importer import Reject
from app.importing.mapping import MappingError


def check_rejects(path: Path | None, inputs: Sequence[str | Path | None]) -> None:
    """Raises MappingError if the file for rejected rows would overwrite one of the input files."""
    for name in inputs:
        if path and name and path.exists() and Path(name).exists() and path.samefile(name):
            raise MappingError(f"--rejects {path} would overwrite {name}; choose another file")


class Rejects:
    """Writes rejected rows as NDJSON, one object per row: {"row", "line", "reason", "data"}.

    The file is created at the start; if it is empty at the end, no row was rejected. The first few rejected
    rows are also held in memory, so that they can be printed at the end.
    """

    def __init__(self, path: Path | None, show: int = 5) -> None:
        self.first: list[Reject] = []
        self._path, self._show = path, show
        self._file: BinaryIO | None = None

    def __enter__(self) -> "Rejects":
        if self._path:
            self._file = self._path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def add(self, reject: Reject) -> None:
        if len(self.first) < self._show:
            self.first.append(reject)
        if self._file:
            line = {"row": reject.number, "line": reject.line, "reason": reject.reason, "data": reject.data}
            self._file.write(_json(line) + b"\n")


def _json(line: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(line, default=str)
    except TypeError:  # raised for surrogates and large integers, which json can write but orjson can't
        return json.dumps(line, default=str).encode()
