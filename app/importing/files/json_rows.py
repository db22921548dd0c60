"""Rows of JSON: an object a line, or one array of objects. Neither is held in memory as a whole."""

import json
from collections.abc import Iterator
from typing import Any, TextIO

import orjson

from app.importing.files.rows import Row, SourceError, Unreadable

_NO_OBJECT = "not a JSON object"


def lines(text: TextIO) -> Iterator[Row | Unreadable]:
    """An object a line (NDJSON). Blank lines are passed over."""
    number = 0
    for place, line in enumerate(text, 1):
        if line.isspace():
            continue
        number += 1
        try:
            values = _loads(line)
        except ValueError as error:
            yield Unreadable(number, place, line.rstrip("\r\n"), f"not JSON: {error}")
            continue
        if isinstance(values, dict):
            yield Row(number, place, values)
        else:
            yield Unreadable(number, place, line.rstrip("\r\n"), _NO_OBJECT)


def array(text: TextIO) -> Iterator[Row | Unreadable]:
    """The objects of one JSON array, which may be on one line or on many."""
    for number, item in enumerate(_items(_Window(text)), 1):
        if isinstance(item, dict):
            yield Row(number, None, item)
        else:
            yield Unreadable(number, None, json.dumps(item, ensure_ascii=False), _NO_OBJECT)


def _loads(line: str) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line)  # takes NaN, which other programs write, and tells the place better


class _Window:
    """The part of a JSON text that has been read and not yet been used."""

    def __init__(self, text: TextIO) -> None:
        self._source = text
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0

    def more(self) -> bool:
        """Read as much again as is there, so that a long item is scanned few times."""
        kept = len(self._text) - self._at
        chunk = self._source.read(max(1 << 16, kept))
        self._text, self._at = self._text[self._at :] + chunk, 0
        return bool(chunk)

    def character(self) -> str:
        """The next character that is not white space; "" at the end."""
        while True:
            rest = self._text[self._at : self._at + 1]
            if not rest and not self.more():
                return ""
            if rest and not rest.isspace():
                return rest
            self._at += len(rest)

    def skip(self) -> None:
        self._at += 1

    def item(self) -> Any:
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self.more():
                    raise SourceError(f"the JSON array breaks off: {error.msg}") from None
                continue
            if end == len(self._text) and self.more():
                continue  # a number may go on
            self._at = end
            return value


def _items(text: _Window) -> Iterator[Any]:
    text.character()
    text.skip()  # the bracket
    while (character := text.character()) != "]":
        if not character:
            raise SourceError("the JSON array is not closed: the file ends early")
        if character == ",":
            text.skip()
            continue
        yield text.item()
