"""Types for the contents of an import file: rows, and parts that can't be read as rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Cell = Any  # one value as in the file: text from CSV, otherwise any JSON value
Cells = Mapping[str, Cell]  # the values of a row, keyed by column name


class SourceError(Exception):
    """The file can't be opened or read to the end. The message names the file and gives the reason."""


@dataclass(slots=True)
class Row:
    """One row of data from an import file.

    Row and line numbers start at 1. `line` is the number of the row's first line, or None in a JSON
    array.
    """

    number: int
    line: int | None
    values: dict[str, Cell]


@dataclass(slots=True)
class Unreadable:
    """A part of the file that is not a valid row. Its text is included, so that no data is lost."""

    number: int
    line: int | None
    text: str
    reason: str
