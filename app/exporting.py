"""Writing an export: NDJSON, gzipped where the name says so, whole or not at all."""

import gzip
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson


async def export_rows(rows: AsyncIterator[Mapping[str, Any]], file: str) -> int:
    """Write the rows to a path, or to standard output for `-`; how many there were.

    A file that is there is replaced when the new one is complete. Raises OSError.
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
    part = path.with_name(f"{path.name}.part")
    opened = gzip.open(part, "wb", 6) if path.suffix == ".gz" else part.open("wb")
    try:
        with cast("BinaryIO", opened) as output:
            yield output
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
