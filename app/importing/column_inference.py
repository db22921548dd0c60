"""A mapping guessed from the names of the columns and the shapes of their values."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from app.importing.importable_fields import TARGETS, Importable, Target
from app.importing.mapping import FieldMapping, ImportMapping, MappingError, Selection
from app.importing.records import Recorder, RowError, Turned

_COUNTS = ("num reviews", "number of reviews", "review count", "reviews", "reviews count", "num ratings",
           "ratings count", "rating count", "number of ratings", "total ratings",
           "course rating count")  # fmt: skip
_FITS = 0.8  # the share of the sample's values that a normaliser must take
#: Optional fields that a row can't do without where its value can't be read: it would say something else.
_STRICT = {"courses": ("status",), "reviews": ("rating", "status"), "enrollments": ("status",)}

Sample = Sequence[Mapping[str, Any]]


def infer_mapping(collection: Importable, columns: Sequence[str], sample: Sample) -> ImportMapping:
    """Raises MappingError when a required field has no column."""
    fields: dict[str, FieldMapping] = {}
    left_out: dict[str, str] = {}
    free = {folded(column): column for column in reversed(columns)}
    for name, target in TARGETS[collection].items():
        for candidates in _candidates(collection, name, target, free):
            column = candidates[0].selection.columns[0]
            made = next((made for made in candidates if _fits(collection, name, made, sample)), None)
            if made is None and target.owns(name, folded(column)):
                made = _most(collection, name, candidates, sample)
            if made is not None:
                fields[name] = made
                free = {key: c for key, c in free.items() if c not in made.selection.columns}
                break
            if (why := _why(collection, name, candidates, sample)) is not None:
                left_out.setdefault(column, why)
    fields = {name: fields[name] for name in TARGETS[collection] if name in fields} | _identity(
        collection, fields, sample
    )
    for name, target in TARGETS[collection].items():
        if target.required and name not in fields:
            raise MappingError(
                f"no column looks like “{name}”, without which {collection} can't be imported; "
                f"write a mapping (--map). The columns are: {', '.join(columns)}"
            )
    return ImportMapping(collection, fields, left_out=left_out)


def folded(column: str) -> str:
    """ "courseId", "Course ID" and "course_id" are one name."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    return " ".join(re.findall(r"[^\W_]+", spaced.casefold()))


def _candidates(
    collection: Importable, name: str, target: Target, free: Mapping[str, str]
) -> Iterator[list[FieldMapping]]:
    """For each column that a field may come from, the ways to read it."""
    invalid: Any = "reject" if target.required or name in _STRICT.get(collection, ()) else "null"
    for column in dict.fromkeys(free[key] for wanted in target.headers() if (key := folded(wanted)) in free):
        yield [
            FieldMapping(Selection("column", (column,)), target.normaliser, options, None, invalid)
            for options in _options(target, free)
        ]


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
    taken, turned = _tried(collection, name, made, sample)
    refused = sum(turned.invalid.values())
    if "day_first" in made.options:
        return taken > 0 and not refused and _tried(collection, name, _other(made), sample)[0] < taken
    return taken > 0 and taken >= _FITS * (taken + refused)


def _most(
    collection: Importable, name: str, candidates: Sequence[FieldMapping], sample: Sample
) -> FieldMapping | None:
    """The way to read a column that takes most of its values; None if none takes any."""
    most, best = 0, None
    for made in candidates:
        if made.options.get("separator"):
            continue
        taken, _ = _tried(collection, name, made, sample)
        if "day_first" in made.options and _tried(collection, name, _other(made), sample)[0] >= taken:
            continue
        if taken > most:
            most, best = taken, made
    return best


def _why(collection: Importable, name: str, candidates: Sequence[FieldMapping], sample: Sample) -> str | None:
    """Why a column is left out, with one value; None if it has none."""
    plain = next(made for made in candidates if not made.options)
    _, turned = _tried(collection, name, plain, sample)
    for what, examples in turned.examples.items():
        return f"looks like {name}; {examples[0]} {what.removeprefix(f'{name}: ')}"
    return None


def _other(made: FieldMapping) -> FieldMapping:
    """With the other order of day and month."""
    return replace(made, options={"day_first": not made.options["day_first"]})


def _tried(collection: Importable, name: str, made: FieldMapping, sample: Sample) -> tuple[int, Turned]:
    """How many values are taken, and what is not; nulls are neither."""
    recorder = Recorder(ImportMapping(collection, {name: replace(made, invalid="null")}))
    taken = 0
    for values in sample:
        with suppress(RowError):  # no value where one is required
            taken += recorder.record(values)[name] is not None
    return taken, recorder.turned


def _joined(column: str, separator: str, sample: Sample) -> bool:
    """Whether a column is a list joined by something as frequent in plain words as a hyphen."""
    values = [str(values.get(column) or "") for values in sample]
    joined = sum(v.count(separator) > 1 and not set(v) & set("|;,[") for v in values)
    return joined > len([v for v in values if v]) / 2


def _identity(
    collection: Importable, fields: Mapping[str, FieldMapping], sample: Sample
) -> dict[str, FieldMapping]:
    """What tells rows apart when no column is an id: a course's code, else its title; a student's course."""
    if "id" in fields:
        return {}
    if collection == "courses" and "codes" in fields and _unique(collection, fields["codes"], sample):
        return {"id": FieldMapping(fields["codes"].selection, "text")}
    if collection == "courses" and "title" in fields:
        return {"id": FieldMapping(fields["title"].selection, "slug")}
    if collection == "students" and "email" in fields:
        return {"id": FieldMapping(fields["email"].selection, "text")}
    if "course" in fields and "student" in fields:
        columns = fields["course"].selection.columns + fields["student"].selection.columns
        return {"id": FieldMapping(Selection("join", columns), "text")}
    return {}


def _unique(collection: Importable, codes: FieldMapping, sample: Sample) -> bool:
    """Whether each row has one code that no other row has; a row may repeat."""
    recorder = Recorder(ImportMapping(collection, {"codes": codes}))
    rows: dict[str, Mapping[str, Any]] = {}
    for values in sample:
        found: list[str] = recorder.record(values)["codes"] or []
        if len(found) != 1 or rows.setdefault(found[0], values) != values:
            return False
    return bool(rows)
