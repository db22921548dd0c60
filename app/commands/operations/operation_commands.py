"""The commands `lectern operations push`, `list`, `versions`, `unknown`, `forget` and `remove`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from app.commands.command_error import CommandError
from app.commands.tables import show_rows
from app.database import connect, ping
from app.importing import counted
from app.invocation import lectern
from app.settings import Settings, load
from app.terminal import say
from loaders import persisted
from loaders.mongo import Database, now
from loaders.persisted import (
    ConflictError,
    NewOperation,
    StoredTool,
    ToolConflictError,
    TooManyError,
    UnreadableError,
    Version,
    VersionKey,
)

_MOST_SHOWN = 50  # maximum number of conflicts that are printed
_LONGEST_NAME = 64  # characters; of longer names in a request, the gateway sees only the beginning

_MOST_DAYS = 36_500

operations = typer.Typer(
    help="Push a client's trusted operations, and list trusted and unknown operations.",
    no_args_is_help=True,
)

_InJson = Annotated[bool, typer.Option("--json", help="Print a JSON array, for scripts.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing.")]


def _name(value: str | None) -> str | None:
    if value is not None and not (
        0 < len(value) <= _LONGEST_NAME and value.isascii() and value.isprintable()
    ):
        raise typer.BadParameter(f"It must have 1 to {_LONGEST_NAME} printable ASCII characters.")
    return value


@operations.command()
def push(
    manifest: Annotated[
        Path,
        typer.Argument(help="A manifest in the form that Relay, Apollo's tool or graphql-codegen writes."),
    ],
    client: Annotated[str, typer.Option(help="The name of the client.", callback=_name)],
    version: Annotated[str, typer.Option(help="The version of the client.", callback=_name)],
    tools: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A TOML file with the operations to offer to AI assistants as tools.",
            show_default=False,
        ),
    ] = None,
    dry_run: _DryRun = False,
) -> None:
    """Validate the operations of a client's manifest, and make them trusted.

    If an operation is invalid or too expensive, lists all problems and stores nothing. Pushing the same
    manifest again changes nothing, unless another version of the client was pushed since then. Gateways know
    the operations within five seconds.
    """
    from app.commands.operations.checked_manifest import checked_operations
    from app.commands.operations.manifest_tools import stored_tools

    key, settings = VersionKey(client, version), load()
    checked = checked_operations(manifest, settings)
    offered = stored_tools(tools, checked) if tools else None
    if dry_run:
        valid = "1 operation is" if len(checked) == 1 else f"{len(checked):,} operations are"
        say(f"{valid} valid. Nothing was stored.")
        return
    pushed = asyncio.run(_push(settings, key, checked, offered))
    if not pushed.is_changed:
        number = "this operation" if len(checked) == 1 else f"these {len(checked):,} operations"
        say(f"{client} {version} already has {number}{_with(offered)}.")
    else:
        number = counted(pushed.number, "operation")
        say(f"{client} {version} has {number}{_with(offered)}; {pushed.added:,} new.")


@operations.command("list")
def list_operations(in_json: _InJson = False) -> None:
    """List the trusted operations, with their prices, clients and number of versions.

    The price is an operation's highest possible price, as computed by `lectern cost`.
    """
    show_rows(asyncio.run(_operations()), _NOTHING_PUSHED, in_json=in_json)


@operations.command()
def versions(in_json: _InJson = False) -> None:
    """List the versions of clients, and when each was pushed and last used."""
    rows = [
        {
            "client": one.key.client,
            "version": one.key.version,
            "operations": len(one.ids),
            "pushed": one.pushed_at,
            "lastUsed": one.used_at,
        }
        for one in asyncio.run(_versions())
    ]
    show_rows(rows, _NOTHING_PUSHED, in_json=in_json)


@operations.command()
def unknown(
    most: Annotated[int, typer.Option(help="The maximum number of operations.", min=1, max=10_000)] = 100,
    in_json: _InJson = False,
) -> None:
    """List the operations that LECTERN_OPERATIONS refuses, or would refuse, and who sent them.

    The latest come first. The id is the one that was sent, or the SHA-256 hash of the text. Texts are shown
    without their arguments.
    """
    found = asyncio.run(_unknown(most + 1))
    rows = [
        {
            "id": one.hash,
            "client": one.client,
            "version": one.version,
            "sent": one.reason,
            "times": one.times,
            "lastSeen": one.last_seen,
            "text": one.sample,
        }
        for one in found[:most]
    ]
    show_rows(rows, "No unknown operations were seen in the last 30 days.", in_json=in_json)
    if len(found) > most:
        say(f"There are more than these {most:,}: to list more, use --most.")


@operations.command()
def forget() -> None:
    """Delete the list of unknown operations, for instance after a flood of them."""
    say(f"{counted(asyncio.run(_forget()), 'unknown operation')} deleted.")


@operations.command()
def remove(
    client: Annotated[str | None, typer.Option(help="The client's name.", show_default=False)] = None,
    version: Annotated[str | None, typer.Option(help="The client's version.", show_default=False)] = None,
    unused_for: Annotated[
        int | None,
        typer.Option(
            metavar="DAYS",
            help="All versions not used for this many days. If never used, the days count from the push.",
            min=1,
            max=_MOST_DAYS,
            show_default=False,
        ),
    ] = None,
    dry_run: _DryRun = False,
) -> None:
    """Remove a version of a client, or all unused ones. Operations that other versions use stay."""
    if (client is None) is not (version is None) or (client is None) is (unused_for is None):
        raise typer.BadParameter("Give --client and --version, or --unused-for DAYS.")
    gone, number = asyncio.run(_remove(client, version, unused_for, dry_run=dry_run))
    if not gone and client is not None:
        raise CommandError(
            f"The client `{client}` has no version `{version}`: see `{lectern()} operations versions`."
        )
    for one in gone:
        say(f"{'Would remove' if dry_run else 'Removed'} {one.key.client} {one.key.version}.")
    if dry_run:
        say(f"{counted(len(gone), 'version')} would be removed. Nothing was changed.")
    else:
        say(f"{counted(len(gone), 'version')} and {counted(number, 'operation')} removed.")


_NOTHING_PUSHED = "There are no trusted operations yet: `lectern operations push` adds a client's."


def _with(offered: Sequence[StoredTool] | None) -> str:
    return "" if offered is None else f" and {counted(len(offered), 'tool')}"


async def _push(
    settings: Settings, key: VersionKey, new: Sequence[NewOperation], tools: Sequence[StoredTool] | None
) -> persisted.Pushed:
    most, most_bytes = settings.max_trusted_operations, settings.max_trusted_bytes
    async with _opened(settings) as database:
        try:
            return await persisted.push(database, key, new, most=most, most_bytes=most_bytes, tools=tools)
        except UnreadableError as error:
            raise CommandError(_unreadable(error)) from None
        except ConflictError as error:
            raise CommandError(_conflicts(error)) from None
        except ToolConflictError as error:
            users = ", ".join(" ".join(user) for user in error.users)
            raise CommandError(
                f"Nothing was stored, because another client has a tool named `{error.name}`: {users}. Give "
                "the tool another name in the file of tools."
            ) from None
        except TooManyError as error:
            raise CommandError(
                f"There would be {error.number:,} operations with {error.size:,} bytes; the maximum is "
                f"{most:,} with {most_bytes:,} bytes. Remove unused versions (`{lectern()} operations "
                "versions`), or raise LECTERN_MAX_TRUSTED_OPERATIONS or LECTERN_MAX_TRUSTED_BYTES."
            ) from None


def _unreadable(error: UnreadableError) -> str:
    return (
        f"Nothing was changed, because this version of Lectern can't read {error}. Use the version that "
        "wrote it, or delete it."
    )


def _conflicts(error: ConflictError) -> str:
    lines = [
        f"  {own}: used by {', '.join(' '.join(user) for user in users) or 'no version'}"
        for own, users in list(error.users.items())[:_MOST_SHOWN]
    ]
    return (
        "Nothing was stored, because these ids are already stored with another text:\n"
        + "\n".join(lines)
        + "\nAn id must always have the same text. Use ids that are hashes of the texts."
    )


async def _operations() -> list[dict[str, object]]:
    settings = load()
    async with _opened(settings) as database:
        found = await persisted.load(database, settings.max_trusted_operations)
    if found is None:
        return []
    for document in found.unreadable:
        say(f"{document} can't be read, and is left out.")
    users: dict[str, list[str]] = {}
    for version in found.versions:
        for own in version.ids:
            users.setdefault(own, []).append(version.key.client)
    return [
        {
            "id": one.id,
            "name": one.name,
            "price": one.price,
            "clients": sorted(set(users.get(one.id, ()))),
            "versions": len(users.get(one.id, ())),
        }
        for one in found.operations
    ]


async def _versions() -> Sequence[Version]:
    async with _opened(load()) as database:
        return await persisted.versions(database)


async def _unknown(most: int) -> Sequence[persisted.Sighting]:
    async with _opened(load()) as database:
        return await persisted.recent_sightings(database, most)


async def _forget() -> int:
    async with _opened(load()) as database:
        return await persisted.clear_sightings(database)


async def _remove(
    client: str | None, version: str | None, unused_for: int | None, *, dry_run: bool
) -> tuple[Sequence[Version], int]:
    since = now() - timedelta(days=unused_for or 0)

    def is_chosen(one: Version) -> bool:
        if unused_for is None:
            return one.key == (client, version)
        return max(one.pushed_at, one.used_at or one.pushed_at) < since

    async with _opened(load()) as database:
        if dry_run:
            return [one for one in await persisted.versions(database) if is_chosen(one)], 0
        try:
            return await persisted.remove(database, is_chosen)
        except UnreadableError as error:
            raise CommandError(_unreadable(error)) from None


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    async with connect(settings) as database:
        await ping(database)
        yield database
