"""Reads the values of a JSON text one by one, with bounds on their size and depth."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple, TextIO

from app.importing.files.rows import SHOWN, Cell, SourceError

_LARGEST = 8 << 20  # maximum length of a value, in characters
_CHUNK = 1 << 16
_MARK = re.compile(r'["\\{}\[\]]')
_IN_STRING = re.compile(r'["\\]')
_SCALAR = re.compile(r"[^\s,:{}\[\]\"]+")


class Broken(NamedTuple):
    """A value that can't be used: the beginning of its text, and the reason."""

    text: str
    reason: str


class JsonText:
    """A window on a JSON text: the part that has been read but not yet parsed."""

    def __init__(self, text: TextIO) -> None:
        self._source = text
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._position = 0

    def character(self) -> str:
        """Returns the next character that is not white space, or "" at the end, without consuming it."""
        while True:
            character = self._text[self._position : self._position + 1]
            if not character and not self._more():
                return ""
            if character and not (character.isspace() or character == "\ufeff"):
                return character
            self._position += len(character)

    def skip(self) -> None:
        """Skips the next character."""
        self._position += 1

    def value(self) -> Cell | Broken:
        """Returns the next value, or Broken if the value can't be used.

        Raises SourceError if the text ends within the value.
        """
        while True:
            try:
                value, end = self._decode(self._text, self._position)
            except RecursionError:
                return self.skip_value("it is nested too deeply")
            except ValueError as error:
                if self._is_complete():
                    return self.skip_value(_reason(error))
                if len(self._text) - self._position > _LARGEST:
                    return self.skip_value(f"it has more than {_LARGEST:,} characters")
                if not self._more():
                    raise SourceError("the JSON text ends within a value") from None
                continue
            if end == len(self._text) and self._more():
                continue  # more digits of the number may follow in the next chunk
            self._position = end
            return value

    def skip_value(self, reason: str = "") -> Broken:
        """Skips the next value without holding it in memory."""
        scan, shown = _Scan(), ""
        self.character()
        while True:
            end = scan.end(self._text, self._position)
            until = len(self._text) if end is None else end
            shown += self._text[self._position : until][: SHOWN - len(shown)]
            self._position = until
            if end is not None and end < len(self._text):
                return Broken(shown, reason)
            if not self._more():
                if scan.is_over:
                    return Broken(shown, reason)
                raise SourceError("the JSON text ends within a value")

    def elements(self) -> Iterator[Cell | Broken]:
        """Yields the elements of the array that begins here."""
        self.skip()
        while (character := self.character()) != "]":
            if not character:
                raise SourceError("the JSON array is incomplete: the closing bracket is missing")
            if character == ",":
                self.skip()
            elif character in ":}":
                raise SourceError(f"the JSON array has a “{character}” where a comma is expected")
            else:
                yield self.value()
        self.skip()

    def entries(self) -> Iterator[str]:
        """Yields the keys of the object that begins here. The caller must read or skip each value."""
        self.skip()
        while (character := self.character()) != "}":
            if not character:
                raise SourceError("the JSON object is incomplete: the closing brace is missing")
            if character == ",":
                self.skip()
                continue
            key = self.value()
            if not isinstance(key, str) or self.character() != ":":
                raise SourceError("the JSON object has a key that isn't a string or has no value")
            self.skip()
            self.character()
            yield key
        self.skip()

    def _more(self) -> bool:
        """Reads more of the text. Returns False at the end of the text.

        Each read doubles the window, so that a long value is rescanned only a few times.
        """
        unparsed = len(self._text) - self._position
        chunk = self._source.read(max(_CHUNK, unparsed))
        self._text, self._position = self._text[self._position :] + chunk, 0
        return bool(chunk)

    def _is_complete(self) -> bool:
        """Returns whether the next value ends within the window."""
        end = _Scan().end(self._text, self._position)
        return end is not None and end < len(self._text)


class _Scan:
    """Finds the end of a JSON value whose text is given piece by piece."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = self._escaped = self._in_scalar = False
        self.is_over = False  # whether the value is complete if the text ends here

    def end(self, text: str, start: int) -> int | None:
        """Returns the index at which the value ends, or None if it continues after this piece of the text."""
        if self.is_over and not self._in_scalar:
            return start
        if self._in_scalar or (self._is_new() and text[start : start + 1] not in ("", *'"{[')):
            return self._end_of_scalar(text, start)
        position = start
        while position < len(text):
            if self._escaped:
                self._escaped, position = False, position + 1
                continue
            mark = (_IN_STRING if self._in_string else _MARK).search(text, position)
            if mark is None:
                return None
            position = mark.end()
            self._take(mark[0])
            if self._is_new():
                self.is_over = True
                return position
        return None

    def _is_new(self) -> bool:
        return self._depth == 0 and not self._in_string and not self._escaped

    def _end_of_scalar(self, text: str, start: int) -> int:
        self._in_scalar = self.is_over = True
        scalar = _SCALAR.match(text, start)
        return scalar.end() if scalar else start + (start < len(text))

    def _take(self, mark: str) -> None:
        if mark == "\\":
            self._escaped = self._in_string
        elif mark == '"':
            self._in_string = not self._in_string
        else:
            self._depth = max(0, self._depth + (1 if mark in "{[" else -1))


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg}"
    return "it has a number with too many digits"
