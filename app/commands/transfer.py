"""The commands `lectern import` and `lectern export`."""

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar, get_args

import typer
from rich.console import Console

from app.commands.command_error import CommandError
from app.commands.export_file import export_rows
from app.database import connect, ping
from app.importing import (
    Import,
    Importable,
    ImportMapping,
    Linker,
    MappingError,
    Recorder,
    Rejects,
    Restorer,
    Source,
    SourceError,
    Tally,
    check_columns,
    check_restorable,
    collection_of,
    infer_mapping,
    load_mapping,
    open_source,
    show_closing,
    show_mapping,
    show_progress,
    show_rejects,
)
from app.settings import load
from loaders import indexes
from loaders.migrations import baseline
from loaders.mongo import Database
from loaders.recount import recount
from loaders.transfer import Importer, References, StorageError, exported_rows


def _collection(name: str) -> str:
    if name not in (names := get_args(Importable)):
        raise typer.BadParameter(f"'{name}' is not one of {', '.join(map(repr, names))}.")
    return name


_T = TypeVar("_T")

_CollectionArgument = Annotated[
    Importable, typer.Argument(help="The collection of the rows.", parser=_collection)
]


@dataclass(frozen=True)
class _Job:
    """An import, as specified by the command line and the mapping."""

    collection: Importable
    external: str  # the source of the external ids
    mapping: ImportMapping | None  # None if the rows come from an export
    write: bool
    rejects: Path | None


def import_(
    collection: _CollectionArgument,
    file: Annotated[
        str, typer.Argument(help="CSV, TSV, NDJSON or a JSON array, optionally gzipped; - for stdin.")
    ],
    map_: Annotated[
        Path | None,
        typer.Option("--map", help="A file with a mapping (TOML); if omitted, a mapping is guessed."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="The source of the ids; by default that in the mapping, else the folder's name."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the mapping and what would be done; write nothing.")
    ] = False,
    rejects: Annotated[
        Path | None, typer.Option(help="A file to write the rejected rows to (NDJSON).")
    ] = None,
) -> None:
    """Import a file. Repeating an import changes nothing; repeating an interrupted one completes it."""
    with _command_errors(), _infrequent_garbage_collection():
        mapping = load_mapping(map_, collection) if map_ else None
        with closing(open_source(file, encoding=mapping.encoding if mapping else None)) as opened:
            job = _job(opened, collection, mapping, source, not dry_run, rejects)
            tally = asyncio.run(_with_database(lambda database: _import(database, opened, job)))
    if tally.broken:
        raise CommandError(
            f"{tally.broken}. The rows counted above were imported. Fix the file and import it again."
        )


def export(
    collection: _CollectionArgument,
    file: Annotated[str, typer.Argument(help="The file to write (gzipped if it ends in .gz); - for stdout.")],
) -> None:
    """Export a collection as NDJSON, from which `lectern import` restores the same state."""
    with _command_errors():
        count = asyncio.run(
            _with_database(lambda database: export_rows(exported_rows(database, collection), file))
        )
    Console(stderr=True).print(f"{count:,} {collection} exported to {file}", markup=False, highlight=False)


def _job(
    opened: Source,
    collection: Importable,
    mapping: ImportMapping | None,
    source: str | None,
    write: bool,
    rejects: Path | None,
) -> _Job:
    if collection_of(opened.sample) is not None:
        check_restorable(opened.sample, collection)
        if mapping or source:
            raise MappingError(
                "an export is imported with its ids and fields unchanged: leave out --map and --source"
            )
        return _Job(collection, "", None, write, rejects)
    effective = mapping or infer_mapping(collection, opened.columns, opened.sample)
    if opened.format == "delimited":
        check_columns(effective, opened.columns, opened.name)
    external = source or effective.source or _folder(opened.name)
    if mapping is None or not write:
        show_mapping(Console(), opened, effective, external, guessed=mapping is None)
    return _Job(collection, external, effective, write, rejects)


def _folder(file: str) -> str:
    """Returns the name of the file's folder, the default if neither --source nor the mapping gives a source.

    Files in the same folder get the same source, so that reviews in one file can refer to courses in another.
    """
    if file == "-":
        raise MappingError(
            "--source is required for standard input, because there is no folder name to use instead"
        )
    return Path(file).resolve().parent.name or "import"


async def _import(database: Database, opened: Source, job: _Job) -> Tally:
    began = time.monotonic()
    if job.write:
        await baseline(database)
        await indexes.ensure(database)
    with (
        Rejects(job.rejects) as rejects,
        show_progress(Console(stderr=True), opened.name, opened.size) as progress,
    ):
        linker = _linker(database, job)
        importer = Importer(database, job.collection, write=job.write)
        recorder = Recorder(job.mapping) if job.mapping else None
        tally = await Import(
            opened, linker, importer, recorder, rejected=rejects.add, progress=progress
        ).run()
    if job.write:
        tally.aggregates = sum([d.remedy is None async for d in recount(database, fix=True)])
    console = Console()
    show_closing(console, tally, time.monotonic() - began)
    show_rejects(console, rejects.first, tally.kinds["rejected"], job.rejects)
    return tally


def _linker(database: Database, job: _Job) -> Linker | Restorer:
    if job.mapping is None:
        return Restorer(database, job.collection, write=job.write)
    return Linker(References(database, job.external, write=job.write), job.collection, job.external)


async def _with_database(use: Callable[[Database], Coroutine[None, None, _T]]) -> _T:
    async with connect(load()) as database:
        await ping(database)
        return await use(database)


@contextmanager
def _infrequent_garbage_collection() -> Iterator[None]:
    """Makes garbage collection rare during an import.

    An import creates and drops thousands of rows, which contain no reference cycles. Searching for cycles
    took a quarter of its CPU time.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@contextmanager
def _command_errors() -> Iterator[None]:
    """Converts errors of a file, a mapping or the database to CommandError."""
    try:
        yield
    except (MappingError, SourceError) as error:
        raise CommandError(str(error)) from None
    except StorageError as error:
        reason = str(error).split(", full error")[0]
        raise CommandError(
            f"MongoDB failed: {reason}\nRun the same command again: it resumes where it stopped."
        ) from None
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from None
    except KeyboardInterrupt:
        typer.echo("Interrupted. Run the same command again to finish.", err=True)
        raise typer.Exit(130) from None
