"""Reads the headers of tables."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.importing.files.rows import Part
from app.importing.header import is_known

#: Patterns of values that can't be column names: numbers, dates, e-mail addresses and web addresses.
_FORMS = [
    re.compile(form)
    for form in (
        r"-?\d+(?:[.,]\d+)*\s?[%€$£]?",
        r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?:[ T]\d{1,2}:\d\d.*)?",
        r"[^\s@]+@[^\s@]+\.[^\s@]+",
        r"https?://\S+",
    )
]


@dataclass
class Table:
    """A table whose header has been read.

    columns: the column names, made unique. skipped: the lines above the header. header: the cells of the
    header, unchanged. rows: the rows below the header, which can be iterated once.
    """

    columns: Sequence[str]
    skipped: Sequence[str]
    header: Sequence[str]
    rows: Iterator[Part]
    is_headless: bool = False  # whether the table was guessed to have no header


def header_index(rows: Iterable[Sequence[str]], width: int) -> int:
    """Returns the index of the header.

    The header is the first row in which more than half of the `width` cells have text.
    """
    for index, cells in enumerate(rows):
        if sum(1 for cell in cells if cell.strip()) > width / 2:
            return index
    return 0


def column_names(header: Sequence[str]) -> list[str]:
    """Trims the column names, and makes them unique.

    A column without a name is called "column N". The column number is appended to a repeated name.
    """
    names: list[str] = []
    for number, cell in enumerate(header, 1):
        name = cell.replace("\ufeff", "").replace("\xa0", " ").strip() or f"column {number}"
        names.append(f"{name} {number}" if name in names else name)
    return names


def numbered_names(width: int) -> list[str]:
    """Returns the names of the columns of a table without a header: "column 1", "column 2" and so on."""
    return [f"column {number}" for number in range(1, width + 1)]


def is_data(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Returns whether the first row of a table is data instead of a header.

    It is data if none of its cells is a known header, and if one of its cells is a number, a date or an
    address, like most of the cells below it.
    """
    if any(map(is_known, first)):
        return False
    rows = [row for row in below if len(row) == len(first)]
    if not rows:
        return False
    return any(
        form.fullmatch(cell.strip())
        and 2 * sum(bool(form.fullmatch(row[i].strip())) for row in rows) > len(rows)
        for i, cell in enumerate(first)
        for form in _FORMS
    )
