"""Writes exports as NDJSON, gzipped if the file name ends in .gz.

A file is written either completely or not at all.
"""

import gzip
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from errno import EISDIR, ENOENT
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson


async def export_rows(rows: AsyncIterator[Mapping[str, Any]], file: str) -> int:
    """Writes rows to a file, or to standard output if the file is `-`. Returns the number of rows.

    An existing file is not replaced until the new file is complete. Raises OSError if writing fails.
    """
    count = 0
    with _output(file) as output:
        async for row in rows:
            output.write(orjson.dumps(row, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME) + b"\n")
            count += 1
    return count


def _plain(value: Any) -> str:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else str(value)


@contextmanager
def _output(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    if path.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), file)
    if not path.parent.is_dir():
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT), file)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as plain:
            if path.suffix == ".gz":
                with gzip.GzipFile(path.stem, "wb", 6, plain, mtime=0) as packed:
                    yield cast("BinaryIO", packed)
            else:
                yield plain
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
