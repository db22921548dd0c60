"""The commands `lectern operations push`, `list`, `versions`, `unknown` and `remove`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from app.commands.command_error import CommandError, file_error
from app.commands.operations.operation_tables import show_rows
from app.database import connect, ping
from app.invocation import lectern
from app.settings import Settings, load
from loaders import persisted
from loaders.mongo import Database, now
from loaders.persisted import (
    ConflictError,
    NewOperation,
    StoredTool,
    ToolConflictError,
    TooManyError,
    Version,
    VersionKey,
)

if TYPE_CHECKING:
    from app.persisted import ManifestOperation

_MOST_SHOWN = 50  # maximum number of problems that are printed
_LONGEST_NAME = 64  # characters; of longer names in a request, the gateway sees only the beginning

operations = typer.Typer(
    help="Push the operations of a client that are trusted, and list trusted and unknown ones.",
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
        Path, typer.Argument(help="The manifest that Relay, Apollo's tool or graphql-codegen has written.")
    ],
    client: Annotated[str, typer.Option(help="The name of the client.", callback=_name)],
    version: Annotated[str, typer.Option(help="The version of the client.", callback=_name)],
    tools: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A TOML file that names the operations that are offered to AI assistants as tools.",
            show_default=False,
        ),
    ] = None,
    dry_run: _DryRun = False,
) -> None:
    """Validate the operations of a client's manifest, and make them trusted.

    If an operation is invalid or too expensive, lists all problems and stores nothing. Pushing the same
    manifest again changes nothing. Gateways know the operations within five seconds.
    """
    key, settings = VersionKey(client, version), load()
    checked = _checked(manifest, settings)
    offered = _offered(tools, checked) if tools else None
    if dry_run:
        _say(f"{len(checked):,} operations are valid. Nothing was stored.")
        return
    pushed = asyncio.run(_push(settings, key, checked, offered))
    if not pushed.is_changed:
        _say(f"{client} {version} already has these {len(checked):,} operations{_with(offered)}.")
    else:
        new = f"{pushed.added:,} are new"
        _say(f"{client} {version} has {len(checked):,} operations{_with(offered)}; {new}.")


@operations.command("list")
def list_operations(in_json: _InJson = False) -> None:
    """List the trusted operations, with their prices and the number of versions that use them.

    A price is the highest that an operation can have, as `lectern cost` computes it.
    """
    show_rows(asyncio.run(_operations()), _NOTHING_PUSHED, in_json=in_json)


@operations.command()
def versions(in_json: _InJson = False) -> None:
    """List the versions of clients, with when they were pushed and last used."""
    rows = [
        {
            "client": one.key.client,
            "version": one.key.version,
            "operations": len(one.ids),
            "pushed": one.pushed_at,
            "last used": one.used_at,
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

    The latest are first. Texts are shown without the values in them.
    """
    rows = [
        {
            "hash or id": one.hash,
            "client": one.client,
            "version": one.version,
            "sent": one.reason,
            "times": one.times,
            "last seen": one.last_seen,
            "text": one.sample,
        }
        for one in asyncio.run(_unknown(most))
    ]
    show_rows(rows, "No unknown operations were seen in the last 30 days.", in_json=in_json)


@operations.command()
def remove(
    client: Annotated[str | None, typer.Option(help="The client.", show_default=False)] = None,
    version: Annotated[str | None, typer.Option(help="Its version.", show_default=False)] = None,
    unused_for: Annotated[
        int | None,
        typer.Option(
            metavar="DAYS", help="All versions not used for so many days.", min=1, show_default=False
        ),
    ] = None,
    dry_run: _DryRun = False,
) -> None:
    """Remove a version of a client, or all unused ones. Operations that other versions use stay."""
    if (client is None) is not (version is None) or (client is None) is (unused_for is None):
        raise typer.BadParameter("Give --client and --version, or --unused-for DAYS.")
    gone, number = asyncio.run(_remove(client, version, unused_for, dry_run=dry_run))
    if not gone and client is not None:
        raise CommandError(f"There is no {client} {version}: see `{lectern()} operations versions`.")
    for one in gone:
        _say(f"{one.key.client} {one.key.version}")
    if dry_run:
        _say(f"{len(gone):,} versions would be removed. Nothing was changed.")
    else:
        _say(f"{len(gone):,} versions and {number:,} operations removed.")


_NOTHING_PUSHED = "There are no trusted operations yet: `lectern operations push` adds a client's."


def _checked(manifest: Path, settings: Settings) -> Sequence[NewOperation]:
    """Returns the operations of a manifest. Raises CommandError if any of them is invalid."""
    from app.main import make_executor
    from app.persisted import check_manifest

    found = check_manifest(make_executor(settings, for_commands=True), _read(manifest))
    if found.problems:
        shown = list(found.problems[:_MOST_SHOWN])
        if more := len(found.problems) - len(shown):
            shown.append(f"and {more:,} more")
        lines = "\n".join(f"  {problem}" for problem in shown)
        raise CommandError(
            f"{manifest}: nothing was stored, because of these problems:\n{lines}\n"
            "Correct the operations in the client, write its manifest again, and push that."
        )
    return found.operations


def _offered(tools: Path, operations: Sequence[NewOperation]) -> Sequence[StoredTool]:
    from app.commands.operations.manifest_tools import stored_tools

    return stored_tools(tools, operations)


def _read(manifest: Path) -> "Sequence[ManifestOperation]":
    from app.persisted import MAX_BYTES, ManifestError, read_manifest

    try:
        with manifest.open("rb") as file:
            return read_manifest(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise file_error(error) from None
    except ManifestError as error:
        raise CommandError(f"{manifest}: {error}") from None


def _with(offered: Sequence[StoredTool] | None) -> str:
    return "" if offered is None else f" and {len(offered):,} tools"


async def _push(
    settings: Settings, key: VersionKey, new: Sequence[NewOperation], tools: Sequence[StoredTool] | None
) -> persisted.Pushed:
    most, most_bytes = settings.max_trusted_operations, settings.max_trusted_bytes
    async with _opened(settings) as database:
        try:
            return await persisted.push(database, key, new, most=most, most_bytes=most_bytes, tools=tools)
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
    uses: dict[str, int] = {}
    for version in found.versions:
        for own in version.ids:
            uses[own] = uses.get(own, 0) + 1
    return [
        {"id": one.id, "name": one.name, "price": one.price, "versions": uses.get(one.id, 0)}
        for one in found.operations
    ]


async def _versions() -> Sequence[Version]:
    async with _opened(load()) as database:
        return await persisted.versions(database)


async def _unknown(most: int) -> Sequence[persisted.Sighting]:
    async with _opened(load()) as database:
        return await persisted.recent_sightings(database, most)


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
        return await persisted.remove(database, is_chosen)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    async with connect(settings) as database:
        await ping(database)
        yield database


def _say(message: str) -> None:
    Console(stderr=True).print(message, markup=False, highlight=False, soft_wrap=True)
