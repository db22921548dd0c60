"""The command `lectern student`: exports or erases a person."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import orjson
import typer
from bson import ObjectId

import loaders.audit
import loaders.people
from app.commands import option_values
from app.commands.command_error import CommandError
from app.database import connect, require_transactions
from app.settings import load
from app.terminal import say
from loaders import accounts
from loaders.model import StudentDoc
from loaders.mongo import Database, Transaction, transaction
from loaders.people import person_rows
from loaders.reading import fit_read

T = TypeVar("T")

student = typer.Typer(help="Export what is stored about a student, or erase it.", no_args_is_help=True)

_Id = Annotated[
    ObjectId,
    typer.Argument(metavar="ID", help="Global ID of the student.", parser=option_values.id_of("Student")),
]


@student.command()
def export(id: _Id) -> None:
    """Print everything that is stored about a student, without secrets: a JSON document on each line."""
    count = _run(lambda database: _export(database, id))
    if not count:
        raise CommandError("There is no student with this ID.")


@student.command()
def erase(
    id: _Id,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what is stored.")] = False,
) -> None:
    """Erase a student with their account. This can't be undone.

    Ratings and past enrolments stay, without a person. If it is interrupted, run it again.
    """
    counts = _run(lambda database: _counts(database, id))
    if "students" not in counts:
        raise CommandError("There is no student with this ID.")
    for collection, count in counts.items():
        say(f"{collection:<16}  {count:>7,}")
    if dry_run:
        return
    if not yes:
        typer.confirm("Erase this student? This can't be undone.", abort=True, err=True)
    _run(lambda database: _erase(database, id))
    say("The student is erased. A gateway looks for late writes in two minutes. Backups still have the data.")


async def _export(database: Database, id: ObjectId) -> int:
    number = 0
    async for collection, document in person_rows(database, id):
        typer.echo(orjson.dumps({"collection": collection, **document}, default=_text).decode())
        number += 1
    return number


async def _counts(database: Database, id: ObjectId) -> dict[str, int]:
    counts: dict[str, int] = {}
    async for collection, _ in person_rows(database, id):
        counts[collection] = counts.get(collection, 0) + 1
    return counts


async def _erase(database: Database, id: ObjectId) -> None:
    async def work(tx: Transaction) -> None:
        tx.fit = fit_read
        found: StudentDoc | None = await tx.get("students", id)
        if found is None or found.get("mergedInto"):
            raise CommandError("There is no student with this ID, or it is being merged into another one.")
        try:
            await loaders.people.erase_student(tx, found, again=True)
        except accounts.LastStaffError:
            raise CommandError("This is the last active account with the role STAFF.") from None
        if tx.changes:
            await loaders.audit.record(tx, "student erase", loaders.audit.OPERATOR, "")

    await transaction(database, work)
    await loaders.people.finish_erasures(database, "student erase")


def _text(value: Any) -> str:  # Any: whatever JSON can't represent
    return value.hex() if isinstance(value, bytes) else str(value)


def _run(work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        async with connect(load()) as database:
            await require_transactions(database)
            return await work(database)

    return asyncio.run(run())
