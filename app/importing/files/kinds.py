"""Recognises the kind of a file by its first bytes, and opens compressed files and Excel workbooks."""

import gzip
import io
import zipfile
from typing import BinaryIO, Literal, NoReturn, cast

from app.importing.files.rows import SourceError

Kind = Literal["text", "workbook"]

_HEAD = 1 << 10
_MOST_IN_ZIP = 2 << 30  # maximum size of the unpacked file, in bytes
_WORKBOOK = "xl/workbook.xml"
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"
_CSV = "save it as CSV or as .xlsx"
_UNPACK = "unpack it, and import the file within"
#: For each kind of file that can't be read, by its first bytes: a description, and advice for the user.
_OTHERS = {
    b"PK\x05\x06": ("an empty ZIP archive", "there is nothing to import"),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an old Excel workbook or another old Office file", _CSV),
    b"\xfd7zXZ\x00": ("compressed with xz", _UNPACK),
    b"BZh": ("compressed with bzip2", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("compressed with Zstandard", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": ("a 7-Zip archive", _UNPACK),
    b"Rar!": ("a RAR archive", _UNPACK),
    b"%PDF": ("a PDF document", "import the table it was made from"),
    b"PAR1": ("a Parquet file", "convert it to CSV or NDJSON"),
    b"SQLite format 3\x00": ("an SQLite database", "export its tables as CSV"),
    b"\x89PNG": ("an image", "import a table"),
    b"\xff\xd8\xff": ("an image", "import a table"),
    b"GIF8": ("an image", "import a table"),
    b"\x7fELF": ("a program", "import a table"),
    b"{\\rtf": ("an RTF document", "save its table as CSV"),
}
_MARKUP = {
    b"<!doctype html": "an HTML page",
    b"<html": "an HTML page",
    b"<?xml": "an XML file",
}


def opened(name: str, file: BinaryIO) -> tuple[BinaryIO, Kind]:
    """Returns a file, unpacked if necessary, and whether it is text or an Excel workbook.

    Raises SourceError if the file is of another kind. The message names the kind, and says what to do.
    """
    head = _peek(file)
    if head.startswith(_GZIP):
        unpacked = gzip.GzipFile(fileobj=file)
        file = io.BufferedReader(cast("io.RawIOBase", unpacked), buffer_size=1 << 18)
        head = _peek(file)
    if head.startswith(_ZIP):
        return _in_zip(name, file)
    _refuse_others(name, head)
    return file, "text"


def _refuse_others(name: str, head: bytes) -> None:
    """Raises SourceError if a file's first bytes show that it isn't text."""
    for start, (what, advice) in _OTHERS.items():
        if head.startswith(start):
            _refuse(name, what, advice)
    if head[257:262] == b"ustar":
        _refuse(name, "a tar archive", _UNPACK)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:15].lower()
    for start, what in _MARKUP.items():
        if text.startswith(start):
            _refuse(name, what, "import a table, such as CSV or JSON")


def _in_zip(name: str, file: BinaryIO) -> tuple[BinaryIO, Kind]:
    """Opens an Excel workbook, or the only file in a ZIP archive."""
    if not file.seekable():
        _refuse(name, "a ZIP archive or an Excel workbook", "import it from a file, not from standard input")
    try:
        archive = zipfile.ZipFile(file)
        members = [member for member in archive.infolist() if _is_table(member)]
        names = archive.namelist()
        if _WORKBOOK in names:
            file.seek(0)
            return file, "workbook"
        if "mimetype" in names:
            _refuse(name, "an OpenDocument file", _CSV)
        if len(members) != 1:
            listed = ", ".join(member.filename for member in members[:10]) or "nothing to import"
            _refuse(name, f"a ZIP archive with {listed}", "unpack it, and import the files one by one")
        (member,) = members
        if member.flag_bits & 1:
            _refuse(name, "an encrypted ZIP archive", _UNPACK)
        if member.file_size > _MOST_IN_ZIP:
            _refuse(name, f"a ZIP archive with {member.file_size:,} bytes of {member.filename}", _UNPACK)
        return _member(
            f"{name}: {member.filename}", io.BufferedReader(cast("io.RawIOBase", archive.open(member)))
        )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise SourceError(f"{name} is a ZIP archive that can't be read: {error}") from None


def _member(name: str, file: BinaryIO) -> tuple[BinaryIO, Kind]:
    head = _peek(file)
    if head.startswith((_ZIP, _GZIP)):
        _refuse(name, "packed twice", _UNPACK)
    _refuse_others(name, head)
    return file, "text"


def _is_table(member: zipfile.ZipInfo) -> bool:
    hidden = member.filename.startswith("__MACOSX/") or member.filename.rpartition("/")[2].startswith(".")
    return not member.is_dir() and not hidden


def _peek(file: BinaryIO) -> bytes:
    return cast("io.BufferedReader", file).peek(_HEAD)[:_HEAD]


def _refuse(name: str, what: str, advice: str) -> NoReturn:
    raise SourceError(f"{name} is {what}; {advice}")
