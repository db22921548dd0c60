"""Recognises rosters of learning management systems: names split into parts, roles, and deleted rows."""

from collections.abc import Mapping, Sequence

from app.importing.files import Cells
from app.importing.header import compact
from app.importing.importable_fields import HEADERS, Importable
from app.importing.mapping.definition import SENTINELS, Condition, FieldMapping, LeftOut, Selection

_WORDS = {key: [compact(word) for word in words] for key, words in HEADERS["rosters"].items()}
_STUDENTS, _TEACHERS, _OTHERS, _DELETED = (
    frozenset(_WORDS[key]) for key in ("students", "teachers", "others", "deleted")
)
#: For each collection of people or enrolments, the roles whose rows are imported.
_COUNTED: Mapping[str, frozenset[str]] = {
    "students": _STUDENTS, "enrollments": _STUDENTS, "instructors": _TEACHERS,
}  # fmt: skip
_TRUE = frozenset(("true", "yes", "y", "t", "1", "1.0"))
_NEVER = frozenset(("", "null", "none", "\\n"))  # in a column of deletion times: the row wasn't deleted
_OTHER_MEANINGS = ("type",)  # headers that can mean a role, but often mean something else


def joined_name(columns: Sequence[str], sample: Sequence[Cells]) -> FieldMapping | None:
    """Returns a mapping that joins the columns with parts of a name, or None if there are no such columns.

    Parts that are missing in a row are skipped. "Null" and "None" are read as surnames, unless the columns
    have sentinels in another form, such as "NULL".
    """
    parts = tuple(part for part in _parts(columns) if part)
    if not parts:
        return None
    texts = {str(row.get(part) or "").strip() for row in sample for part in parts}
    sentinels = [text for text in texts - {""} if text.casefold() in SENTINELS]
    are_names = all(map(str.istitle, sentinels))
    assumed = {"sentinels": f"“{min(sentinels)}” is a name"} if sentinels and are_names else {}
    selection = Selection("join", parts, separator=" ", skip_empty=True, usual_sentinels=not are_names)
    return FieldMapping(selection, "line", invalid="null", assumed=assumed)


def lacks_surname(name: FieldMapping, columns: Sequence[str], sample: Sequence[Cells]) -> bool:
    """Returns whether a column of names has only given names, with the surnames in another column."""
    first, _, last = _parts(columns)
    if first is None or last is None or name.selection.columns != (first,):
        return False
    pairs = [(_text(row.get(first)), _text(row.get(last))) for row in sample]
    return not any(surname and surname in whole for whole, surname in pairs)


def unknown_roles(
    collection: Importable, columns: Sequence[str], sample: Sequence[Cells]
) -> dict[str, LeftOut]:
    """Returns a note about each column of roles in which no role is known, keyed by column."""
    found = {}
    for column in columns:
        values = {_text(row.get(column)) for row in sample} - {""}
        is_role = compact(column) in _WORDS["roles"] and compact(column) not in _OTHER_MEANINGS
        if collection in _COUNTED and is_role and len(values) > 1 and not _known_roles(values):
            found[column] = LeftOut(
                "has no known role, so all rows are imported (to choose rows, use [where] in a mapping)"
            )
    return found


def who_counts(collection: Importable, columns: Sequence[str], sample: Sequence[Cells]) -> list[Condition]:
    """Returns the conditions that limit a roster to students, or to teachers, and exclude deleted rows."""
    roles = _COUNTED.get(collection)
    conditions = []
    for column in columns:
        name, values = compact(column), {_text(row.get(column)) for row in sample} - {""}
        if roles and name in _WORDS["roles"] and values & _known_roles(values):
            conditions.append(Condition(column, frozenset(v for v in values if compact(v) in roles) | roles))
        elif name in _WORDS["statuses"]:
            conditions.append(Condition(column, _DELETED, excluded=True))
        elif name in _WORDS["deleted_flags"]:
            conditions.append(Condition(column, _TRUE, excluded=True))
        elif name in _WORDS["deleted_times"]:
            conditions.append(Condition(column, _NEVER))
    return conditions


def _parts(columns: Sequence[str]) -> list[str | None]:
    """Returns the columns with first, middle and last names, with None in place of a missing column."""
    by_name = {compact(column): column for column in reversed(columns)}
    first, middle, last = (
        next((by_name[name] for name in _WORDS[part] if name in by_name), None)
        for part in ("first", "middle", "last")
    )
    if first is None and last is not None:
        first = by_name.get("name")
    return [first, middle, last]


def _known_roles(values: set[str]) -> set[str]:
    return {value for value in values if compact(value) in _STUDENTS | _TEACHERS | _OTHERS}


def _text(value: object) -> str:
    return "" if value is None else str(value).strip().casefold()
