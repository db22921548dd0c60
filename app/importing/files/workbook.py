"""Reads the rows of an Excel workbook from the first sheet that has rows."""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import BinaryIO

from openpyxl import load_workbook
from openpyxl.cell.read_only import EmptyCell, ReadOnlyCell
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from app.importing.files.number_formats import as_shown
from app.importing.files.rows import SHOWN, Cell, Part, Row, SourceError, Unreadable, too_large
from app.importing.files.table import Table, column_names, header_index
from app.importing.plurals import counted

_MOST_BYTES = 400 << 20  # maximum total size of the unpacked parts, in bytes
_MOST_SHARED = 48 << 20  # maximum size of the shared strings, in bytes; they are held in memory
#: A part of more than _LARGE bytes that was compressed by a factor of more than _MOST_RATIO is taken for a
#: ZIP bomb.
_LARGE, _MOST_RATIO = 16 << 20, 100
_HEAD_ROWS = 200
_BUILT_IN = frozenset(BUILTIN_FORMATS.values())

#: The exceptions that reading a damaged workbook can raise.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, KeyError, IndexError, ValueError, OSError, EOFError, SyntaxError,
    TypeError, AttributeError,
)  # fmt: skip

_Cells = tuple[Cell, ...]


def open_workbook(name: str, file: BinaryIO) -> tuple[Table, str]:
    """Opens the first sheet that has rows.

    Returns its table, and a description of the sheet, such as "sheet “Courses” of 3". Raises SourceError if
    the workbook is damaged, empty or too large.
    """
    _check_size(name, file)
    try:
        book = load_workbook(file, read_only=True, data_only=True)
    except _DAMAGED as error:
        raise SourceError(f"{name} is an Excel workbook that can't be read: {error}") from None
    sheets = [sheet for sheet in book.worksheets if isinstance(sheet, ReadOnlyWorksheet)]
    for sheet in sheets:
        sheet.reset_dimensions()
        rows = _readable(_numbered_rows(sheet))
        try:
            head = list(islice(rows, _HEAD_ROWS))
        except ValueError as error:
            raise SourceError(f"{name} is an Excel workbook that can't be read: {error}") from None
        if head:
            place = f" of {len(sheets)}" if len(sheets) > 1 else ""
            return _table(head, rows), f"sheet “{sheet.title}”{place}"
    raise SourceError(f"{name} has no rows")


def _table(head: Sequence[tuple[int, _Cells]], rest: Iterator[tuple[int, _Cells]]) -> Table:
    width = max(len(cells) for _, cells in head)
    index = header_index([[_text(cell) for cell in cells] for _, cells in head], width)
    names = column_names([_text(cell) for cell in head[index][1]])
    skipped = [" ".join(filter(None, map(_text, cells))) for _, cells in head[:index]]
    return Table(names, skipped, [_text(c) for c in head[index][1]], _rows(names, [*head[index + 1 :]], rest))


def _rows(
    names: Sequence[str], head: Sequence[tuple[int, _Cells]], rest: Iterator[tuple[int, _Cells]]
) -> Iterator[Part]:
    number = 0
    for source in (iter(head), rest):
        for line, cells in source:
            number += 1
            if len(cells) > len(names):
                text = ", ".join(_text(cell) for cell in cells[:100])
                reason = f"{counted(len(cells), 'cell')}, but the header has {len(names)}"
                yield Unreadable(number, line, text, reason)
            else:
                padded = [*cells, *[None] * (len(names) - len(cells))]
                values = dict(zip(names, padded, strict=True))
                if large := too_large(values):
                    yield Unreadable(number, line, ", ".join(map(_text, cells[:100]))[:SHOWN], large)
                else:
                    yield Row(number, line, values)


def _readable(rows: Iterator[tuple[int, _Cells]]) -> Iterator[tuple[int, _Cells]]:
    """Yields the rows. Raises ValueError if the sheet is damaged."""
    try:
        yield from rows
    except _DAMAGED as error:
        raise ValueError(str(error)) from None


def _numbered_rows(sheet: ReadOnlyWorksheet) -> Iterator[tuple[int, _Cells]]:
    """Yields the number and the cells of each row that has values, without empty cells at the row's end."""
    for number, cells in enumerate(sheet.iter_rows(), 1):
        end = len(cells)
        while end and cells[end - 1].value in (None, ""):
            end -= 1
        if end:
            yield number, tuple(_with_format(cell) for cell in cells[:end])


def _with_format(cell: ReadOnlyCell | EmptyCell) -> Cell:
    """Returns the value of a cell. If only its format names a currency or a unit, the value becomes text."""
    value = cell.value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and isinstance(cell, ReadOnlyCell) and cell.has_style:
        # A built-in format shows the currency of whoever opens the workbook.
        own = cell.number_format
        if own not in _BUILT_IN and (shown := as_shown(value, own)) is not None:
            return shown
    return _plain(value)


def _plain(cell: object) -> Cell:
    """Converts a cell to a value that JSON can represent: dates and times become text."""
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if cell.time() != time() else cell.date().isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return f"{cell.total_seconds() / 3600:g} hours"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1 << 53:
        return int(cell)
    return cell


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _check_size(name: str, file: BinaryIO) -> None:
    """Raises SourceError if the workbook would take up too much memory when unpacked."""
    try:
        parts = zipfile.ZipFile(file).infolist()
    except zipfile.BadZipFile as error:
        raise SourceError(f"{name} is an Excel workbook that can't be read: {error}") from None
    shared = sum(part.file_size for part in parts if part.filename.endswith("sharedStrings.xml"))
    packed = [
        p for p in parts if p.file_size > _LARGE and p.file_size > _MOST_RATIO * max(1, p.compress_size)
    ]
    if packed or shared > _MOST_SHARED or sum(part.file_size for part in parts) > _MOST_BYTES:
        raise SourceError(f"{name} is an Excel workbook that is too large to read; save it as CSV")
    file.seek(0)
