"""Prints rows of text: as a table on a terminal, otherwise in aligned columns, or as JSON."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.terminal import printable, say

#: A row of a table: its values by the names of the columns, as they are in JSON, such as `lastUsed`.
Row = Mapping[str, object]

_GAP = 2  # spaces between two columns
_LONGEST_WORD = 40  # a longer word, such as a URL, may be broken; ids are shorter


def show_rows(rows: Sequence[Row], nothing: str, *, in_json: bool, details: Sequence[str] = ()) -> None:
    """Prints rows, which all have the same columns.

    nothing: what to say if there are none. details: columns that a table on a terminal leaves out.
    """
    console = Console()
    if in_json:
        typer.echo(json.dumps(rows, indent=2, default=_moment))
    elif not rows:
        say(nothing)
    elif console.is_terminal:
        _show(rows, [name for name in rows[0] if name not in details], console)
    else:
        cells = [[_cell(value) or "-" for value in row.values()] for row in rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for line in cells:
            typer.echo("  ".join(f"{c:{w}}" for c, w in zip(line, widths, strict=True)).rstrip())


def show_values(row: Row) -> None:
    """Prints the values of a single row, each on a line with its name."""
    typer.echo(_block({name: _cell(value) for name, value in row.items()}))


def _block(cells: Mapping[str, str]) -> str:
    """Returns a line for each cell that isn't empty."""
    longest = max(len(_heading(name)) for name in cells)
    return "\n".join(f"{_heading(name):{longest}}  {cell}" for name, cell in cells.items() if cell)


def _show(rows: Sequence[Row], names: Sequence[str], console: Console) -> None:
    """Prints a table, or a block of lines for each row if the terminal is too narrow for it."""
    columns = {name: [_cell(row[name]) for row in rows] for name in names}
    columns = {name: cells for name, cells in columns.items() if any(cells)}
    widths = _widths(columns, console.width)
    if widths is None:
        blocks = ({name: cells[n] for name, cells in columns.items()} for n in range(len(rows)))
        say("\n\n".join(map(_block, blocks)), console)
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, _GAP, 0, 0))
    for name, width in widths.items():
        table.add_column(_heading(name), overflow="fold", width=width)
    for n in range(len(rows)):
        table.add_row(*(Text(cells[n]) for cells in columns.values()))
    console.print(table)


def _widths(columns: Mapping[str, Sequence[str]], most: int) -> dict[str, int] | None:
    """Returns the width of each column of a table that is at most `most` wide, or None if there is none.

    Headings give way first, then the widest columns. Words stay whole, so an id can be copied.
    """
    values = {name: max(map(cell_len, cells)) for name, cells in columns.items()}
    widths = {name: max(cell_len(_heading(name)), width) for name, width in values.items()}
    narrowest = {
        name: max(
            min(cell_len(word), _LONGEST_WORD) for text in (_heading(name), *cells) for word in text.split()
        )
        for name, cells in columns.items()
    }
    excess = sum(widths.values()) + _GAP * (len(widths) - 1) - most
    for _ in range(excess):
        wide = [name for name in widths if widths[name] > narrowest[name]]
        if not wide:
            return None
        widths[max(wide, key=lambda name: (widths[name] > values[name], widths[name]))] -= 1
    return widths


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
