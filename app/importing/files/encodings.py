"""Detects the encoding of a file, reading all of it if necessary.

UTF-8 is recognised by its byte patterns. For other encodings, chardet is given lines with non-ASCII letters
from the whole file, because the beginning of a mostly English file may have none.
"""

import codecs
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, NamedTuple

import chardet

_CHUNK = 1 << 18
_EVIDENCE = 100_000  # maximum size of the sample given to chardet, in bytes
_ENOUGH = 20  # detection is usually right with at least this many non-ASCII lines
#: Detection also needs this many distinct non-ASCII words, because a few repeated titles prove little.
_ENOUGH_WORDS = 4
_WORD_BEYOND_ASCII = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # must precede UTF-16-LE, whose byte order mark is a prefix of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: The legacy encodings that are recognised, by chardet's names.
_LEGACY = [
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "iso-8859-2",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-9",
    "iso-8859-13",
    "iso-8859-15",
    "koi8-r",
    "koi8-u",
    "mac-roman",
    "cp437",
    "cp850",
    "cp852",
    "cp866",
    "cp932",
    "euc-jp",
    "gb18030",
    "big5",
    "cp949",
    "tis-620",
]
_FALLBACK = "windows-1252"
_JAPANESE_ESCAPE = b"\x1b$"  # starts a run of Japanese letters in ISO-2022-JP, which uses only ASCII bytes


class Encoding(NamedTuple):
    """The encoding of a file, by Python's name for it.

    uncertain: how little text the encoding was guessed from, such as "3 lines", or None if there was enough.
    stray: the number of bytes in the file that are invalid in this encoding. line: the number of the first
    line with such a byte.
    """

    name: str
    uncertain: str | None = None
    stray: int = 0
    line: int | None = None


def detect(file: BinaryIO) -> Encoding:
    """Detects the encoding of a file, reading it to the end if its beginning doesn't show the encoding."""
    head = file.read(_CHUNK)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return Encoding(name)
    if wide := _without_mark(head):
        return Encoding(wide)
    evidence = _Evidence()
    for chunk in _chunks(head, file):
        evidence.add(chunk)
    return evidence.encoding()


def stray_bytes(file: BinaryIO, name: str) -> tuple[int, int | None]:
    """Counts the bytes of a file that are invalid in an encoding.

    Returns the count, and the number of the first line with such a byte (None if all bytes are valid).
    """
    decoder = codecs.getincrementaldecoder(name)("replace")
    stray, first, line = 0, None, 1
    while chunk := file.read(_CHUNK):
        text = decoder.decode(chunk)
        if (number := text.count("\ufffd")) and first is None:
            first = line + text.count("\n", 0, text.index("\ufffd"))
        stray += number
        line += text.count("\n")
    return stray, first


class _Evidence:
    """What the bytes of a file say about its encoding."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._letters = self._stray = self._lines = 0
        self._line = 1
        self._first_stray: int | None = None
        self._sample: list[bytes] = []
        self._words: set[bytes] = set()  # distinct non-ASCII words, collected until there are enough
        self._size, self._tail, self._is_japanese = 0, b"", False

    def add(self, chunk: bytes) -> None:
        if chunk.isascii() and self._tail.isascii():
            self._is_japanese |= _JAPANESE_ESCAPE in chunk
            self._line += chunk.count(b"\n")
            self._tail = chunk[-1024:].rpartition(b"\n")[2]
            self._count(self._decoder.decode(chunk))
            return
        self._count(self._decoder.decode(chunk))
        *lines, self._tail = (self._tail + chunk).split(b"\n")
        self._tail = self._tail[:_EVIDENCE]
        for line in lines:
            self._add_line(line)
        self._line += len(lines)

    def encoding(self) -> Encoding:
        self._count(self._decoder.decode(b"", final=True))
        self._add_line(self._tail)
        if self._is_japanese and not self._lines:
            return Encoding("iso2022_jp")
        if self._letters > 2 * self._stray or not self._stray:
            return Encoding("utf-8", None, self._stray, self._first_stray)
        sample = b"\n".join(self._sample)
        name = _FALLBACK if _has_only_signs(sample) else _likeliest(sample)
        if self._lines < _ENOUGH:
            uncertain: str | None = f"{self._lines} line{'s' * (self._lines != 1)}"
        elif len(self._words) < _ENOUGH_WORDS and not _has_only_signs(sample):
            uncertain = f"{len(self._words)} different word{'s' * (len(self._words) != 1)}"
        else:
            uncertain = None
        return Encoding(codecs.lookup(name).name, uncertain)

    def _count(self, text: str) -> None:
        """Counts the non-ASCII characters and the invalid bytes in text that was decoded as UTF-8."""
        if text.isascii():
            return
        stray = text.count("\ufffd")
        if stray and self._first_stray is None:
            self._first_stray = self._line + text.count("\n", 0, text.index("\ufffd"))
        self._stray += stray
        self._letters += len(text) - len(text.encode("ascii", "ignore")) - stray

    def _add_line(self, line: bytes) -> None:
        """Adds a line to the sample, unless the line is all ASCII. If the sample is full, halves it first."""
        if line.isascii():
            return
        self._lines += 1
        if len(self._words) < _ENOUGH_WORDS:
            self._words.update(_WORD_BEYOND_ASCII.findall(line[:_EVIDENCE]))
        if self._size + len(line) > _EVIDENCE:
            self._sample = self._sample[::2]
            self._size = sum(map(len, self._sample))
        if self._size + len(line) <= _EVIDENCE:
            self._sample.append(line)
            self._size += len(line)


def _likeliest(sample: bytes) -> str:
    found = chardet.detect(sample, include_encodings=_LEGACY, no_match_encoding=_FALLBACK)
    return found["encoding"] or _FALLBACK


def _has_only_signs(sample: bytes) -> bool:
    """Returns whether all non-ASCII bytes are symbols, such as € and curly quotes, in the fallback encoding.

    chardet would take such bytes for letters of another encoding, and guess a language from them.
    """
    text = sample.decode(_FALLBACK, "replace")
    return not any(character.isalpha() or character == "\ufffd" for character in text if character > "\x7f")


def _chunks(head: bytes, file: BinaryIO) -> Iterator[bytes]:
    """Yields a file in chunks, up to its end or up to the point where it is damaged."""
    with suppress(EOFError, OSError, zlib.error):
        while head:
            yield head
            head = file.read(_CHUNK)


def _without_mark(head: bytes) -> str | None:
    """Returns which UTF-16 encoding a file without a byte order mark has, or None if it has another encoding.

    UTF-16 is recognised by its zero bytes: in Latin text, every second byte is zero.
    """
    if head[1::2].count(0) > len(head) / 4:
        return "utf-16-le"
    if head[::2].count(0) > len(head) / 4:
        return "utf-16-be"
    return None


def normalised(name: str) -> str:
    """Returns Python's name for an encoding. Raises LookupError if there is no such text encoding."""
    found = codecs.lookup(name)
    if not getattr(found, "_is_text_encoding", True):
        raise LookupError(f"unknown encoding: {name}")
    return found.name
