"""Recognises columns by their names: "courseId", "Course ID" and "course_id" are the same name."""

import re
from collections.abc import Callable, Iterable, Mapping, Set
from functools import cache
from itertools import chain
from typing import Literal

from app.importing.importable_fields import HEADERS, Importable
from app.importing.values import currency_named, unit_named
from loaders.text import folded as without_marks
from loaders.text import nfc

#: For each collection, nouns that its column names can begin with. In a file of students, "student_email"
#: means "email".
_NOUNS: dict[str, tuple[str, ...]] = {
    "categories": ("category",),
    "instructors": ("instructor", "teacher", "trainer", "lecturer", "faculty", "staff"),
    "courses": ("course", "class", "training"),
    "courseRuns": ("run", "batch", "section", "session", "cohort", "offering", "class"),
    "students": ("student", "user", "learner", "participant", "person"),
    "reviews": ("review", "feedback"),
    "enrollments": ("enrollment", "enrolment", "registration"),
}


def folded(column: str) -> str:
    """Simplifies a column name: "courseId", "Course ID" and "course_id" all become "course id"."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", nfc(column))
    return " ".join(re.findall(r"[^\W_]+", spaced.casefold()))


def compact(column: str) -> str:
    """Simplifies a column name like `folded`, and removes the spaces: "ID number" becomes "idnumber"."""
    return folded(column).replace(" ", "")


def _key(column: str) -> str:
    """Returns the form in which names are compared: compact, and without the marks of Latin letters."""
    return "".join(without_marks(compact(column)))


def is_known(column: str) -> bool:
    """Returns whether a column name is a known header of any field."""
    return _key(column) in _KNOWN


_KNOWN = {_key(h) for fields in HEADERS.values() for headers in fields.values() for h in headers}
Measure = Literal["currency", "unit"]
_MEASURES: Mapping[Measure, Callable[[str], object]] = {"currency": currency_named, "unit": unit_named}
_LINKS = ("in", "en", "w", "v", "em")  # words before a unit, as in "duration in days"


def is_recognised(collection: Importable, column: str) -> bool:
    """Returns whether a column name is a known header of a field of the collection, perhaps with a unit."""
    return not Headers(collection, [column]).keys().isdisjoint(_keys(collection))


@cache
def _keys(collection: Importable) -> frozenset[str]:
    return frozenset(_key(header) for headers in HEADERS[collection].values() for header in headers)


class Headers:
    """Finds columns by their headers. Columns that are already used are not found again."""

    def __init__(self, collection: Importable, columns: Iterable[str]) -> None:
        columns = list(columns)
        self._columns = {_key(column): column for column in reversed(columns)}
        self._measured = {
            kind: {_key(s): c for c in reversed(columns) if (s := _without_unit(c, kind))}
            for kind in _MEASURES
        }
        for noun in _NOUNS[collection]:
            for column in columns:
                if short := _without_noun(column, noun):
                    self._columns.setdefault(_key(short), column)
                for kind, measured in self._measured.items():
                    if short := _without_noun(_without_unit(column, kind), noun):
                        measured.setdefault(_key(short), column)

    def get(self, header: str, measure: Measure | None = None) -> str | None:
        """Returns the column with a given header, with or without the collection's noun in front of it.

        measure: what may follow the header, as in "Price (EUR)" and "Duration (weeks)". Returns None if there
        is no such column.
        """
        key = _key(header)
        return self._columns.get(key) or (self._measured[measure].get(key) if measure else None)

    def keys(self) -> Set[str]:
        """Returns the keys of all headers that `get` would find, measured or not."""
        return {*self._columns, *chain.from_iterable(self._measured.values())}

    def use(self, columns: Iterable[str]) -> None:
        used = set(columns)
        self._columns = {key: column for key, column in self._columns.items() if column not in used}
        for measured in self._measured.values():
            for key in [key for key, column in measured.items() if column in used]:
                del measured[key]


def _without_noun(column: str, noun: str) -> str:
    """Removes a noun from the start of a column name, and compacts the rest.

    Returns "" if the name doesn't start with the noun.
    """
    first, *rest = folded(column).split() or [""]
    return "".join(rest) if first in (noun, f"{noun}s", f"{noun[:-1]}ies") else ""


def _without_unit(column: str, measure: Measure) -> str:
    """Removes a currency or a unit of time from the end of a column name.

    Returns "" if the name has none, or has a rate, such as "Price / hour" or "Duration (hours/week)".
    """
    *rest, last = folded(column).split() or [""]
    if "/" in column or not _MEASURES[measure](last):
        return ""
    return " ".join(rest[:-1] if rest[-1:] and rest[-1] in _LINKS else rest)
