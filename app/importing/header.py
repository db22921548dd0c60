"""Recognises columns by their names: "courseId", "Course ID" and "course_id" are the same name."""

import re
from collections.abc import Iterable

from app.importing.importable_fields import HEADERS, Importable

_KNOWN = {h.replace(" ", "") for fields in HEADERS.values() for headers in fields.values() for h in headers}
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
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    return " ".join(re.findall(r"[^\W_]+", spaced.casefold()))


def compact(column: str) -> str:
    """Simplifies a column name like `folded`, and removes the spaces: "ID number" becomes "idnumber"."""
    return folded(column).replace(" ", "")


def is_known(column: str) -> bool:
    """Returns whether a column name is a known header of any field."""
    return compact(column) in _KNOWN


class Headers:
    """Finds columns by their headers. Columns that are already used are not found again."""

    def __init__(self, collection: Importable, columns: Iterable[str]) -> None:
        columns = list(columns)
        self._columns = {compact(column): column for column in reversed(columns)}
        for noun in _NOUNS[collection]:
            for column in columns:
                if short := _without_noun(column, noun):
                    self._columns.setdefault(short, column)

    def get(self, header: str) -> str | None:
        """Returns the column with a given header, with or without the collection's noun in front of it.

        Returns None if there is no such column.
        """
        return self._columns.get(compact(header))

    def use(self, columns: Iterable[str]) -> None:
        used = set(columns)
        self._columns = {key: column for key, column in self._columns.items() if column not in used}


def _without_noun(column: str, noun: str) -> str:
    """Removes a noun from the start of a column name, and compacts the rest.

    Returns "" if the name doesn't start with the noun.
    """
    first, *rest = folded(column).split() or [""]
    return "".join(rest) if first in (noun, f"{noun}s", f"{noun[:-1]}ies") else ""
