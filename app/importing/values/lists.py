"""Splits lists at the separator that was decided for the column."""

import ast
import json
from collections.abc import Sequence

from app.importing.values.columns import Column, Decision, Options
from app.importing.values.texts import line, text

_SEPARATORS = ("|", ";", "\uff1b", "\n", "\u3001", "\uff0c", "\u060c", ",")
#: Separators that items hardly ever contain.
LITTLE_DOUBT = _SEPARATORS[:-3]
_NAMES = ("name", "title", "label", "displayName")
_IDS = ("id", "externalId", "slug", "code", "key")


def items(value: object, *, separator: str | None = None) -> list[str]:
    """Reads a list of strings: a JSON or Python list, or a string split at `separator`.

    Without a `separator`, a string is one item. Empty and repeated items are omitted. An object in a list is
    replaced by its name or title.
    """
    return _distinct(value, separator, _NAMES)


def references(value: object, *, separator: str | None = None) -> list[str]:
    """Reads a list of ids, slugs or codes, like `items`. An object is replaced by its id, slug or code."""
    return _distinct(value, separator, (*_IDS, *_NAMES))


def decide_separator(column: Column, given: Options) -> Decision:
    """Decides the separator of a column.

    It is the first of "|", ";", line ends, "、" and commas that occurs in the cells. But it is a hyphen if
    most cells are words joined by hyphens, such as "drama-comedy-essay".
    """
    if "separator" not in given and _is_hyphenated(plain_texts(column)):
        return Decision({"separator": "-"}, {"separator": _shown("-")})
    return decide_references(column, given)


def decide_references(column: Column, given: Options) -> Decision:
    """Decides the separator, which is never a hyphen here, because codes and slugs can contain hyphens."""
    if "separator" in given:
        return Decision()
    texts = plain_texts(column)
    found = next((mark for mark in _SEPARATORS if any(mark in text for text in texts)), None)
    if found is None:
        return Decision()
    return Decision({"separator": found}, {"separator": _shown(found)})


def plain_texts(column: Column) -> Sequence[str]:
    """Returns the cells that are strings, except for lists in brackets."""
    texts = [text(cell) for cell in column.cells if isinstance(cell, str)]
    return [joined for joined in texts if not literal(joined)]


def _is_hyphenated(texts: Sequence[str]) -> bool:
    joined = sum(text.count("-") > 1 and not set(text) & {*_SEPARATORS, "["} for text in texts)
    return joined > len(texts) / 2


def _shown(separator: str) -> str:
    return f"items are separated by {'line ends' if separator == chr(10) else f'“{separator}”'}"


def _distinct(value: object, separator: str | None, keys: Sequence[str]) -> list[str]:
    parts = value if isinstance(value, list | tuple | set) else _split(text(value), separator)
    named = (_named(part, keys) for part in parts if part is not None)
    return list(dict.fromkeys(item for part in named if (item := line(part))))


def _split(joined: str, separator: str | None) -> Sequence[object]:
    if literal(joined):
        return _parse_list(joined)
    return joined.split(separator) if separator else [joined]


def literal(joined: str) -> bool:
    """Returns whether a string is in square brackets, like a list in JSON or Python."""
    return joined[:1] == "[" and joined[-1:] == "]"


def _parse_list(literal: str) -> list[object]:
    for parse in (json.loads, ast.literal_eval):
        try:
            return list(parse(literal))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    raise ValueError("is not a list, although it is in brackets")


def _named(part: object, keys: Sequence[str]) -> object:
    """Returns the first non-empty value that an object has for `keys`, or "" if there is none.

    A part that isn't an object is returned unchanged.
    """
    return next((part[key] for key in keys if part.get(key)), "") if isinstance(part, dict) else part
