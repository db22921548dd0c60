"""What a source yields: rows, and the places that can't be read as rows."""

from dataclasses import dataclass
from typing import Any


class SourceError(Exception):
    """The file can't be opened, or can't be read on; the message names it and says why."""


@dataclass(slots=True)
class Row:
    """One data row. Numbers start at 1; `line` is where it begins, None where lines mean nothing."""

    number: int
    line: int | None
    values: dict[str, Any]


@dataclass(slots=True)
class Unreadable:
    """A place in the file that is not a row, with its text, so that nothing is lost."""

    number: int
    line: int | None
    text: str
    reason: str
