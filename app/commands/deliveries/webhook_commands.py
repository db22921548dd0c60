"""The commands `lectern webhooks list`, `show`, `resend`, `drop` and `test`."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import typer
from bson import ObjectId

from app.commands.command_error import CommandError
from app.commands.deliveries.entry_ids import entry_id
from app.commands.tables import Row, show_rows, show_values
from app.database import connect, ping
from app.importing import counted
from app.invocation import lectern
from app.settings import load
from app.terminal import say
from loaders import outbox
from loaders.mongo import Database
from loaders.outbox import MAIL, EntryDoc, State

T = TypeVar("T")

_NONE_PARKED = "No event is parked."
_DETAILS = ("subject", "sequence", "delivered", "next")  # columns for which a terminal is too narrow

webhooks = typer.Typer(
    help="List, resend or delete events for webhooks, or post a test event.", no_args_is_help=True
)


_Ids = Annotated[
    list[ObjectId] | None,
    typer.Argument(
        metavar="ID...", help="Ids of events, as `list` shows them.", parser=entry_id, show_default=False
    ),
]
_Name = Annotated[
    str | None,
    typer.Option("--webhook", metavar="NAME", help="Only events of this webhook.", show_default=False),
]


@webhooks.command("list")
def list_events(
    webhook: _Name = None,
    parked: Annotated[
        bool,
        typer.Option(
            "--parked", help="Only parked events. Exits with status 1 if there are any, for scripts."
        ),
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The number of events to list.")] = 100,
    in_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, for scripts.")] = False,
) -> None:
    """List events, latest first: those that wait, are parked, or were delivered in the last few days."""
    states: Sequence[State] | None = ["PARKED"] if parked else None
    entries = _run(lambda database: _listing(database, webhook, states, limit))
    nothing = _NONE_PARKED if parked else "There are no events."
    show_rows([_row(entry) for entry in entries], nothing, in_json=in_json, details=_DETAILS)
    if parked and entries:
        raise typer.Exit(1)


@webhooks.command()
def show(
    id: Annotated[ObjectId, typer.Argument(metavar="ID", help="Id, as `list` shows it.", parser=entry_id)],
) -> None:
    """Show an event: its state, and the body that is posted."""
    from app.delivery import body_of

    (entry,) = _run(lambda database: _known(database, [id]))
    show_values(_row(entry))
    typer.echo("\n" + json.dumps(json.loads(body_of(entry)), indent=2))


@webhooks.command()
def resend(
    ids: _Ids = None,
    parked: Annotated[bool, typer.Option("--parked", help="All parked events.")] = False,
    webhook: _Name = None,
) -> None:
    """Post events again, including delivered ones. Events that wait for them are posted afterwards.

    A gateway with the webhook in its settings posts them within a few seconds.
    """
    if bool(ids) is parked or (webhook and not parked):
        raise typer.BadParameter("Give ids, or --parked with or without --webhook.")
    number = _run(lambda database: _resend(database, ids or (), webhook))
    say(f"{counted(number, 'event')} will be posted." if number or not parked else _NONE_PARKED)


@webhooks.command()
def drop(
    ids: _Ids = None,
    webhook: Annotated[
        str | None,
        typer.Option(
            "--webhook",
            metavar="NAME",
            help="All undelivered events of a webhook, for instance of a removed one.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Delete events, so that they are no longer posted. Events that wait for them are then posted."""
    if bool(ids) is bool(webhook):
        raise typer.BadParameter("Give ids, or --webhook.")
    number = _run(lambda database: _drop(database, ids or (), webhook or ""))
    nothing = f"No event for {webhook} waits or is parked."
    say(f"{counted(number, 'event')} deleted." if number or not webhook else nothing)


@webhooks.command()
def test(name: Annotated[str, typer.Argument(help="The webhook's name in LECTERN_WEBHOOKS.")]) -> None:
    """Post an event of the kind `lectern.test` to a webhook, and report whether it was accepted."""
    from app.delivery import Failed, posted_test

    settings = load()
    names = [webhook.name for webhook in settings.webhooks]
    if name not in names:
        known = f"it has {', '.join(names)}" if names else "it is empty"
        raise CommandError(
            f"LECTERN_WEBHOOKS has no webhook `{name}`: {known}.\n"
            "Run this command with the settings of your gateways."
        )
    outcome = asyncio.run(posted_test(settings, name))
    if isinstance(outcome, Failed):
        raise CommandError(f"{name} did not accept the event: {outcome.error}.")
    say(f"{name} has accepted the event.")


def _row(entry: EntryDoc) -> Row:
    from app.delivery import subject_of

    return {
        "id": str(entry["_id"]),
        "webhook": entry["destination"],
        "event": entry["kind"],
        "subject": subject_of(entry),
        "sequence": entry["sequence"],
        "state": entry["state"].lower(),
        "written": entry["at"],
        "delivered": entry["sentAt"],
        "failed": entry["attempts"],
        "lastError": entry["lastError"],
        "next": entry["dueAt"] if entry["state"] == "PENDING" else None,
    }


async def _listing(
    database: Database, webhook: str | None, states: Sequence[State] | None, most: int
) -> list[EntryDoc]:
    return await outbox.listing(database, await _names(database, webhook), states, most)


async def _names(database: Database, webhook: str | None) -> list[str]:
    """Returns the names of one webhook, or of all that have events; the settings needn't know them."""
    if webhook == MAIL:
        raise CommandError("Messages to people are not events of a webhook.")
    return [webhook] if webhook else [name for name in await outbox.destinations(database) if name != MAIL]


async def _known(database: Database, ids: Sequence[ObjectId]) -> list[EntryDoc]:
    """Returns the events with some ids. Raises CommandError if there is none for one of the ids."""
    found = [one for one in await outbox.by_ids(database, ids) if one["destination"] != MAIL]
    if missing := set(ids) - {one["_id"] for one in found}:
        raise CommandError(f"There is no event {min(missing)}: see `{lectern()} webhooks list`.")
    return found


async def _resend(database: Database, ids: Sequence[ObjectId], webhook: str | None) -> int:
    if ids:
        return await outbox.resend(database, await _known(database, ids))
    return await outbox.resend_parked(database, await _names(database, webhook))


async def _drop(database: Database, ids: Sequence[ObjectId], webhook: str) -> int:
    if ids:
        return await outbox.delete(database, await _known(database, ids))
    return await outbox.delete_undelivered(database, await _names(database, webhook))


def _run(work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        async with connect(load()) as database:
            await ping(database)
            return await work(database)

    return asyncio.run(run())
