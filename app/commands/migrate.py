"""The commands `lectern migrate status` and `lectern migrate up`."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import typer
from pymongo.errors import ConnectionFailure
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from app.commands.command_error import CommandError
from app.database import connect, ping
from app.invocation import lectern
from app.settings import load
from app.terminal import say
from loaders import migrations
from loaders.migrations import (
    Holder,
    LeaseHeldError,
    LeaseLostError,
    MigrationError,
    Record,
    Report,
    Status,
)
from loaders.mongo import reason_of

NOT_DONE = 3  # exit status if migrations are not done; 1 means an error, and 2 wrong usage
_INTERVAL = 5.0  # seconds between progress lines, if the output isn't a terminal

migrate = typer.Typer(
    help="Bring the documents of an earlier version to this version's form, or show what is left to do.",
    no_args_is_help=True,
)


@migrate.command()
def status() -> None:
    """Show each migration's state and progress, and the time of its last change.

    Exits with 0 if all migrations are done, otherwise with 3.
    """
    found = asyncio.run(_statuses())
    for one in found:
        say(_line(one), Console())
    if any(one.state != "done" for one in found):
        raise typer.Exit(NOT_DONE)


@migrate.command()
def up(
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Also check finished migrations for documents that an earlier version has written since.",
        ),
    ] = False,
) -> None:
    """Run the migrations that are not done. Gateways of this version and the previous one can keep running.

    The command can be interrupted at any time. When run again, it resumes where it stopped.

    Exits with 0 if all migrations are done, and with 3 if another process is running them.
    """
    console = Console(stderr=True)
    try:
        done = asyncio.run(_up(console, again=again))
    except LeaseHeldError as error:
        say(f"{_running(error.holder)} `{lectern()} migrate status` shows how far it has got.", console)
        raise typer.Exit(NOT_DONE) from None
    except KeyboardInterrupt:
        say("Interrupted. Run the same command again: it resumes where it stopped.", console)
        raise typer.Exit(130) from None
    for record in done:
        say(f"Migration {record['_id']} is done: {_counted(record)}", console)
    if not done:
        say("Nothing to do: all migrations are done.", console)


async def _statuses() -> list[Status]:
    async with connect(load()) as database:
        await ping(database)
        return await migrations.statuses(database)


async def _up(console: Console, *, again: bool) -> list[Record]:
    async with connect(load()) as database:
        await ping(database)
        with _progress(console) as report:
            try:
                return await migrations.migrate(
                    database, again=again, report=report, waiting=lambda holder: _wait(console, holder)
                )
            except LeaseLostError:
                raise CommandError(
                    "Another process has taken over the migrations,"
                    " because this one couldn't reach MongoDB for a while."
                ) from None
            except MigrationError as error:
                raise CommandError(str(error)) from None
            except ConnectionFailure as error:
                raise CommandError(
                    f"MongoDB failed: {reason_of(error)}\n"
                    "Run the same command again: it resumes where it stopped."
                ) from None


def _wait(console: Console, holder: Holder) -> None:
    say(f"{_running(holder)} Waiting to see whether it is still alive.", console)


def _running(holder: Holder) -> str:
    since = _moment(holder.since)
    return f"Another process has been running the migrations since {since}: {holder.name}."


def _line(status: Status) -> str:
    """Formats a status as a line: number, state, description and, if the migration has begun, details."""
    record, number = status.record, status.migration.number
    if record is None:
        return f"{number}  pending  {status.migration.description}"
    if status.state == "done":
        when = _moment(record["updatedAt"])
        return f"{number}  done     {status.migration.description}: {when}, {_counted(record)}"
    by = f"by {status.holder.name}" if status.holder else f"interrupted: `{lectern()} migrate up` resumes it"
    return (
        f"{number}  running  {status.migration.description}: {_share(record)}, last updated at"
        f" {_moment(record['updatedAt'])}, {by}"
    )


def _counted(record: Record) -> str:
    changed = "1 document changed" if record["changed"] == 1 else f"{record['changed']:,} documents changed"
    if not record["unusual"]:
        return changed
    ids = ", ".join(map(str, record["unusualIds"]))
    more = " and others" if record["unusual"] > len(record["unusualIds"]) else ""
    return f"{changed}, {record['unusual']:,} left unchanged because a required value is missing: {ids}{more}"


def _share(record: Record) -> str:
    return f"{record['examined']:,} of about {max(record['total'], record['examined']):,} documents"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


@contextmanager
def _progress(console: Console) -> Iterator[Report]:
    """Yields a function that shows the progress: a bar on a terminal, otherwise a line every few seconds."""
    if not console.is_terminal:
        yield _line_printer(console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, visible=False)

        def show(progress: migrations.Progress) -> None:
            record = progress.record
            total = max(record["total"], record["examined"])
            description = f"Migration {record['_id']}: {record['changed']:,} documents changed"
            bar.update(task, description=description, completed=record["examined"], total=total, visible=True)

        yield show


def _line_printer(console: Console) -> Report:
    last = time.monotonic()

    def show(progress: migrations.Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= _INTERVAL:
            last = time.monotonic()
            say(f"Migration {progress.record['_id']}: {_share(progress.record)}", console)

    return show
