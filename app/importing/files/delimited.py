"""Reads CSV and similar formats, detecting the delimiter and the header.

A quote that is opened but never closed swallows the rows below it. So if a record turns out to be malformed,
only its first line is rejected, and the lines below it are read again as new records.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from app.importing.files.lines import Lines
from app.importing.files.rows import Row, SourceError, Unreadable

_DELIMITERS = ",;\t|"
_MAX_LINES = 1_000  # maximum number of lines in a record; a longer record has an unclosed quote
_MAX_CHARACTERS = 1 << 20  # maximum length of a field, in characters
_ESCAPED = re.compile(r'\\"(?!\s*(?:[,;\t|]|$))', re.MULTILINE)  # a quote escaped by a backslash
_OPEN_QUOTE = "a quote is opened but not closed at the end of its field"


class _TooLongError(Exception):
    """Raised when a record has too many lines."""


@dataclass
class Table:
    """Delimited text whose header has been read."""

    columns: Sequence[str]
    skipped: Sequence[str]  # lines above the header
    delimiter: str
    _records: Iterator["_Record"]

    def rows(self) -> Iterator[Row | Unreadable]:
        for number, record in enumerate((r for r in self._records if r.cells != []), 1):
            if record.cells is None:
                yield Unreadable(number, record.line, record.text, record.reason)
            else:
                yield Row(number, record.line, dict(zip(self.columns, record.cells, strict=True)))


@dataclass(slots=True)
class _Record:
    line: int
    cells: list[str] | None
    text: str = ""
    reason: str = ""


class _Pending(Iterator[str]):
    """Passes lines on to the CSV reader, and remembers the lines of the current record."""

    def __init__(self, lines: Lines) -> None:
        self.source = lines
        self.lines: list[str] = []

    def __next__(self) -> str:
        if len(self.lines) == _MAX_LINES:
            raise _TooLongError
        line = next(self.source)
        self.lines.append(line)
        return line


def open_table(text: TextIO) -> Table:
    """Detects the delimiter and the header, and reads the text up to the end of the header.

    Raises SourceError if the text is empty.
    """
    csv.field_size_limit(_MAX_CHARACTERS)
    lines = Lines(text)
    sample = lines.head(200)
    if not any(line.strip() for line in sample):
        raise SourceError("the file is empty")
    escape = bool(_ESCAPED.search("".join(sample))) and '""' not in "".join(sample)
    delimiter, width = _dialect(sample)
    narrow, trailing = _header_is_narrower(sample, delimiter, width)
    skipped = [next(lines).strip() for _ in range(_lines_above_header(sample, delimiter, width - narrow))]
    header = next(csv.reader(lines, delimiter=delimiter))
    records = _records(lines, delimiter, len(header), "\\" if escape else None, trailing_delimiter=trailing)
    return Table(_column_names(header), skipped, delimiter, records)


def _dialect(sample: Sequence[str]) -> tuple[str, int]:
    """Returns the delimiter that splits most lines into the same number of cells, and that number."""
    candidates = [(delimiter, *_width(sample, delimiter)) for delimiter in _DELIMITERS]
    delimiter, width, _ = max(candidates, key=lambda c: (c[1] > 1) * c[2] * c[1] ** 0.5)
    return delimiter, width


def _width(sample: Sequence[str], delimiter: str) -> tuple[int, float]:
    rows = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
    (width, count), *_ = Counter(rows).most_common(1)
    return width, count / len(rows)


def _header_is_narrower(sample: Sequence[str], delimiter: str, width: int) -> tuple[bool, bool]:
    """Returns whether the header is one cell shorter than most rows, and whether trailing delimiters are why.

    They are the reason only if every row below the header ends with a delimiter. If only some rows have an
    extra cell, an unquoted delimiter has probably shifted their cells.
    """
    rows = [row for row in csv.reader(sample, delimiter=delimiter) if row]
    wide = [row for row in rows if len(row) == width]
    before = rows[: rows.index(wide[0])]
    if not before or len(before[-1]) != width - 1 or width < 3 or not all(c.strip() for c in before[-1]):
        return False, False
    trailing = not any(row[-1] for row in wide) and rows[len(before) :] == wide
    return trailing or any(cell.strip()[:1].isdigit() for cell in wide[0]), trailing


def _lines_above_header(sample: Sequence[str], delimiter: str, width: int) -> int:
    """Counts the lines above the header: the first with `width` cells of which most are not empty."""
    reader, above = csv.reader(sample, delimiter=delimiter), 0
    for cells in reader:
        if len(cells) == width and sum(1 for cell in cells if cell.strip()) > width / 2:
            return above
        above = reader.line_num
    return 0


def _column_names(header: Sequence[str]) -> list[str]:
    """Trims the column names, and makes them unique.

    A column without a name is called "column N". The column number is appended to a repeated name.
    """
    names: list[str] = []
    for number, cell in enumerate(header, 1):
        name = cell.replace("\ufeff", "").replace("\xa0", " ").strip() or f"column {number}"
        names.append(f"{name} {number}" if name in names else name)
    return names


def _records(
    lines: Lines, delimiter: str, width: int, escape: str | None, *, trailing_delimiter: bool
) -> Iterator[_Record]:
    pending = _Pending(lines)
    reader = csv.reader(
        pending, delimiter=delimiter, strict=True, escapechar=escape, doublequote=escape is None
    )
    while True:
        pending.lines = []
        line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _TooLongError):
            yield _reject_first_line(pending, line, _OPEN_QUOTE)
            continue
        if trailing_delimiter and len(cells) == width + 1 and not cells[width]:
            del cells[width:]
        if len(cells) == width or not cells:
            yield _Record(line, cells)
        elif len(pending.lines) > 1:
            yield _reject_first_line(pending, line, _OPEN_QUOTE)
        else:
            yield _reject_first_line(pending, line, f"{len(cells)} cells, but the header has {width}")


def _reject_first_line(pending: _Pending, line: int, reason: str) -> _Record:
    first, *rest = pending.lines
    pending.source.push(rest)
    return _Record(line, None, first.rstrip("\r\n"), reason)
