"""Prints rows of text: as a table on a terminal, otherwise in aligned columns, or as JSON."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.terminal import printable, say

#: A row of a table: its values by the names of the columns, as they are in JSON, such as `lastUsed`.
Row = Mapping[str, object]


def show_rows(rows: Sequence[Row], nothing: str, *, in_json: bool) -> None:
    """Prints rows, which all have the same columns. nothing: what to say if there are none."""
    console = Console()
    if in_json:
        typer.echo(json.dumps(rows, indent=2, default=_moment))
    elif not rows:
        say(nothing)
    elif console.is_terminal:
        console.print(_table(rows))
    else:
        cells = [[_cell(value) or "-" for value in row.values()] for row in rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for line in cells:
            typer.echo("  ".join(f"{c:{w}}" for c, w in zip(line, widths, strict=True)).rstrip())


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in rows[0]:
        table.add_column(_heading(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    return table


def _heading(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f" {letter[0].lower()}", name)


def _cell(value: object) -> str:
    """Formats a value, which can be what a client has sent: its control characters are escaped."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:,}" if isinstance(value, int) else printable(str(value))


def _moment(value: object) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else str(value)
