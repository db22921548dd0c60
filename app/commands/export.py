"""The commands `lectern export` and `lectern restore`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from pymongo.errors import ConnectionFailure
from rich.console import Console

from app.commands.command_error import CommandError, file_error
from app.commands.option_values import collection_name
from app.database import connect, ping, require_transactions
from app.importing import Importable, counted, export_rows
from app.settings import load
from app.terminal import say
from loaders import migrations
from loaders.backup import (
    BackupError,
    Manifest,
    Restored,
    SnapshotError,
    is_unfinished,
    restore_backup,
    write_backup,
)
from loaders.mongo import reason_of
from loaders.transfer import exported_rows

_VERSION = metadata.version("lectern")


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
    if bool(all_) is bool(collection) or bool(collection) is not bool(file):
        raise typer.BadParameter("specify either COLLECTION and FILE, or --all DIRECTORY.")
    with _command_errors("Interrupted. Nothing was written."):
        if all_:
            manifest = asyncio.run(_back_up(all_))
            say(f"{_counted(manifest)} backed up to {all_}")
        elif collection and file:
            count = asyncio.run(_export(collection, file))
            say(f"{counted(count, 'row')} of {collection} exported to {file}")


def restore(
    directory: Annotated[Path, typer.Argument(help="A backup, written by `lectern export --all`.")],
) -> None:
    """Restore a backup into the database in LECTERN_MONGODB_URI, which must be empty, and create its indexes.

    Checks the whole backup before it writes anything. If it is interrupted, run the same command again. Start
    no gateway on the database until it is done.
    """
    with _command_errors("Interrupted. Run the same command again to finish."):
        restored, pending = asyncio.run(_restore(directory))
    manifest = restored.manifest
    say(
        f"{_counted(manifest)} restored, as they were at {manifest.begun:%Y-%m-%d %H:%M:%S} UTC in the"
        f" database {manifest.database} (Lectern {manifest.lectern})"
    )
    for problem in restored.problems:
        if not problem.is_harmless:
            say(str(problem))
    if pending:
        say("Migrations are pending: run `lectern migrate up`.")
    say("Sessions are not restored: everybody has to sign in again.")


async def _export(collection: str, file: str) -> int:
    async with connect(load()) as database:
        await ping(database)
        return await export_rows(exported_rows(database, collection), file)


async def _back_up(directory: Path) -> Manifest:
    async with connect(load()) as database:
        await require_transactions(database)
        if await is_unfinished(database):
            raise CommandError(
                "The database is incomplete: run the interrupted `lectern restore` again first."
            )
        with Console(stderr=True).status("") as status:
            return await write_backup(
                database, directory, _VERSION, lambda name: status.update(f"Reading {name}")
            )


async def _restore(directory: Path) -> tuple[Restored, bool]:
    """Restores a backup. Also returns whether migrations are pending."""
    async with connect(load()) as database:
        await ping(database)
        with Console(stderr=True).status("Checking the files") as status:
            restored = await restore_backup(
                database, directory, _VERSION, lambda name: status.update(f"Writing {name}")
            )
        return restored, bool(await migrations.pending(database))


def _counted(manifest: Manifest) -> str:
    return f"{counted(manifest.documents, 'document')} in {counted(len(manifest.collections), 'collection')}"


@contextmanager
def _command_errors(interrupted: str) -> Iterator[None]:
    """Converts errors of the backup, its files or the database to CommandError.

    interrupted: what to print if the command is interrupted.
    """
    try:
        yield
    except (BackupError, SnapshotError) as error:
        raise CommandError(str(error)) from None
    except ConnectionFailure as error:
        raise CommandError(f"MongoDB failed: {reason_of(error)}\nRun the same command again.") from None
    except FileExistsError as error:
        raise CommandError(f"{error.filename} already exists. A backup needs a new directory.") from None
    except OSError as error:
        raise file_error(error) from None
    except KeyboardInterrupt:
        say(interrupted)
        raise typer.Exit(130) from None
