"""Recognises columns by their names: "courseId", "Course ID" and "course_id" are the same name."""

import re
from collections.abc import Iterable

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
_LINKS = ("in", "en", "w", "v", "em")  # words before a unit, as in "duration in days"


def is_recognised(collection: Importable, column: str) -> bool:
    """Returns whether a column name is a known header of a field of the collection."""
    headers = Headers(collection, [column])
    return any(headers.get(header) for names in HEADERS[collection].values() for header in names)


class Headers:
    """Finds columns by their headers. Columns that are already used are not found again."""

    def __init__(self, collection: Importable, columns: Iterable[str]) -> None:
        columns = list(columns)
        self._columns = {_key(column): column for column in reversed(columns)}
        for noun in _NOUNS[collection]:
            for column in columns:
                if short := _without_noun(column, noun):
                    self._columns.setdefault(_key(short), column)
        self._measured = {_key(s): c for c in reversed(columns) if (s := _without_unit(c))}

    def get(self, header: str, *, measured: bool = False) -> str | None:
        """Returns the column with a given header, with or without the collection's noun in front of it.

        If `measured`, a currency or a unit of time may follow the header: "Price (EUR)". Returns None if
        there is no such column.
        """
        key = _key(header)
        return self._columns.get(key) or (self._measured.get(key) if measured else None)

    def use(self, columns: Iterable[str]) -> None:
        used = set(columns)
        self._columns = {key: column for key, column in self._columns.items() if column not in used}
        self._measured = {key: column for key, column in self._measured.items() if column not in used}


def _without_noun(column: str, noun: str) -> str:
    """Removes a noun from the start of a column name, and compacts the rest.

    Returns "" if the name doesn't start with the noun.
    """
    first, *rest = folded(column).split() or [""]
    return "".join(rest) if first in (noun, f"{noun}s", f"{noun[:-1]}ies") else ""


def _without_unit(column: str) -> str:
    """Removes a currency or a unit of time from the end of a column name. Returns "" if it isn't there."""
    *rest, last = folded(column).split() or [""]
    if not (currency_named(last) or unit_named(last)):
        return ""
    return " ".join(rest[:-1] if rest[-1:] and rest[-1] in _LINKS else rest)
