"""Opens an import file, detects its kind, encoding and format, and reads it row by row."""

import codecs
import hashlib
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal, cast

from app.importing.files import delimited, json_rows, workbook
from app.importing.files.encodings import Encoding, detect, normalised, stray_bytes
from app.importing.files.kinds import opened
from app.importing.files.rows import Cell, Part, Row, SourceError, Unreadable
from app.importing.files.table import Table

Format = Literal["delimited", "ndjson", "array", "objects", "workbook"]

_SAMPLE = 1 << 18  # bytes inspected to detect the format
_SAMPLE_ROWS = 2_000
_SAMPLE_CELLS = 4 << 20  # the sample stops growing when it has this many characters

#: The exceptions that reading a damaged file can raise.
_DAMAGE = (SourceError, EOFError, OSError, zlib.error, SyntaxError, ValueError)


@dataclass
class Source:
    """A file that is open for reading. Call `rows` only once, and `close` at the end."""

    name: str
    format: Format
    encoding: Encoding
    part: str  # the part of the file that has the rows, such as a sheet; "" for the whole file
    columns: Sequence[str]  # the names in the header, or the keys in the first JSON rows
    header: Sequence[str]  # the cells of a table's header, or of its first row if it has no header
    sample: Sequence[dict[str, Cell]]  # the values of the first rows
    skipped: Sequence[str]  # the lines above the header
    size: int | None  # size of the file on disk, in bytes; None for standard input
    is_headless: bool  # whether the table was guessed to have no header
    _file: BinaryIO
    _text: io.TextIOWrapper | None  # kept because it would close the file if it were garbage-collected
    _rows: Iterator[Part]
    _ahead: list[Part] = field(default_factory=list)
    _damage: Exception | None = None  # why the file can't be read beyond the first rows

    def rows(self) -> Iterator[Part]:
        """Yields all data rows in order. Raises SourceError if the rest of the file can't be read."""
        yield from self._ahead
        try:
            if self._damage:
                raise self._damage
            yield from self._rows
        except _DAMAGE as error:
            raise SourceError(f"{self.name} can't be read to the end: {error}") from None

    def look_ahead(self) -> None:
        """Reads the first rows into the sample. `rows` will still yield them.

        Raises SourceError if the file has no rows, or if it is JSON and none of the first rows can be read.
        """
        size = 0
        try:
            for part in islice(self._rows, _SAMPLE_ROWS):
                self._ahead.append(part)
                if isinstance(part, Row):
                    size += sum(len(value) for value in part.values.values() if isinstance(value, str))
                if size > _SAMPLE_CELLS:
                    break
        except _DAMAGE as error:
            if not self._ahead:
                raise SourceError(str(error)) from None
            self._damage = error
        if not self._ahead:
            raise SourceError("the file has no rows")
        self.sample = [part.values for part in self._ahead if isinstance(part, Row)]
        if not self.columns:
            self.columns = list(dict.fromkeys(key for values in self.sample for key in values))
            first = self._ahead[0]
            if not self.columns and isinstance(first, Unreadable):
                raise SourceError(f"no row can be read; the first one: {first.reason} ({first.text[:60]})")

    def position(self) -> int | None:
        """Returns how many bytes of the file on disk have been read, or None for standard input."""
        return self._file.tell() if self.size else None

    def digest(self) -> str | None:
        """Returns a digest of the file's size, beginning and end, or None for standard input."""
        if self.size is None:
            return None
        with Path(self.name).open("rb") as file:
            ends = file.read(_SAMPLE)
            file.seek(max(0, self.size - _SAMPLE))
            ends += file.read(_SAMPLE)
        return hashlib.sha256(b"%d " % self.size + ends).hexdigest()

    def close(self) -> None:
        if self._text:
            self._text.close()
        self._file.close()


