"""Reads rows from JSON: one object per line, or an array of objects, without loading the entire file."""

import json
from collections.abc import Iterator
from typing import TextIO

import orjson

from app.importing.files.rows import Cell, Row, SourceError, Unreadable

_NO_OBJECT = "not a JSON object"


def lines(text: TextIO) -> Iterator[Row | Unreadable]:
    """Yields a row for each line of NDJSON. Skips blank lines."""
    number = 0
    for line_number, line in enumerate(text, 1):
        if line.isspace():
            continue
        number += 1
        try:
            values = _loads(line)
        except ValueError as error:
            yield Unreadable(number, line_number, line.rstrip("\r\n"), f"not JSON: {error}")
            continue
        if isinstance(values, dict):
            yield Row(number, line_number, values)
        else:
            yield Unreadable(number, line_number, line.rstrip("\r\n"), _NO_OBJECT)


def array(text: TextIO) -> Iterator[Row | Unreadable]:
    """Yields a row for each object in a JSON array, which can be on one line or on many."""
    for number, item in enumerate(_items(_Window(text)), 1):
        if isinstance(item, dict):
            yield Row(number, None, item)
        else:
            yield Unreadable(number, None, json.dumps(item, ensure_ascii=False), _NO_OBJECT)


def _loads(line: str) -> Cell:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        # json accepts NaN, which some programs write, and reports errors more precisely than orjson.
        return json.loads(line)


class _Window:
    """A window on a JSON text: the part that has been read but not yet parsed."""

    def __init__(self, text: TextIO) -> None:
        self._source = text
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._position = 0

    def more(self) -> bool:
        """Reads more of the text. Returns False at the end of the text.

        Each read doubles the window, so that a long item is rescanned only a few times.
        """
        unparsed = len(self._text) - self._position
        chunk = self._source.read(max(1 << 16, unparsed))
        self._text, self._position = self._text[self._position :] + chunk, 0
        return bool(chunk)

    def character(self) -> str:
        """Returns the next character that is not white space, without consuming it; "" at the end."""
        while True:
            character = self._text[self._position : self._position + 1]
            if not character and not self.more():
                return ""
            if character and not character.isspace():
                return character
            self._position += len(character)

    def skip(self) -> None:
        self._position += 1

    def item(self) -> Cell:
        while True:
            try:
                value, end = self._decode(self._text, self._position)
            except json.JSONDecodeError as error:
                if not self.more():
                    raise SourceError(f"the JSON array is incomplete: {error.msg}") from None
                continue
            if end == len(self._text) and self.more():
                continue  # more digits of the number may follow in the next chunk
            self._position = end
            return value


def _items(window: _Window) -> Iterator[Cell]:
    window.character()
    window.skip()  # the opening bracket
    while (character := window.character()) != "]":
        if not character:
            raise SourceError("the JSON array is incomplete: the closing bracket is missing")
        if character == ",":
            window.skip()
            continue
        yield window.item()
