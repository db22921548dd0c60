"""Where the rows go that can't be used."""

from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import orjson

from app.importing.importer import Reject


class Rejects:
    """Writes rejects as NDJSON, one a row: {"row", "line", "reason", "data"}. The file is made when it is
    opened, so that an empty one says there were none. The first few reasons are kept to be shown.
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
            self._file.write(orjson.dumps(line, default=str) + b"\n")
