"""The command `lectern student`: lists students, exports or erases one."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

import orjson
import typer
from bson import ObjectId

import loaders.audit
import loaders.people
import loaders.student
from app.commands import option_values
from app.commands.command_error import CommandError
from app.commands.tables import Row, show_rows
from app.database import connect, require_transactions
from app.invocation import lectern
from app.settings import load
from app.terminal import printable, say
from loaders import accounts
from loaders.model import StudentDoc
from loaders.mongo import Database, Transaction, transaction
from loaders.people import person_rows
from loaders.reading import WHOLE, Window, counts, fit_read

T = TypeVar("T")

student = typer.Typer(
    help="List students, export what is stored about a student, or erase a student.", no_args_is_help=True
)

_Id = Annotated[
    ObjectId,
    typer.Argument(
        metavar="ID",
        help="Global ID of the student, as `lectern student list` shows it.",
        parser=option_values.id_of("Student"),
    ),
]


@student.command("list")
def list_students(
    search: Annotated[
        str | None,
        typer.Option(metavar="WORDS", help="Words from the name, or the e-mail address.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The number of students to list.")] = 100,
    in_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, for scripts.")] = False,
) -> None:
    """List students by name, with their IDs, including students without an account."""
    rows, count = _run(lambda database: _rows(database, search, limit))
    show_rows(rows, "There is no such student.", in_json=in_json)
    if count > len(rows):
        say(f"These are {len(rows):,} of {count:,} students: use --search or --limit.")


@student.command()
def export(id: _Id) -> None:
    """Print everything that is stored about a student, without secrets, as one JSON document per line."""
    count = _run(lambda database: _export(database, id))
    if not count:
        raise CommandError(f"There is no student with this ID: `{lectern()} student list` lists them.")


@student.command()
def erase(
    id: _Id,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what is stored.")] = False,
) -> None:
    """Erase a student and their account. This can't be undone.

    Places in runs that haven't begun are cancelled. Ratings and all other enrolments stay, without the
    person's data. If the command is interrupted, run it again.
    """
    found, stored = _run(lambda database: _stored(database, id))
    if found is None:
        raise CommandError(f"There is no student with this ID: `{lectern()} student list` lists them.")
    who = f"{found['name']} ({found.get('email') or 'without an e-mail address'})"
    say(f"Stored about {who}:")
    for collection, count in stored.items():
        say(f"  {collection:<16}  {count:>7,}")
    if dry_run:
        return
    if not yes:
        typer.confirm(printable(f"Erase {who}? This can't be undone."), abort=True, err=True)
    _run(lambda database: _erase(database, id))
    say("The student is erased. In two minutes, a gateway erases late writes. Backups keep the data.")


async def _rows(database: Database, search: str | None, most: int) -> tuple[list[Row], int]:
    """Returns a row for each of the first `most` students who match, and how many match."""
    from resolvers.relay import encode_id

    by_email = search if search and "@" in search else None
    listing = loaders.student.listing(database, search=None if by_email else search, email=by_email)
    (page,) = await listing.pages([WHOLE], Window(most))
    (count,) = await counts(listing, [WHOLE])
    return [
        {
            "id": encode_id("Student", found),
            "name": found["name"],
            "email": found["email"],
            "joined": found["joinedAt"],
        }
        for found in page.documents
    ], count


async def _export(database: Database, id: ObjectId) -> int:
    number = 0
    async for collection, document in person_rows(database, id):
        typer.echo(orjson.dumps({"collection": collection, **document}, default=_text).decode())
        number += 1
    return number


async def _stored(database: Database, id: ObjectId) -> tuple[Mapping[str, Any] | None, dict[str, int]]:
    """Returns the document of a student, and how many documents of each collection are theirs."""
    found: Mapping[str, Any] | None = None
    numbers: Counter[str] = Counter()
    async for collection, document in person_rows(database, id):
        numbers[collection] += 1
        if collection == "students":
            found = document
    return found, numbers


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
