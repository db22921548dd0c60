"""The command `lectern cost`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import orjson
import typer

from app.commands.command_error import CommandError

_Values: TypeAlias = Mapping[str, Any]  # maps the names of variables to JSON values


def cost(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILES…", help="Files with operations and fragments, or folders with them."),
    ],
    max_price: Annotated[
        int | None,
        typer.Option("--max", min=0, help="The highest price that passes.", show_default="LECTERN_MAX_COST"),
    ] = None,
    variables: Annotated[
        Path | None,
        typer.Option(
            help="A JSON file that maps the names of operations to their variables.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Price a client's operations, without a database. Fail if one is invalid or costs too much.

    A variable without a value counts with its default, or else with the largest value that the limits allow.
    """
    from app.commands.costs.operation_prices import priced

    values = {} if variables is None else _variables(variables)
    report = priced(files, values, max_price)
    typer.echo(report.as_json() if as_json else report.as_text())
    if report.problems:
        raise CommandError("\n".join(report.problems))


def _variables(file: Path) -> Mapping[str, _Values]:
    try:
        values = orjson.loads(file.read_bytes())
    except OSError as error:
        raise CommandError(f"--variables: {file} can't be read: {error.strerror}.") from None
    except orjson.JSONDecodeError as error:
        raise CommandError(f"--variables: {file} is not JSON: {error}.") from None
    if not isinstance(values, dict) or not all(isinstance(value, dict) for value in values.values()):
        raise CommandError(
            f'--variables: {file} must map operations to variables, such as {{"Cards": {{"first": 5}}}}.'
        )
    return values
