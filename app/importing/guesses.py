"""A mapping guessed from the names of the columns and the shapes of their values."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from app.importing.mapping import FieldMapping, ImportMapping, MappingError, Selection
from app.importing.records import Recorder, RowError
from app.importing.targets import TARGETS, Importable, Target

_COUNTS = ("num reviews", "number of reviews", "review count", "reviews", "reviews count", "num ratings",
           "ratings count", "rating count", "number of ratings", "total ratings",
           "course rating count")  # fmt: skip
_FITS = 0.8  # the share of the sample's values that a normaliser must take
_STRICT = {"reviews": ("rating",)}  # where a bad value is no reason to keep the rest of the row

Sample = Sequence[Mapping[str, Any]]


def guess(collection: Importable, columns: Sequence[str], sample: Sample) -> ImportMapping:
    """Raises MappingError when a required field has no column."""
    fields: dict[str, FieldMapping] = {}
    free = {folded(column): column for column in reversed(columns)}
    for name, target in TARGETS[collection].items():
        for made in _candidates(collection, name, target, free):
            if _fits(collection, name, made, sample):
                fields[name] = made
                free = {key: c for key, c in free.items() if c not in made.selection.columns}
                break
    fields = {name: fields[name] for name in TARGETS[collection] if name in fields} | _identity(
        collection, fields
    )
    for name, target in TARGETS[collection].items():
        if target.required and name not in fields:
            raise MappingError(
                f"no column looks like “{name}”, without which {collection} can't be imported; "
                f"write a mapping (--map). The columns are: {', '.join(columns)}"
            )
    return ImportMapping(collection, fields)


def folded(column: str) -> str:
    """ "courseId", "Course ID" and "course_id" are one name."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    return " ".join(re.findall(r"[^\W_]+", spaced.casefold()))


def _candidates(
    collection: Importable, name: str, target: Target, free: Mapping[str, str]
) -> Iterator[FieldMapping]:
    invalid: Any = "reject" if target.required or name in _STRICT.get(collection, ()) else "null"
    for column in dict.fromkeys(free[key] for wanted in target.headers() if (key := folded(wanted)) in free):
        for options in _options(target, free):
            yield FieldMapping(Selection("column", (column,)), target.normaliser, options, None, invalid)


def _options(target: Target, free: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """What to try, in turn: the first that takes the values is it."""
    if target.normaliser == "list":
        yield {"separator": "-"}
    if target.normaliser == "date":
        yield {"day_first": True}
        yield {"day_first": False}
    yield {}
    if target.normaliser == "rating":
        yield from ({"count": Selection("column", (free[key],))} for key in _COUNTS if key in free)


def _fits(collection: Importable, name: str, made: FieldMapping, sample: Sample) -> bool:
    """Whether enough of the values are taken. An order of day and month must take all of them, and the
    other order must not: 06/11 doesn't say which it is.
    """
    if made.options.get("separator"):
        return _joined(made.selection.columns[0], made.options["separator"], sample)
    taken, refused = _tried(collection, name, made, sample)
    if "day_first" in made.options:
        other = replace(made, options={"day_first": not made.options["day_first"]})
        return taken > 0 and not refused and _tried(collection, name, other, sample)[1] > 0
    return taken > 0 and taken >= _FITS * (taken + refused)


def _tried(collection: Importable, name: str, made: FieldMapping, sample: Sample) -> tuple[int, int]:
    """How many values are taken, and how many are not; nulls are neither."""
    recorder = Recorder(ImportMapping(collection, {name: replace(made, invalid="null")}))
    taken = 0
    for values in sample:
        with suppress(RowError):  # no value where one is required
            taken += recorder.record(values)[name] is not None
    return taken, sum(recorder.turned.invalid.values())


def _joined(column: str, separator: str, sample: Sample) -> bool:
    """Whether a column is a list joined by something as frequent in plain words as a hyphen."""
    values = [str(values.get(column) or "") for values in sample]
    joined = sum(v.count(separator) > 1 and not set(v) & set("|;,[") for v in values)
    return joined > len([v for v in values if v]) / 2


def _identity(collection: Importable, fields: Mapping[str, FieldMapping]) -> dict[str, FieldMapping]:
    """What tells rows apart when no column is an id: a course's title, a student's course."""
    if "id" in fields:
        return {}
    if collection == "courses" and "title" in fields:
        return {"id": FieldMapping(fields["title"].selection, "slug")}
    if collection == "students" and "email" in fields:
        return {"id": FieldMapping(fields["email"].selection, "text")}
    if "course" in fields and "student" in fields:
        columns = fields["course"].selection.columns + fields["student"].selection.columns
        return {"id": FieldMapping(Selection("join", columns), "text")}
    return {}
