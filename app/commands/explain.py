"""The command `lectern explain`."""

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import orjson
import typer

from app.commands.command_error import CommandError

_Variables: TypeAlias = dict[str, Any]  # maps the names of variables to JSON values


def explain(
    file: Annotated[
        typer.FileText,
        typer.Argument(metavar="QUERY.graphql", help="A file with the operation; - for stdin."),
    ],
    variables: Annotated[
        str,
        typer.Option(
            help="The variables as JSON, or @FILE for a file that contains JSON.", show_default=False
        ),
    ] = "{}",
    operation: Annotated[
        str | None,
        typer.Option(help="The name of the operation, if the file has several.", show_default=False),
    ] = None,
    run: Annotated[
        bool,
        typer.Option("--run", help="Run the operation on LECTERN_MONGODB_URI, and show the measured times."),
    ] = False,
) -> None:
    """Show how an operation is run: its plan's levels, their MongoDB commands, and the fetched fields."""
    from app.commands.explanation import explained
    from app.execution import Operation

    typer.echo(explained(Operation(_text(file), _variables(variables), operation), run=run))


def _text(file: typer.FileText) -> str:
    try:
        return file.read()
    except UnicodeDecodeError:
        raise CommandError(f"{file.name} is not text: expected a GraphQL document in UTF-8.") from None


def _variables(option: str) -> _Variables:
    try:
        variables = orjson.loads(Path(option[1:]).read_bytes() if option.startswith("@") else option)
    except OSError as error:
        raise CommandError(f"--variables: {option[1:]} can't be read: {error.strerror}.") from None
    except orjson.JSONDecodeError as error:
        raise CommandError(f"--variables is not JSON: {error}.") from None
    if not isinstance(variables, dict):
        raise CommandError('--variables takes a JSON object, such as {"first": 5}.')
    return variables
