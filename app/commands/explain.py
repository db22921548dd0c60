"""The command `lectern explain`."""

from typing import Annotated

import typer

from app.commands.command_error import CommandError


def explain(
    file: Annotated[
        typer.FileText,
        typer.Argument(metavar="QUERY.graphql", help="A file with the operation; - for stdin."),
    ],
    variables: Annotated[
        str,
        typer.Option(
            help="The variables as JSON, or the name of a file that contains JSON.", show_default=False
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
    from app.commands import option_values
    from app.commands.explanation import explained
    from app.execution import Operation

    values = option_values.variables(variables, '{"first": 5}')
    typer.echo(explained(Operation(_text(file), values, operation), run=run))


def _text(file: typer.FileText) -> str:
    try:
        return file.read()
    except UnicodeDecodeError:
        raise CommandError(f"{file.name} is not text: expected a GraphQL document in UTF-8.") from None
