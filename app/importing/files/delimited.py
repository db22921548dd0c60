"""Reads CSV and similar formats, detecting the delimiter and the header.

A quote that is opened but never closed swallows the rows below it. So if a record turns out to be malformed,
only its first line is rejected, and the lines below it are read again as new records.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

from app.importing.files.lines import Lines
from app.importing.files.rows import (
    LARGEST_CELL,
    SHOWN,
    TOO_LARGE,
    Blank,
    Part,
    Row,
    SourceError,
    Unreadable,
    too_large,
)
from app.importing.files.table import Table, column_names, is_data, numbered_names
from app.importing.plurals import counted

_DELIMITERS = ",;\t|"
_MAX_LINES = 1_000  # maximum number of lines in a record; more lines mean that a quote was not closed
_ESCAPED = re.compile(r'\\"(?!\s*(?:[,;\t|]|$))', re.MULTILINE)  # a quote escaped by a backslash
#: A backslash followed by the quote that closes a cell.
_CLOSING = re.compile(r'\\"(?=\s*(?:[,;\t|]|$))')
_ALONE = re.compile(r'\\(?!")')
_KEPT_AS_TEXT = re.compile(r'="([^"]*)"')
_SEP = re.compile(r"sep=([,;\t|])", re.IGNORECASE)
_OPEN_QUOTE = "a quote is opened but not closed at the end of its field"


class _TooLongError(Exception):
    """Raised when a record has too many lines."""


@dataclass(slots=True)
class _Record:
    line: int
    cells: list[str] | None
    text: str = ""
    reason: str = ""
    is_long: bool = False  # whether the record is so long that the size of its cells must be checked


class _Pending(Iterator[str]):
    """Passes lines on to the CSV reader, and remembers the lines of the current record.

    escaped: whether quotes are escaped by backslashes. If so, all other backslashes are doubled, so that the
    CSV reader takes them literally.
    """

    def __init__(self, lines: Lines, *, escaped: bool) -> None:
        self.source, self.escaped = lines, escaped
        self.lines: list[str] = []

    def __next__(self) -> str:
        if len(self.lines) == _MAX_LINES:
            raise _TooLongError
        line = next(self.source)
        self.lines.append(line)
        return _ALONE.sub(r"\\\\", line) if self.escaped else line


def open_table(text: TextIO, *, header: bool | None = None) -> Table:
    """Detects the delimiter and the header, and reads the text up to the end of the header.

    header: whether the table has a header, or None to guess. Without a header, the columns are numbered.
    Raises SourceError if the text is empty.
    """
    csv.field_size_limit(LARGEST_CELL)
    lines = Lines(text)
    named = _named_delimiter(lines)
    sample = lines.head(200)
    if not any(line.strip() for line in sample):
        raise SourceError("the file is empty")
    escape = bool(_ESCAPED.search("".join(sample))) and '""' not in "".join(sample)
    delimiter, width = (named, _width(sample, named)[0]) if named else _dialect(sample)
    narrow, trailing = _header_is_narrower(sample, delimiter, width)
    above = 0 if header is False else _lines_above_header(sample, delimiter, width - narrow)
    skipped = [next(lines).strip() for _ in range(above)]
    before = lines.number
    first = next(csv.reader(lines, delimiter=delimiter))
    is_headless = header is None and is_data(first, _below(lines, delimiter))
    if is_headless or header is False:
        lines.push(sample[above : above + lines.number - before])
        names = numbered_names(len(first))
    else:
        names = column_names(first)
    records = _records(lines, delimiter, len(first), "\\" if escape else None, trailing_delimiter=trailing)
    return Table(names, skipped, first, _rows(names, records), is_headless)


def _rows(names: Sequence[str], records: Iterator["_Record"]) -> Iterator[Part]:
    number = 0
    for record in records:
        if record.cells is not None and not any(map(str.strip, record.cells)):
            if record.cells:  # an empty line doesn't count as a row
                yield Blank(record.line)
            continue
        number += 1
        if record.cells is None:
            yield Unreadable(number, record.line, record.text, record.reason)
        else:
            values = dict(zip(names, map(plain, record.cells), strict=True))
            if record.is_long and (reason := too_large(values)):
                yield Unreadable(number, record.line, ", ".join(values.values())[:SHOWN], reason)
            else:
                yield Row(number, record.line, values)


def plain(cell: str) -> str:
    """Removes the marks that make spreadsheets treat a number as text: ="00123" and '00123 become 00123."""
    if cell[:1] == "=" and (kept := _KEPT_AS_TEXT.fullmatch(cell)):
        return kept[1]
    return cell[1:] if cell[:1] == "'" and cell[1:2].isdigit() and "'" not in cell[1:] else cell


