"""The command-line interface, `lectern`."""

import sys
from importlib import metadata
from typing import Annotated

import typer
from pymongo.errors import PyMongoError

from app.commands import AccountError, CommandError, add_to
from app.database import DatabaseUnavailableError, refusal
from app.embedded import EmbeddedError
from app.observing import configure_logs
from app.settings import SettingsError, warnings
from app.terminal import say
from loaders.mongo import reason_of

app = typer.Typer(
    help="Lectern: a GraphQL gateway for course platforms.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def lectern(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    configure_logs()
    if version:
        typer.echo(f"lectern {metadata.version('lectern')}")
        raise typer.Exit
    if context.invoked_subcommand != "serve":  # which has them in its log
        for warning in warnings():
            say(warning)


add_to(app)


def main() -> None:
    """Runs the command line. If there is an error, prints it to standard error, and exits with status 1.

    Typer itself reports incorrect usage, and exits with status 2.
    """
    try:
        app()
    except (AccountError, CommandError, DatabaseUnavailableError, EmbeddedError, SettingsError) as error:
        _fail(str(error))
    except PyMongoError as error:
        _fail(refusal(error) or f"MongoDB returned an error: {reason_of(error)}")
    except Exception as error:
        _fail(f"Unexpected error: {type(error).__name__}: {error}")


def _fail(message: str) -> None:
    say(message)
    sys.exit(1)
