"""Types for the contents of an import file: rows, and parts that can't be read as rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Cell = Any  # a value as it is in the file: a string in CSV, any JSON value in other formats
Cells = Mapping[str, Cell]  # the values of a row, keyed by column name

LARGEST_CELL = 1 << 20  # maximum length of a cell, in characters
#: Maximum total length of the cells of a row, in characters; MongoDB limits documents to 16 MB.
_LARGEST_ROW = 2 << 20
TOO_LARGE = "a cell has more than a million characters"
SHOWN = 1_000  # how many characters of a rejected row are kept if the row is too large to keep in full


class SourceError(Exception):
    """Raised if a file can't be opened or read to the end. The message names the file and the reason."""


@dataclass(slots=True)
class Row:
    """One row of data from an import file.

    Row and line numbers start at 1. `line` is the number of the row's first line, or None in JSON that is not
    read line by line.
    """

    number: int
    line: int | None
    values: dict[str, Cell]


@dataclass(slots=True)
class Unreadable:
    """A part of the file that is not a valid row. Its text is included, so that no data is lost.

    If the part is too large to be a row, only the beginning of its text is included.
    """

    number: int
    line: int | None
    text: str
    reason: str


@dataclass(slots=True)
class Blank:
    """A row of empty cells."""

    line: int | None


Part = Row | Unreadable | Blank


def too_large(values: Cells) -> str | None:
    """Returns why a row is too large to be imported, or None if it isn't."""
    sizes = [len(value) for value in values.values() if isinstance(value, str)]
    if any(size > LARGEST_CELL for size in sizes):
        return TOO_LARGE
    return "the row has more than two million characters" if sum(sizes) > _LARGEST_ROW else None
