"""What a source yields: rows, and parts of the file that can't be read as rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Cell = Any  # one value as the file has it: text from CSV, anything that JSON holds elsewhere
Cells = Mapping[str, Cell]  # the values of a row, by column


class SourceError(Exception):
    """The file can't be opened or read to its end; the message names it and gives the reason."""


@dataclass(slots=True)
class Row:
    """One data row.

    Row and line numbers start at 1. `line` is the row's first line, or None in a JSON array.
    """

    number: int
    line: int | None
    values: dict[str, Cell]


@dataclass(slots=True)
class Unreadable:
    """A part of the file that is not a row. It carries its text, so that nothing is lost."""

    number: int
    line: int | None
    text: str
    reason: str
