"""The commands `lectern schema print`, `write` and `check`."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from app.commands.command_error import CommandError
from app.invocation import lectern

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


def _sdl() -> str:
    # Imported here so that other commands don't spend time on building the schema.
    from resolvers.schema import sdl

    return sdl()
