"""Recognises the rosters of learning management systems: names in parts, roles, and deleted rows."""

from collections.abc import Mapping, Sequence

from app.importing.files import Cells
from app.importing.header import compact
from app.importing.importable_fields import HEADERS, Importable
from app.importing.mapping.definition import Condition, FieldMapping, Selection

_WORDS = {key: [compact(word) for word in words] for key, words in HEADERS["rosters"].items()}
_STUDENTS, _TEACHERS, _OTHERS, _DELETED = (
    frozenset(_WORDS[key]) for key in ("students", "teachers", "others", "deleted")
)
#: The roles whose rows are imported, by collection.
_COUNTED: Mapping[str, frozenset[str]] = {
    "students": _STUDENTS, "enrollments": _STUDENTS, "instructors": _TEACHERS,
}  # fmt: skip


def joined_name(columns: Sequence[str]) -> FieldMapping | None:
    """Returns the mapping of a name that is in parts. A part can be missing. "Null" is a surname here."""
    by_name = {compact(column): column for column in reversed(columns)}
    first, middle, last = (
        next((by_name[name] for name in _WORDS[part] if name in by_name), None)
        for part in ("first", "middle", "last")
    )
    if first is None or last is None:
        return None
    parts = tuple(part for part in (first, middle, last) if part)
    selection = Selection("join", parts, separator=" ", skip_empty=True, usual_sentinels=False)
    return FieldMapping(selection, "line", invalid="null")


def who_counts(collection: Importable, columns: Sequence[str], sample: Sequence[Cells]) -> list[Condition]:
    """Returns which rows of a roster are imported: those of students or of teachers, without deleted ones.

    Of the sections of courses, deleted ones are left out too.
    """
    roles = _COUNTED.get(collection)
    if roles is None and collection != "courseRuns":
        return []
    conditions = []
    for column in columns:
        values = {_text(row.get(column)) for row in sample} - {""}
        if roles and compact(column) in _WORDS["roles"] and values & _known_roles(values):
            conditions.append(Condition(column, frozenset(v for v in values if compact(v) in roles) | roles))
        elif compact(column) in _WORDS["statuses"]:
            conditions.append(Condition(column, _DELETED, excluded=True))
    return conditions


def _known_roles(values: set[str]) -> set[str]:
    return {value for value in values if compact(value) in _STUDENTS | _TEACHERS | _OTHERS}


def _text(value: object) -> str:
    return "" if value is None else str(value).strip().casefold()
