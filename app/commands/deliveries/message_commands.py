"""The commands `lectern messages list`, `resend`, `drop` and `test`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar, get_args

import typer
from bson import ObjectId

from app.commands import option_values
from app.commands.command_error import CommandError
from app.commands.deliveries.entry_ids import entry_id
from app.commands.tables import Row, show_rows
from app.database import connect, ping
from app.importing import counted
from app.invocation import lectern
from app.settings import load
from app.terminal import say
from loaders import outbox
from loaders.mongo import Database
from loaders.outbox import MAIL, MESSAGE, EntryDoc, MessageKind, State

T = TypeVar("T")

messages = typer.Typer(
    help="List, resend or delete messages to people, or send an example.", no_args_is_help=True
)

_NONE_PARKED = "No message is parked."

_KINDS: tuple[MessageKind, ...] = get_args(MessageKind)


def _kind(value: str) -> str:
    if value not in _KINDS:
        raise typer.BadParameter(f"'{value}' is not one of {', '.join(_KINDS)}.")
    return value


_Ids = Annotated[
    list[ObjectId] | None,
    typer.Argument(
        metavar="ID...", help="Ids of messages, as `list` shows them.", parser=entry_id, show_default=False
    ),
]
_Parked = Annotated[bool, typer.Option("--parked", help="All parked messages.")]


@messages.command("list")
def list_messages(
    parked: Annotated[
        bool,
        typer.Option(
            "--parked", help="Only parked messages. Exits with status 1 if there are any, for scripts."
        ),
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The number of messages to list.")] = 100,
    in_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, for scripts.")] = False,
) -> None:
    """List messages, latest first: those that wait, are parked, or were sent in the last few days."""
    states: Sequence[State] | None = ["PARKED"] if parked else None
    entries = _run(lambda database: outbox.listing(database, [MAIL], states, limit))
    nothing = _NONE_PARKED if parked else "There are no messages."
    show_rows([_row(entry) for entry in entries], nothing, in_json=in_json, details=("sent",))
    if parked and entries:
        raise typer.Exit(1)


@messages.command()
def resend(ids: _Ids = None, parked: _Parked = False) -> None:
    """Send messages again. A gateway sends them within a few seconds."""
    number = _run(lambda database: _resend(database, _either(ids, parked=parked)))
    say(f"{counted(number, 'message')} will be sent." if number or not parked else _NONE_PARKED)


@messages.command()
def drop(ids: _Ids = None, parked: _Parked = False) -> None:
    """Delete messages. Waiting and parked messages are then never sent."""
    number = _run(lambda database: _drop(database, _either(ids, parked=parked)))
    say(f"{counted(number, 'message')} deleted." if number or not parked else _NONE_PARKED)


@messages.command("test")
def send_example(
    address: Annotated[
        str, typer.Argument(metavar="EMAIL", help="The recipient's address.", parser=option_values.email)
    ],
    message: Annotated[
        str, typer.Option(metavar="MESSAGE", help="The message to send.", parser=_kind)
    ] = "verify_email",
    language: Annotated[
        str | None, typer.Option(metavar="TAG", help="The language, such as de.", show_default=False)
    ] = None,
) -> None:
    """Send a message with example values, to test the settings and your texts. Its link doesn't work."""
    from app.delivery import Failed, sent_example

    settings = load()
    if not settings.sends_messages:
        raise CommandError(
            "Nothing is sent, because neither LECTERN_SMTP_URL nor LECTERN_MESSAGES_URL is set."
        )
    kind = next(kind for kind in _KINDS if kind == message)

    async def send() -> object:
        async with connect(settings) as database:
            return await sent_example(settings, database, kind, language, address)

    outcome = asyncio.run(send())
    if isinstance(outcome, Failed):
        raise CommandError(f"The message was not accepted: {outcome.error}.")
    say(f"The message was accepted. Check that it arrives at {address}.")


def _row(entry: EntryDoc) -> Row:
    return {
        "id": str(entry["_id"]),
        "message": entry["kind"].removeprefix(MESSAGE),
        "state": entry["state"].lower(),
        "written": entry["at"],
        "sent": entry["sentAt"],
        "failed": entry["attempts"],
        "lastError": entry["lastError"],
        "next": entry["dueAt"] if entry["state"] == "PENDING" else None,
    }


def _either(ids: Sequence[ObjectId] | None, *, parked: bool) -> Sequence[ObjectId]:
    """Returns the ids, or none for all that are parked. Raises typer.BadParameter if it should be both."""
    if bool(ids) is parked:
        raise typer.BadParameter("Give ids, or --parked.")
    return ids or ()


async def _resend(database: Database, ids: Sequence[ObjectId]) -> int:
    if not ids:
        return await outbox.resend_parked(database, [MAIL])
    entries = await _known(database, ids)
    if forgotten := [entry for entry in entries if entry["to"] == ""]:
        raise CommandError(f"The address of message {forgotten[0]['_id']} was deleted after sending.")
    return await outbox.resend(database, entries)


async def _drop(database: Database, ids: Sequence[ObjectId]) -> int:
    if not ids:
        return await outbox.delete_parked_messages(database)
    return await outbox.delete(database, await _known(database, ids))


async def _known(database: Database, ids: Sequence[ObjectId]) -> list[EntryDoc]:
    """Returns the messages with some ids. Raises CommandError if there is none for one of the ids."""
    found = [entry for entry in await outbox.by_ids(database, ids) if entry["destination"] == MAIL]
    if missing := set(ids) - {entry["_id"] for entry in found}:
        raise CommandError(f"There is no message {min(missing)}: see `{lectern()} messages list`.")
    return found


def _run(work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        async with connect(load()) as database:
            await ping(database)
            return await work(database)

    return asyncio.run(run())
