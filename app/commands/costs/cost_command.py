"""The command `lectern cost`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from app.commands.command_error import CommandError

_EXAMPLE = '{"Cards": {"first": 5}}'

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
        str,
        typer.Option(
            help="JSON that maps the names of operations to their variables, or the name of a file with it.",
            show_default=False,
        ),
    ] = "{}",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Price a client's operations, without a database. Fail if one is invalid or costs too much.

    A variable without a value counts with its default, or else with the largest value that the limits allow.
    """
    from app.commands.costs.operation_prices import priced

    report = priced(files, _by_operation(variables), max_price)
    if as_json or report.prices:
        typer.echo(report.as_json() if as_json else report.as_text())
    if report.problems:
        raise CommandError("\n".join(report.problems))


def _by_operation(option: str) -> Mapping[str, _Values]:
    from app.commands.option_values import variables

    found = variables(option, _EXAMPLE)
    for name, values in found.items():
        if not isinstance(values, dict):
            raise CommandError(
                f"--variables must map operations to their variables, such as {_EXAMPLE}: {name} has none."
            )
    return found
