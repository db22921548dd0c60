"""The commands `lectern indexes show`, `check` and `apply`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from pymongo.errors import ConnectionFailure, OperationFailure
from rich.console import Console

from app.commands.command_error import CommandError
from app.commands.indexes.build_display import build_display
from app.commands.indexes.listing import IndexRow, as_json, show_lines, show_tables
from app.database import connect, ping
from app.settings import Settings, load
from app.terminal import say
from loaders.indexes import Applied, Comparison, apply, build_progress, compare, statistics_of
from loaders.mongo import UNAUTHORIZED, Database, reason_of

NOT_DONE = 3  # exit status if an index isn't as declared; 1 means an error, and 2 wrong usage

indexes = typer.Typer(help="Show the indexes of the database, check them, or build those that are missing.")


@indexes.callback(invoke_without_command=True)
def alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        say(
            "`lectern indexes` without a subcommand runs `lectern indexes apply`, which a later version will"
            " not do.",
        )
        apply_indexes()


@indexes.command()
def show(
    in_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, for scripts.")] = False,
) -> None:
    """Show the state, options, size and use of all indexes, and what they are for.

    If the output isn't a terminal, prints a line for each index.
    """
    console, rows = Console(), asyncio.run(_rows())
    if in_json:
        typer.echo(as_json(rows))
    elif console.is_terminal:
        show_tables(console, rows)
    else:
        show_lines(rows)


@indexes.command()
def check() -> None:
    """Compare the indexes with the declared ones by keys and options, and say what to do about differences.

    Changes nothing. Exits with 0 if all declared indexes exist and have the declared options, otherwise
    with 3.
    """
    console, states = Console(), asyncio.run(_compared()).states
    for one in states:
        if one.what:
            say(str(one), console)
    if any(one.what and not one.is_harmless for one in states):
        raise typer.Exit(NOT_DONE)
    say(f"All {sum(one.declared is not None for one in states)} declared indexes exist.", console)


@indexes.command("apply")
def apply_indexes(
    *,
    tolerate_differences: Annotated[
        bool,
        typer.Option(
            "--tolerate-differences", help="Exit with 0 if no index is missing, even if some differ."
        ),
    ] = False,
) -> None:
    """Build the missing indexes, and set the lifetimes of TTL indexes. Gateways can keep serving.

    Builds the indexes of one collection at a time, and waits for those that are already being built. Never
    drops an index. Exits with 0 if all declared indexes exist afterwards. If an index differs or can't be
    built, says what to do about it, and exits with 3.
    """
    console = Console(stderr=True)
    try:
        done = asyncio.run(_apply(console))
    except KeyboardInterrupt:
        say(asyncio.run(_interrupted()), console)
        raise typer.Exit(130) from None
    _report(console, done)
    if done.is_incomplete or (done.needs_operator and not tolerate_differences):
        raise typer.Exit(NOT_DONE)


def _report(console: Console, done: Applied) -> None:
    if done.created:
        say(f"{len(done.created)} created: {', '.join(done.created)}", console)
    if done.changed:
        say(f"Lifetime changed: {', '.join(done.changed)}", console)
    if not (done.created or done.changed or done.needs_operator):
        say("All indexes exist.", console)
    for problem in done.problems:
        say(str(problem), console)


async def _rows() -> list[IndexRow]:
    settings = load()
    async with _opened(settings) as database:
        states = (await compare(database, settings.retention, with_builds=True)).states
        names = dict.fromkeys(one.collection for one in states)
        found = {name: await statistics_of(database[name]) for name in names}
        building = {one.collection for one in states if one.state == "building"}
        progress = {name: await build_progress(database, name) for name in building}
        return [IndexRow(one, found[one.collection], progress.get(one.collection)) for one in states]


async def _compared() -> Comparison:
    settings = load()
    async with _opened(settings) as database:
        return await compare(database, settings.retention, with_builds=True)


async def _apply(console: Console) -> Applied:
    # Motor runs a command in a thread, for which the process would wait after Ctrl-C.
    settings = load().model_copy(update={"mongodb_driver": "pymongo"})
    async with _opened(settings) as database, build_display(console, database) as on_building:
        return await apply(database, settings.retention, on_building)


async def _interrupted() -> str:
    """Describes what happens after Ctrl-C. MongoDB goes on with a build when its client disconnects."""
    names = [one.full_name for one in (await _compared()).states if one.state == "building"]
    if not names:
        return "Interrupted. No index is being built. Run the same command again to build the others."
    return (
        f"Interrupted. MongoDB goes on building {', '.join(names)}: `lectern indexes show` shows how far it"
        " has got. Run the same command again to wait for it and build the others."
    )


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    """Yields the database. Raises CommandError if MongoDB fails or the MongoDB user lacks a privilege."""
    async with connect(settings) as database:
        await ping(database)
        try:
            yield database
        except ConnectionFailure as error:
            raise CommandError(
                f"MongoDB failed: {reason_of(error)}\n"
                "Run the same command again: it continues with the indexes that are missing then."
            ) from None
        except OperationFailure as error:
            if error.code != UNAUTHORIZED:
                raise
            raise CommandError(
                "The MongoDB user in LECTERN_MONGODB_URI may not do that. `show` and `check` need the role"
                f" read on {database.name}, `apply` needs readWrite, and also dbAdmin to change a lifetime."
            ) from None
