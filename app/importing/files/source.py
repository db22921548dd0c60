"""An import file, which is decompressed, decoded and read row by row.

The encoding and the format are detected from the first bytes.
"""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal, cast

from charset_normalizer import from_bytes

from app.importing.files import delimited, json_rows
from app.importing.files.rows import Cell, Row, SourceError, Unreadable

Format = Literal["delimited", "ndjson", "array"]

_SAMPLE = 1 << 18  # number of bytes inspected to detect the encoding and the format
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # must precede UTF-16-LE, whose byte order mark is a prefix of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN = {"latin_1", "cp1250", "cp1254", "cp1257", "iso8859_9", "iso8859_15", "mac_roman", "ascii", "cp437"}


@dataclass
class Source:
    """A file open for reading. `rows` can be iterated only once. Call `close` at the end."""

    name: str
    format: Format
    encoding: str
    columns: Sequence[str]  # the names in the header, or the keys in the first JSON rows
    sample: Sequence[dict[str, Cell]]  # the values of the first rows
    skipped: Sequence[str]  # the lines above the header
    size: int | None  # size of the file on disk, in bytes; None for standard input
    _file: BinaryIO
    _text: io.TextIOWrapper  # kept alive, because a TextIOWrapper closes its file when garbage-collected
    _rows: Iterator[Row | Unreadable]
    _ahead: list[Row | Unreadable] = field(default_factory=list)

    def rows(self) -> Iterator[Row | Unreadable]:
        """Yields all data rows in order. Raises SourceError if the rest of the file can't be read."""
        try:
            yield from self._ahead
            yield from self._rows
        except (EOFError, OSError, zlib.error) as error:
            raise SourceError(f"{self.name} can't be read to the end: {error}") from None

    def look_ahead(self, count: int = 200) -> None:
        """Reads the first rows into the sample. `rows` will still yield them.

        Raises SourceError if the file has no rows.
        """
        self._ahead += islice(self._rows, count)
        if not self._ahead:
            raise SourceError("the file has no rows")
        self.sample = [row.values for row in self._ahead if isinstance(row, Row)]
        if not self.columns:
            self.columns = list(dict.fromkeys(key for values in self.sample for key in values))

    def position(self) -> int | None:
        """Returns the number of bytes read from the file, before decompression; None if unknown."""
        return self._file.tell() if self.size else None

    def close(self) -> None:
        self._text.close()
        self._file.close()


def open_source(name: str, *, encoding: str | None = None) -> Source:
    """Opens the file at a path, or standard input if the name is `-`.

    If no `encoding` is given, it is detected. Raises SourceError if the file can't be opened or has no rows.
    """
    file, size = _open(name)
    try:
        binary = _decompressed(file)
        sample = binary.peek(_SAMPLE)
        encoding = encoding or _detect_encoding(sample)
        text = io.TextIOWrapper(binary, encoding=encoding, errors="lectern_cp1252", newline="")
        first = sample.decode(encoding, "replace").lstrip("\ufeff \t\r\n")[:1]
        return _identify(name, text, first, encoding, file, size)
    except (EOFError, OSError, LookupError, zlib.error) as error:
        file.close()
        raise SourceError(f"{name} can't be read: {error}") from None
    except SourceError as error:
        file.close()
        raise SourceError(f"{name}: {error}") from None


def _open(name: str) -> tuple[BinaryIO, int | None]:
    if name == "-":
        return sys.stdin.buffer, None
    path = Path(name)
    try:
        return path.open("rb"), path.stat().st_size
    except OSError as error:
        raise SourceError(f"{name}: {error.strerror}") from None


def _decompressed(file: BinaryIO) -> io.BufferedReader:
    head = cast("io.BufferedReader", file).peek(2)[:2]
    raw = gzip.GzipFile(fileobj=file) if head == b"\x1f\x8b" else file
    return io.BufferedReader(cast("io.RawIOBase", raw), buffer_size=_SAMPLE)


def _detect_encoding(sample: bytes) -> str:
    for mark, encoding in _BOMS:
        if sample.startswith(mark):
            return encoding
    if sample[1::2].count(0) > len(sample) / 4:
        return "utf-16-le"
    if sample[::2].count(0) > len(sample) / 4:
        return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return _detect_legacy_encoding(sample)
    return "utf-8"


def _detect_legacy_encoding(sample: bytes) -> str:
    """Detects an encoding that predates Unicode, or UTF-8 with some stray bytes.

    The encodings in _WESTERN are read as cp1252, which is by far the most common of them. So is text with few
    bytes above 127, because text in most other legacy encodings has many of them.
    """
    text = sample.decode("utf-8", "replace")
    stray, high = text.count("\ufffd"), sum(1 for byte in sample if byte > 127)
    if sum(1 for character in text if character > "\x7f") > 2 * stray:
        return "utf-8"
    if high < len(sample) / 20:
        return "cp1252"
    best = from_bytes(sample).best()
    return "cp1252" if best is None or best.encoding in _WESTERN else best.encoding


def _stray_byte(error: UnicodeError) -> tuple[str, int]:
    """Decodes a byte as cp1252 if it is invalid in the file's encoding.

    An example is a cp1252 quotation mark that was pasted into a UTF-8 file.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("lectern_cp1252", _stray_byte)


def _identify(
    name: str, text: io.TextIOWrapper, first: str, encoding: str, file: BinaryIO, size: int | None
) -> Source:
    skipped: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Iterator[Row | Unreadable]
    kind: Format
    if first == "[":
        kind, rows = "array", json_rows.array(text)
    elif first == "{":
        kind, rows = "ndjson", json_rows.lines(text)
    else:
        table = delimited.open_table(text)
        kind, columns, skipped, rows = "delimited", table.columns, table.skipped, table.rows()
    source = Source(name, kind, encoding, columns, [], skipped, size, file, text, rows)
    source.look_ahead()
    return source
