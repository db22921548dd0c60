"""CSV and its relatives: delimiter, header and rows, whatever stands around them.

A quote that is opened and never closed swallows the rows below it. Where a record turns out not to be one,
only its first line is given up, and the lines below it are read again.
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
_MOST_LINES = 1_000  # of one record; a longer one is an open quote
_MOST_CHARACTERS = 1 << 20  # of one field
_ESCAPED = re.compile(r'\\"(?!\s*(?:[,;\t|]|$))', re.MULTILINE)  # a quote that a backslash takes for text
_OPEN_QUOTE = "a quote is opened and not closed where the field ends"


class _TooLongError(Exception):
    """A record goes on for too many lines."""


@dataclass
class Table:
    """A delimited text whose header has been read."""

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
    """The lines that the record which is being read has taken so far."""

    def __init__(self, lines: Lines) -> None:
        self.source = lines
        self.lines: list[str] = []

    def __next__(self) -> str:
        if len(self.lines) == _MOST_LINES:
            raise _TooLongError
        line = next(self.source)
        self.lines.append(line)
        return line


def open_table(text: TextIO) -> Table:
    """Find the delimiter and the header, and read up to it. Raises SourceError when there is no row."""
    csv.field_size_limit(_MOST_CHARACTERS)
    lines = Lines(text)
    sample = lines.head(200)
    if not any(line.strip() for line in sample):
        raise SourceError("the file is empty")
    escape = bool(_ESCAPED.search("".join(sample))) and '""' not in "".join(sample)
    delimiter, width = _dialect(sample)
    narrow, ended = _narrow(sample, delimiter, width)
    skipped = [next(lines).strip() for _ in range(_above(sample, delimiter, width - narrow))]
    header = next(csv.reader(lines, delimiter=delimiter))
    records = _records(lines, delimiter, len(header), "\\" if escape else None, ended=ended)
    return Table(_names(header), skipped, delimiter, records)


def _dialect(sample: Sequence[str]) -> tuple[str, int]:
    """The delimiter by which most of the lines have one same number of cells, and that number."""
    candidates = [(delimiter, *_width(sample, delimiter)) for delimiter in _DELIMITERS]
    delimiter, width, _ = max(candidates, key=lambda c: (c[1] > 1) * c[2] * c[1] ** 0.5)
    return delimiter, width


def _width(sample: Sequence[str], delimiter: str) -> tuple[int, float]:
    rows = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
    (width, count), *_ = Counter(rows).most_common(1)
    return width, count / len(rows)


def _narrow(sample: Sequence[str], delimiter: str, width: int) -> tuple[bool, bool]:
    """Whether the header has a cell less than most rows; and whether that is because a delimiter ends each
    row. In one row of many, an empty cell too many is more likely the last one of a row that an unquoted
    delimiter has shifted.
    """
    rows = [row for row in csv.reader(sample, delimiter=delimiter) if row]
    wide = [row for row in rows if len(row) == width]
    before = rows[: rows.index(wide[0])]
    if not before or len(before[-1]) != width - 1 or width < 3 or not all(c.strip() for c in before[-1]):
        return False, False
    ended = not any(row[-1] for row in wide) and rows[len(before) :] == wide
    return ended or any(cell.strip()[:1].isdigit() for cell in wide[0]), ended


def _above(sample: Sequence[str], delimiter: str, width: int) -> int:
    """How many lines stand above the header: titles and the like, which don't fill most of its cells."""
    reader, above = csv.reader(sample, delimiter=delimiter), 0
    for cells in reader:
        if len(cells) == width and sum(1 for cell in cells if cell.strip()) > width / 2:
            return above
        above = reader.line_num
    return 0


def _names(header: Sequence[str]) -> list[str]:
    """Trimmed; what has no name is called by its place, and a name that repeats gets a number."""
    names: list[str] = []
    for place, cell in enumerate(header, 1):
        name = cell.replace("\ufeff", "").replace("\xa0", " ").strip() or f"column {place}"
        names.append(f"{name} {place}" if name in names else name)
    return names


def _records(
    lines: Lines, delimiter: str, width: int, escape: str | None, *, ended: bool
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
            yield _given_up(pending, line, _OPEN_QUOTE)
            continue
        if ended and len(cells) == width + 1 and not cells[width]:
            del cells[width:]
        if len(cells) == width or not cells:
            yield _Record(line, cells)
        elif len(pending.lines) > 1:
            yield _given_up(pending, line, _OPEN_QUOTE)
        else:
            yield _given_up(pending, line, f"{len(cells)} cells, the header has {width}")


def _given_up(pending: _Pending, line: int, reason: str) -> _Record:
    first, *rest = pending.lines
    pending.source.push(rest)
    return _Record(line, None, first.rstrip("\r\n"), reason)
