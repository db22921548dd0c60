"""The command `lectern import`."""

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from app.commands.command_error import CommandError, file_error
from app.commands.option_values import collection_name
from app.database import connect, ping
from app.importing import (
    CATALOGUE_LINKERS,
    Import,
    Importable,
    ImportMapping,
    Linker,
    MappingError,
    Recorder,
    Rejects,
    Restorer,
    RowLinker,
    Source,
    SourceError,
    Tally,
    as_toml,
    check_columns,
    check_rejects,
    check_restorable,
    check_source,
    collection_of,
    decide,
    file_notes,
    infer_mapping,
    load_mapping,
    open_source,
    show_closing,
    show_mapping,
    show_next_step,
    show_progress,
    show_rejects,
    unused_columns,
    with_columns,
)
from app.settings import load
from app.terminal import printable, say
from loaders import indexes, people
from loaders.migrations import baseline
from loaders.mongo import Database, reason_of
from loaders.transfer import (
    ImportedFile,
    Importer,
    Prerequisites,
    References,
    StorageError,
    Touched,
    record_file,
    record_in_audit_log,
)

_T = TypeVar("_T")
_BY_FOLDER = "the name of the file's folder; --source sets another"
_SHARED_ADDRESS = "students whose e-mail address another student has too; `lectern check` lists them"

_CollectionArgument = Annotated[
    Importable, typer.Argument(help="The collection to which the rows belong.", parser=collection_name)
]


@dataclass(frozen=True)
class _Job:
    """An import, as specified by the command line and the mapping."""

    collection: Importable
    external: str  # the source of the external ids
    origin: str  # where the source comes from: `--source`, the mapping or the name of the file's folder
    mapping: ImportMapping | None  # None if the rows come from an export
    write: bool
    rejects: Path | None

    @property
    def by_folder(self) -> bool:
        """Whether the source is the folder's name, because no other source was specified."""
        return self.origin == _BY_FOLDER

    @property
    def first_wins(self) -> bool:
        return self.mapping is not None and self.mapping.repeated == "first"


def import_(
    collection: _CollectionArgument,
    file: Annotated[
        str,
        typer.Argument(
            help="A CSV, TSV, JSON or XLSX file, or one compressed with gzip or ZIP; - for stdin."
        ),
    ],
    map_: Annotated[
        Path | None,
        typer.Option("--map", help="A file with a mapping (TOML); if omitted, a mapping is guessed."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="The source of the external ids; by default, the mapping's, or else the folder's name."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show how the columns are read and what an import would do; write nothing."
        ),
    ] = False,
    rejects: Annotated[
        Path | None, typer.Option(help="A file to write the rejected rows to (NDJSON).")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="The file's encoding, such as cp1250; by default it is detected.")
    ] = None,
    rows: Annotated[
        str | None, typer.Option(help="The path to the list of rows in a JSON object, such as data.courses.")
    ] = None,
    no_header: Annotated[
        bool,
        typer.Option(
            "--no-header", help="The table has no header; its columns are called column 1, column 2 …"
        ),
    ] = False,
    print_map: Annotated[
        bool,
        typer.Option(
            "--print-map", help="Print the guess as a mapping to edit and use with --map; import nothing."
        ),
    ] = False,
) -> None:
    """Import a file into the database in LECTERN_MONGODB_URI (`lectern dev` prints the URI of its own).

    Start with --dry-run. Repeating an import changes nothing; repeating an interrupted one completes it.
    """
    with _command_errors(), _infrequent_garbage_collection():
        mapping = load_mapping(map_, collection) if map_ else None
        check_rejects(rejects, [file, map_])
        given = mapping or ImportMapping(collection, {})
        with closing(
            open_source(
                file,
                encoding=encoding or given.encoding,
                rows=rows or given.rows,
                header=False if no_header else given.header,
            )
        ) as opened:
            job = _job(
                opened, collection, mapping, source, not (dry_run or print_map), rejects, partial=print_map
            )
            if print_map:
                _print_map(opened, job)
                return
            if job.mapping and (mapping is None or dry_run):
                show_mapping(Console(), opened, job.mapping, job.external, guessed=mapping is None)
            tally = asyncio.run(_with_database(lambda database: _import(database, opened, job)))
            if dry_run and not tally.broken:
                guessed = job.mapping is not None and mapping is None
                show_next_step(Console(), tally.kinds["rejected"], guessed=guessed)
    if tally.broken:
        raise CommandError(
            f"{printable(tally.broken)}. The rows counted above were {'read' if dry_run else 'imported'}."
            " Fix the file and import it again."
        )


