"""The commands `lectern schema` and `lectern indexes`."""

import asyncio
import difflib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.commands.command_error import CommandError
from app.database import connect, ping
from app.invocation import lectern
from app.settings import load
from loaders.indexes import Ensured, ensure

schema = typer.Typer(
    help="Print the schema in SDL, write it to a file, or compare a file with it.", no_args_is_help=True
)

_File = Annotated[Path, typer.Argument(help="The file that holds the schema.")]


@schema.command("print")
def print_schema() -> None:
    """Print the schema."""
    typer.echo(_sdl(), nl=False)


@schema.command("write")
def write_schema(file: _File = Path("schema.graphql")) -> None:
    """Write the schema to a file."""
    file.write_text(_sdl(), encoding="utf-8")


@schema.command("check")
def check_schema(file: _File = Path("schema.graphql")) -> None:
    """Compare a file with the schema; print the differences, and fail if there are any."""
    try:
        written = file.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"{file}: {error.strerror}. To create it: {lectern()} schema write {file}"
        ) from None
    if written == _sdl():
        typer.echo(f"{file} is up to date.")
        return
    lines = difflib.unified_diff(
        written.splitlines(), _sdl().splitlines(), str(file), "the schema", lineterm=""
    )
    typer.echo("\n".join(lines))
    raise CommandError(f"{file} is out of date. To update it: {lectern()} schema write {file}")


def indexes() -> None:
    """Create the indexes that are missing from the database, and report those that differ from Lectern's.

    Compares keys and options, and never drops an index. If an index differs, or can't be created
    because of duplicates, prints what to do about it, and exits with 1.
    """
    done = asyncio.run(_create_indexes())
    console = Console(stderr=True)
    if done.created:
        _print(console, f"{len(done.created)} created: {', '.join(done.created)}")
    elif not done.needs_operator:
        _print(console, "All indexes exist.")
    for problem in done.problems:
        _print(console, str(problem))
    if done.needs_operator:
        raise typer.Exit(1)


def _print(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


async def _create_indexes() -> Ensured:
    async with connect(load()) as database:
        await ping(database)
        return await ensure(database)


def _sdl() -> str:
    # Imported here so that other commands don't spend time on building the schema.
    from resolvers.schema import sdl

    return sdl()