def open_source(
    name: str, *, encoding: str | None = None, rows: str | None = None, header: bool | None = None
) -> Source:
    """Opens the file at a path, or standard input if the name is `-`.

    encoding: the file's encoding, or None to detect it. rows: the path to the list of rows within a JSON
    object, such as "data.courses", or None to look for it. header: whether a table has a header, or None to
    guess. Raises SourceError if the file can't be opened or has no rows.
    """
    file, size = _open(name)
    try:
        binary, kind = opened(name, file)
        if kind == "workbook":
            table, sheet = workbook.open_workbook(name, binary)
            return _ready(name, "workbook", Encoding("utf-8"), sheet, table, size, file, None)
        known = _encoding(name, binary, encoding)
        binary = _again(name, file, binary)
        text = io.TextIOWrapper(binary, encoding=known.name, errors="lectern_cp1252", newline="")
        sample = cast("io.BufferedReader", binary).peek(_SAMPLE)[:_SAMPLE].decode(known.name, "replace")
        return _identify(
            name, text, sample.lstrip("\ufeff \t\r\n"), known, file, size, rows=rows, header=header
        )
    except (EOFError, OSError, LookupError, zlib.error) as error:
        file.close()
        raise SourceError(f"{name} can't be read: {error}") from None
    except SourceError as error:
        file.close()
        prefix = "" if str(error).startswith(name) else f"{name}: "
        raise SourceError(f"{prefix}{error}") from None


def _open(name: str) -> tuple[BinaryIO, int | None]:
    if name == "-":
        return sys.stdin.buffer, None
    path = Path(name)
    try:
        return path.open("rb"), path.stat().st_size
    except OSError as error:
        raise SourceError(f"{name}: {error.strerror}") from None


def _encoding(name: str, binary: BinaryIO, given: str | None) -> Encoding:
    """Returns the encoding of a file: `given`, or the detected encoding if `given` is None.

    This can read a whole file, but reads only the beginning of standard input.
    """
    whole: BinaryIO = binary
    if name == "-":
        whole = io.BytesIO(cast("io.BufferedReader", binary).peek(_SAMPLE)[:_SAMPLE])
    if given is None:
        return detect(whole)
    stray, line = stray_bytes(whole, normalised(given))
    return Encoding(normalised(given), None, stray, line)


def _again(name: str, file: BinaryIO, binary: BinaryIO) -> BinaryIO:
    """Rewinds a file that was read to detect its encoding. Returns standard input unchanged."""
    if name == "-":
        return binary
    file.seek(0)
    return opened(name, file)[0]


def _identify(
    name: str,
    text: io.TextIOWrapper,
    sample: str,
    encoding: Encoding,
    file: BinaryIO,
    size: int | None,
    *,
    rows: str | None,
    header: bool | None,
) -> Source:
    if sample[:1] in ("[", "{"):
        kind, path, found = _json_rows(text, sample, rows)
        part = f"list “{path}”" if path else ""
        return _ready(name, kind, encoding, part, Table([], [], [], found), size, file, text)
    if rows:
        raise SourceError(f"can't read the list “{rows}”: the file is not JSON")
    table = delimited.open_table(text, header=header)
    return _ready(name, "delimited", encoding, "", table, size, file, text)


def _json_rows(text: io.TextIOWrapper, sample: str, path: str | None) -> tuple[Format, str, Iterator[Part]]:
    """Returns the format of a JSON file, the path to its list of rows ("" at the top level), and the rows."""
    if path:
        return "objects", path, json_rows.within(text, path.split("."))
    if sample[:1] == "[":
        return "array", "", json_rows.array(text)
    if json_rows.is_lines(sample):
        return "ndjson", "", json_rows.lines(text)
    paths = json_rows.arrays_within(sample)
    if len(paths) > 1:
        listed = " and ".join(f"“{path}”" for path in paths[:10])
        raise SourceError(
            f'there are several lists: {listed}; choose one with --rows, or rows = "{paths[0]}" in a mapping'
        )
    if paths:
        return "objects", paths[0], json_rows.within(text, paths[0].split("."))
    return "objects", "", json_rows.objects(text)


def _ready(
    name: str,
    kind: Format,
    encoding: Encoding,
    part: str,
    table: Table,
    size: int | None,
    file: BinaryIO,
    text: io.TextIOWrapper | None,
) -> Source:
    source = Source(
        name,
        kind,
        encoding,
        part,
        table.columns,
        table.header,
        [],
        table.skipped,
        size,
        table.is_headless,
        file,
        text,
        table.rows,
    )
    source.look_ahead()
    return source


def _stray_byte(error: UnicodeError) -> tuple[str, int]:
    """Decodes a byte as cp1252 if it is invalid in the file's encoding.

    An example is a cp1252 quotation mark that was pasted into a UTF-8 file.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("lectern_cp1252", _stray_byte)