def _job(
    opened: Source,
    collection: Importable,
    mapping: ImportMapping | None,
    source: str | None,
    write: bool,
    rejects: Path | None,
    *,
    partial: bool,
) -> _Job:
    """Returns the import to do. partial: whether a guessed mapping can lack required fields."""
    if collection_of(opened.sample) is not None:
        check_restorable(opened.sample, collection)
        if mapping or source:
            raise MappingError(
                "an export is imported with its ids and fields unchanged: leave out --map and --source"
            )
        return _Job(collection, "", "", None, write, rejects)
    # If it was guessed that the table has no header, the mapping might use values of the first row as names.
    if mapping and opened.is_headless:
        mapping = with_columns(mapping, dict(zip(opened.header, opened.columns, strict=True)))
    if mapping and opened.format in ("delimited", "workbook"):
        check_columns(mapping, opened.columns, opened.name)
    effective = decide(mapping, opened.sample) if mapping else _guess(opened, collection, partial=partial)
    external, origin = _source(source, effective.source, opened.name)
    return _Job(collection, external, origin, effective, write, rejects)


def _guess(opened: Source, collection: Importable, *, partial: bool) -> ImportMapping:
    """Infers a mapping. An error says what was assumed about the file, which may be the cause."""
    try:
        return infer_mapping(collection, opened.columns, opened.sample, partial=partial)
    except MappingError as error:
        raise MappingError(str(error), [*file_notes(opened), *error.advice]) from None


def _source(option: str | None, mapped: str | None, file: str) -> tuple[str, str]:
    """Returns the source of the external ids, and a description of where it comes from.

    The default source is the name of the file's folder, so that reviews in one file can refer to courses in
    another file in the same folder.
    """
    if option or mapped:
        return option or mapped or "", "--source" if option else "the mapping"
    if file == "-":
        raise MappingError(
            "--source is required for standard input, because there is no folder name to use instead"
        )
    return Path(file).resolve().parent.name or "import", _BY_FOLDER


def _print_map(opened: Source, job: _Job) -> None:
    if job.mapping is None:
        raise MappingError("an export needs no mapping: it is imported with its ids and fields unchanged")
    unused = unused_columns(opened, job.mapping)
    typer.echo(as_toml(job.mapping, job.external, opened.columns, unused), nl=False)


async def _import(database: Database, opened: Source, job: _Job) -> Tally:
    began = time.monotonic()
    file = ImportedFile(opened.name, job.collection, opened.columns, opened.digest())
    if job.by_folder:
        await check_source(database, file, job.external)
    if job.write:
        await baseline(database)
        for problem in (await indexes.ensure(database)).problems:
            if not problem.is_harmless:
                say(str(problem))
    touched = Touched(database)
    with (
        Rejects(job.rejects) as rejects,
        Prerequisites(database, job.external, write=job.write) as prerequisites,
        show_progress(Console(stderr=True), opened.name, opened.size) as progress,
    ):
        linker = _linker(database, job, touched)
        importer = Importer(database, job.collection, touched, write=job.write, first_wins=job.first_wins)
        recorder = Recorder(job.mapping) if job.mapping else None
        tally = await Import(
            opened, linker, importer, recorder, prerequisites, rejected=rejects.add, progress=progress
        ).run()
    tally.notes = tally.notes + importer.notes
    if job.write:
        tally.aggregates = await touched.recount()
        if touched.moved_up:
            tally.notes["students who moved up from a waitlist"] = touched.moved_up
        if job.collection == "students":
            await _claim(database, tally)
        if job.mapping:
            await record_file(database, file, job.external)
        await record_in_audit_log(database, file, job.external or "export", tally.counts())
    console = Console()
    show_closing(console, opened, tally, time.monotonic() - began, job.mapping, (job.external, job.origin))
    show_rejects(console, rejects.first, tally.kinds["rejected"], job.rejects)
    return tally


async def _claim(database: Database, tally: Tally) -> None:
    """Gives accounts with a verified address their students, and notes the addresses that are shared."""
    if claimed := await people.claim_imported(database):
        tally.notes["students who already have an account with their address"] = claimed
    if shared := await people.shared_addresses(database):
        tally.notes[_SHARED_ADDRESS] = shared.students
        tally.examples = {**tally.examples, _SHARED_ADDRESS: shared.example}


def _linker(database: Database, job: _Job, touched: Touched) -> RowLinker:
    if job.mapping is None:
        return Restorer(database, job.collection, touched, write=job.write)
    if make := CATALOGUE_LINKERS.get(job.collection):
        return make(database, job.external)
    return Linker(References(database, job.external, write=job.write), job.collection, job.external)


async def _with_database(use: Callable[[Database], Coroutine[None, None, _T]]) -> _T:
    async with connect(load()) as database:
        await ping(database)
        return await use(database)


@contextmanager
def _infrequent_garbage_collection() -> Iterator[None]:
    """Makes garbage collection rare during an import.

    An import creates and drops thousands of rows, which contain no reference cycles. Without this, the
    search for cycles took a quarter of the import's CPU time.
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
    except MappingError as error:
        raise CommandError("\n".join(map(printable, (str(error), *error.advice)))) from None
    except SourceError as error:
        raise CommandError(printable(str(error))) from None
    except StorageError as error:
        raise CommandError(
            f"MongoDB failed: {reason_of(error)}\nRun the same command again: it resumes where it stopped."
        ) from None
    except OSError as error:
        raise file_error(error) from None
    except KeyboardInterrupt:
        typer.echo("Interrupted. Run the same command again to finish.", err=True)
        raise typer.Exit(130) from None