def _named_delimiter(lines: Lines) -> str | None:
    """Skips a first line such as "sep=;", and returns the delimiter that it specifies for Excel.

    Returns None if there is no such line.
    """
    first = lines.head(1)
    match = _SEP.fullmatch(first[0].strip("\ufeff\r\n")) if first else None
    if match:
        next(lines)
    return match[1] if match else None


def _below(lines: Lines, delimiter: str) -> list[list[str]]:
    return _parsed(lines.head(50), delimiter)


def _parsed(sample: Sequence[str], delimiter: str) -> list[list[str]]:
    """Parses the lines of a sample. Returns the non-empty rows above the first row that can't be parsed."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        rows += (row for row in csv.reader(sample, delimiter=delimiter) if row)
    return rows


def _dialect(sample: Sequence[str]) -> tuple[str, int]:
    """Returns the delimiter that splits most lines into the same number of cells, and that number."""
    candidates = [(delimiter, *_width(sample, delimiter)) for delimiter in _DELIMITERS]
    delimiter, width, _ = max(candidates, key=lambda c: (c[1] > 1) * c[2] * c[1] ** 0.5)
    return delimiter, width


def _width(sample: Sequence[str], delimiter: str) -> tuple[int, float]:
    rows = [len(row) for row in _parsed(sample, delimiter)]
    (width, count), *_ = Counter(rows).most_common(1)
    return width, count / len(rows)


def _header_is_narrower(sample: Sequence[str], delimiter: str, width: int) -> tuple[bool, bool]:
    """Returns whether most rows have one cell too many, and whether trailing delimiters are the reason.

    Trailing delimiters are the reason only if every row below the header ends with one. If only some rows
    have one cell too many, an unquoted delimiter has probably shifted their cells.
    """
    rows = _parsed(sample, delimiter)
    wide = [row for row in rows if len(row) == width]
    before = rows[: rows.index(wide[0])]
    if not before or len(before[-1]) != width - 1 or width < 3 or not all(c.strip() for c in before[-1]):
        return False, False
    trailing = not any(row[-1] for row in wide) and rows[len(before) :] == wide
    return trailing or any(cell.strip()[:1].isdigit() for cell in wide[0]), trailing


def _lines_above_header(sample: Sequence[str], delimiter: str, width: int) -> int:
    """Counts the lines above the header.

    The header is the first row with `width` cells, most of which are not empty.
    """
    reader, above = csv.reader(sample, delimiter=delimiter), 0
    for cells in reader:
        if len(cells) == width and sum(1 for cell in cells if cell.strip()) > width / 2:
            return above
        above = reader.line_num
    return 0


def _records(
    lines: Lines, delimiter: str, width: int, escape: str | None, *, trailing_delimiter: bool
) -> Iterator[_Record]:
    pending = _Pending(lines, escaped=escape is not None)
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
        except (csv.Error, _TooLongError) as error:
            reason = TOO_LARGE if "field larger" in str(error) else _OPEN_QUOTE
            yield _reject_first_line(pending, line, reason)
            continue
        if escape and len(pending.lines) > 1 and (first := _first_line_alone(pending, delimiter, width)):
            yield _Record(line, first)
            continue
        if trailing_delimiter and len(cells) == width + 1 and not cells[width]:
            del cells[width:]
        if len(cells) == width or not any(map(str.strip, cells)):
            yield _Record(line, cells, is_long=sum(map(len, pending.lines)) > LARGEST_CELL)
        elif len(pending.lines) > 1:
            yield _reject_first_line(pending, line, _OPEN_QUOTE)
        elif lines.is_cut(pending.lines[0]):
            yield _reject_first_line(pending, line, TOO_LARGE)
        else:
            yield _reject_first_line(
                pending, line, f"{counted(len(cells), 'cell')}, but the header has {width}"
            )


def _first_line_alone(pending: _Pending, delimiter: str, width: int) -> list[str] | None:
    """If the first pending line alone is a record, returns its cells, and pushes the other lines back.

    Otherwise, returns None. In "C:\\dir\\", the last backslash is part of the cell, and the quote after it
    closes the cell. But the CSV reader takes the backslash for an escape, and reads the next line as well.
    """
    first, *rest = pending.lines
    literal = _CLOSING.sub(r'\\\\"', _ALONE.sub(r"\\\\", first))
    try:
        (cells,) = csv.reader([literal], delimiter=delimiter, strict=True, escapechar="\\", doublequote=False)
    except (csv.Error, ValueError):
        return None
    if len(cells) != width or not _CLOSING.search(first):
        return None
    pending.source.push(rest)
    return cells


def _reject_first_line(pending: _Pending, line: int, reason: str) -> _Record:
    first, *rest = pending.lines
    pending.source.push(rest)
    return _Record(line, None, first.rstrip("\r\n")[:SHOWN], reason)
