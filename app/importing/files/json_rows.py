"""Reads rows from JSON: one object per line, consecutive objects, or an array (possibly in an object)."""

import io
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import isinf
from typing import TextIO

import orjson

from app.importing.files.json_text import Broken, JsonText
from app.importing.files.rows import (
    LARGEST_CELL,
    SHOWN,
    Cell,
    Row,
    SourceError,
    Unreadable,
    too_large,
)
from loaders.transfer import EXPORT_MARK

_NO_OBJECT = "not a JSON object"
_LONGEST_LINE = 8 << 20  # maximum length of a line, in characters
_DEEPEST = 4  # how many levels of nested objects are searched for lists of rows

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_Rows = Iterator[Row | Unreadable]


def lines(text: TextIO) -> _Rows:
    """Yields a row for each line of NDJSON. Skips blank lines."""
    number = 0
    for line_number, line in _bounded_lines(text):
        if line.isspace():
            continue
        number += 1
        yield _of_line(number, line_number, line)


def array(text: TextIO) -> _Rows:
    """Yields a row for each object in a JSON array, which can be on one line or on many."""
    window = JsonText(text)
    window.character()
    return _numbered(window.elements())


def objects(text: TextIO) -> _Rows:
    """Yields a row for each of several consecutive JSON objects, which can each be on one line or on many."""
    return _numbered(_values(JsonText(text)))


def within(text: TextIO, path: Sequence[str]) -> _Rows:
    """Yields a row for each object in an array that is nested in an object. path: the keys that lead to it.

    Raises SourceError if there is no such array.
    """
    window = JsonText(text)
    window.character()
    return _numbered(_at(window, path))


def arrays_within(sample: str) -> list[str]:
    """Finds arrays of objects inside the object at the beginning of a sample.

    Returns their paths, such as "data.courses".
    """
    found: list[str] = []
    window = JsonText(io.StringIO(sample))
    window.character()
    with suppress(SourceError):  # raised if the sample ends within the object
        _find_arrays(window, "", _DEEPEST, found)
    return found


def is_lines(sample: str) -> bool:
    """Returns whether JSON text has one object per line, judging by its first lines.

    Returns True if the first line is a row of an export, or is an object and more lines follow. If the first
    line isn't an object, returns whether most of the lines after it are objects.
    """
    first, *others = (line for line in sample.split("\n")[:50] if line.strip())
    if first.startswith(f'{{"{EXPORT_MARK}":'):
        return True
    if _is_object(first):
        return bool(others)
    return 2 * sum(map(_is_object, others)) > len(others)


def _is_object(line: str) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _find_arrays(window: JsonText, prefix: str, depth: int, found: list[str]) -> None:
    for key in window.entries():
        path = f"{prefix}{key}"
        if window.character() == "{" and depth > 1:
            _find_arrays(window, f"{path}.", depth - 1, found)
            continue
        if window.character() == "[":
            elements = window.elements()
            if isinstance(next(elements, None), dict):
                found.append(path)
            deque(elements, maxlen=0)  # reads past the remaining elements
            continue
        window.skip_value()


def _at(window: JsonText, path: Sequence[str]) -> Iterator[Cell | Broken]:
    first, *others = path
    for key in window.entries():
        kind = window.character()
        if key == first and others and kind == "{":
            yield from _at(window, others)
            return
        if key == first and not others and kind == "[":
            yield from window.elements()
            return
        window.skip_value()
    raise SourceError(f"there is no list “{'.'.join(path)}”")


def _values(window: JsonText) -> Iterator[Cell | Broken]:
    while window.character():
        if window.character() == ",":
            window.skip()
            continue
        yield window.value()


def _numbered(values: Iterator[Cell | Broken]) -> _Rows:
    for number, value in enumerate(values, 1):
        if isinstance(value, Broken):
            yield Unreadable(number, None, value.text, value.reason)
        elif not isinstance(value, dict):
            yield Unreadable(number, None, json.dumps(value, ensure_ascii=False)[:SHOWN], _NO_OBJECT)
        elif reason := too_large(value):
            yield Unreadable(number, None, json.dumps(value, ensure_ascii=False)[:SHOWN], reason)
        else:
            yield _row(number, None, value, shown="")


def _of_line(number: int, line_number: int, line: str) -> Row | Unreadable:
    shown = line.rstrip("\r\n")
    if len(line) >= _LONGEST_LINE:
        return Unreadable(
            number, line_number, shown[:SHOWN], f"a line of more than {_LONGEST_LINE:,} characters"
        )
    try:
        values = _loads(line)
    except RecursionError:
        return Unreadable(number, line_number, shown[:SHOWN], "not JSON: it is nested too deeply")
    except ValueError as error:
        why = str(error) if isinstance(error, json.JSONDecodeError) else "a number has too many digits"
        return Unreadable(number, line_number, shown, f"not JSON: {why}")
    if not isinstance(values, dict):
        return Unreadable(number, line_number, shown, _NO_OBJECT)
    if len(line) > LARGEST_CELL and (reason := too_large(values)):
        return Unreadable(number, line_number, shown[:SHOWN], reason)
    return _row(number, line_number, values, shown[:SHOWN])


def _row(number: int, line_number: int | None, values: dict[str, Cell], shown: str) -> Row | Unreadable:
    try:
        return Row(number, line_number, _plain_row(values))
    except RecursionError:  # orjson reads what is nested more deeply than _plain_row can follow
        return Unreadable(number, line_number, shown, "it is nested too deeply")


def _loads(line: str) -> Cell:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        # json accepts NaN, which some programs write, and reports errors more precisely than orjson.
        return json.loads(line)


def _bounded_lines(text: TextIO) -> Iterator[tuple[int, str]]:
    """Yields each line with its number. If a line is too long, only its beginning is yielded."""
    number = 0
    while line := text.readline(_LONGEST_LINE):
        number += 1
        yield number, line
        while len(line) == _LONGEST_LINE and not line.endswith(("\n", "\r")):
            line = text.readline(_LONGEST_LINE)


def _plain_row(values: dict[str, Cell]) -> dict[str, Cell]:
    """Converts typed values of MongoDB's extended JSON, such as {"$oid": …}, to plain values, in place."""
    for key, value in values.items():
        if isinstance(value, dict | list):
            values[key] = _plain(value)
    return values


def _plain(value: Cell) -> Cell:
    if isinstance(value, list):
        return [_plain(item) if isinstance(item, dict | list) else item for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, inner),) = value.items()
        if key in _TYPED:
            return _TYPED[key](_plain(inner))
    return _plain_row(value)


def _number(value: Cell) -> Cell:
    with suppress(TypeError, ValueError, OverflowError):
        return int(value)
    return _double(value)


def _double(value: Cell) -> Cell:
    """Converts a number that may be written as text, and leaves anything else as it is."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return value
    return value if isinf(number) else number


def _date(value: Cell) -> Cell:
    """Converts a "$date" in milliseconds since 1970 to a string. All other dates are strings already."""
    try:
        return (_EPOCH + timedelta(milliseconds=value)).isoformat() if isinstance(value, int) else value
    except OverflowError:
        return value


#: Functions that convert the typed values that `mongoexport` writes, by the key of the value, such as "$oid".
_TYPED: Mapping[str, Callable[[Cell], Cell]] = {
    "$oid": lambda value: value,
    "$date": _date,
    "$numberLong": _number,
    "$numberInt": _number,
    "$numberDouble": _double,
    "$numberDecimal": str,
    "$symbol": lambda value: value,
    "$uuid": lambda value: value,
    "$undefined": lambda value: None,
}
