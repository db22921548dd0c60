"""The command `lectern export`.

Rows are written as NDJSON, gzipped if the file name ends in .gz. A file or a backup is written either
completely or not at all.
"""

import asyncio
import gzip
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from errno import EISDIR, ENOENT
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

import orjson
import typer
from rich.console import Console

from app.commands.backup import back_up
from app.commands.command_error import CommandError
from app.commands.option_values import collection_name
from app.database import connect, ping
from app.importing import Importable, counted
from app.settings import load
from loaders.transfer import exported_rows


def export(
    collection: Annotated[
        Importable | None, typer.Argument(help="The collection to export.", parser=collection_name)
    ] = None,
    file: Annotated[
        str | None, typer.Argument(help="The file to write (gzipped if it ends in .gz); - for stdout.")
    ] = None,
    all_: Annotated[
        Path | None,
        typer.Option("--all", metavar="DIRECTORY", help="Back up the whole database to a new directory."),
    ] = None,
) -> None:
    """Export a collection as NDJSON, from which `lectern import` can restore it, or back up everything.

    A backup, written with --all, has all collections as they were at one moment, so it can be made while
    gateways are running. `lectern restore` restores it. It contains personal data: keep it safe.
    """
    if all_ and collection:
        raise typer.BadParameter("--all exports every collection, so leave out COLLECTION and FILE.")
    if all_:
        back_up(all_)
        return
    if not collection or not file:
        raise typer.BadParameter("specify COLLECTION and FILE, or --all DIRECTORY.")
    try:
        count = asyncio.run(_export(collection, file))
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from None
    except KeyboardInterrupt:
        typer.echo("Interrupted. Nothing was written.", err=True)
        raise typer.Exit(130) from None
    exported = f"{counted(count, 'row')} of {collection} exported to {file}"
    Console(stderr=True).print(exported, markup=False, highlight=False)


async def _export(collection: str, file: str) -> int:
    async with connect(load()) as database:
        await ping(database)
        return await _export_rows(exported_rows(database, collection), file)


async def _export_rows(rows: AsyncIterator[Mapping[str, Any]], file: str) -> int:
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
