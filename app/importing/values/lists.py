"""Splits lists at the separator of their column."""

import ast
import json
from collections.abc import Sequence

from app.importing.values.columns import Column, Decision, Options
from app.importing.values.texts import line, text

_SEPARATORS = ("|", ";", "\uff1b", "\n", "\u3001", "\uff0c", "\u060c", ",")
#: Separators that are hardly ever within an item.
LITTLE_DOUBT = _SEPARATORS[:-3]


def items(value: object, *, separator: str | None = None) -> list[str]:
    """Reads a list of strings: a JSON or Python list, or a string split at `separator`.

    Without a `separator`, a string is one item. Empty and repeated items are omitted. Of objects, the item is
    their name or title.
    """
    parts = value if isinstance(value, list | tuple | set) else _split(text(value), separator)
    named = (_name_of(part) for part in parts if part is not None)
    return list(dict.fromkeys(item for part in named if (item := line(part))))


def decide_separator(column: Column, given: Options) -> Decision:
    """Decides the separator of a column: the first of |, ;, line ends, 、 and commas that its cells
    have.

    A hyphen is a separator if most cells are words joined by hyphens, such as "drama-comedy-essay".
    """
    if "separator" in given:
        return Decision()
    texts = plain_texts(column)
    if _is_hyphenated(texts):
        return Decision({"separator": "-"}, {"separator": _shown("-")})
    found = next((mark for mark in _SEPARATORS if any(mark in text for text in texts)), None)
    if found is None:
        return Decision()
    return Decision({"separator": found}, {"separator": _shown(found)})


def plain_texts(column: Column) -> Sequence[str]:
    """Returns the cells that are strings and not literal lists."""
    texts = [text(cell) for cell in column.cells if isinstance(cell, str)]
    return [joined for joined in texts if not literal(joined)]


def _is_hyphenated(texts: Sequence[str]) -> bool:
    joined = sum(text.count("-") > 1 and not set(text) & {*_SEPARATORS, "["} for text in texts)
    return joined > len(texts) / 2


def _shown(separator: str) -> str:
    return f"items end at {'line ends' if separator == chr(10) else f'“{separator}”'}"


def _split(joined: str, separator: str | None) -> Sequence[object]:
    if literal(joined):
        return _parse_list(joined)
    return joined.split(separator) if separator else [joined]


def literal(joined: str) -> bool:
    return joined[:1] == "[" and joined[-1:] == "]"


def _parse_list(literal: str) -> list[object]:
    for parse in (json.loads, ast.literal_eval):
        try:
            return list(parse(literal))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    raise ValueError("is not a list, although it is in brackets")


def _name_of(part: object) -> object:
    if isinstance(part, dict):
        return (
            next((part[key] for key in ("name", "title", "label", "displayName") if part.get(key)), None)
            or ""
        )
    return part
