"""`lectern explain`."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from app.commands.command_error import CommandError


def explain(
    file: Annotated[
        typer.FileText, typer.Argument(metavar="QUERY.graphql", help="The operation; - for standard input.")
    ],
    variables: Annotated[
        str, typer.Option(help="The variables: JSON, or @FILE with JSON in it.", show_default=False)
    ] = "{}",
    operation: Annotated[
        str | None, typer.Option(help="Which operation, where the file has several.", show_default=False)
    ] = None,
    run: Annotated[
        bool, typer.Option("--run", help="Run it on MONGODB_URI, and add the measured times.")
    ] = False,
) -> None:
    """Show how an operation is run: its levels, their MongoDB commands, what is fetched."""
    from app.commands.explanation import explained
    from app.execution import Operation

    typer.echo(explained(Operation(_text(file), _variables(variables), operation), run=run))


def _text(file: typer.FileText) -> str:
    try:
        return file.read()
    except UnicodeDecodeError:
        raise CommandError(f"{file.name} is not text: it takes a GraphQL document in UTF-8.") from None


def _variables(given: str) -> dict[str, Any]:
    try:
        variables = orjson.loads(Path(given[1:]).read_bytes() if given.startswith("@") else given)
    except OSError as error:
        raise CommandError(f"--variables: {given[1:]} can't be read: {error.strerror}.") from None
    except orjson.JSONDecodeError as error:
        raise CommandError(f"--variables is not JSON: {error}.") from None
    if not isinstance(variables, dict):
        raise CommandError('--variables takes a JSON object, such as {"first": 5}.')
    return variables
