"""Marks: words in all that a person writes, by which it is found wherever it is stored."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

_Value: TypeAlias = Any  # what BSON holds

_MARK = re.compile(r"(?<![a-z0-9])p\d+g\d+(?![a-z0-9])")


def mark(number: int, generation: int) -> str:
    """Returns the mark of a client's person. generation: of the people whom one client is in turn."""
    return f"p{number}g{generation}"


def address(own: str) -> str:
    """Returns the e-mail address of the person with a mark."""
    return f"{own}@example.org"


def marks(value: _Value) -> set[str]:
    """Returns all marks in a document, or in a text."""
    return {found for text in _strings(value) for found in _MARK.findall(text.lower())}


def _strings(value: _Value) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from (key, *_strings(item))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, str):
        yield value
