"""Infers an import mapping from the column names and a sample of the values."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Literal

from app.importing.files import Cells
from app.importing.importable_fields import TARGETS, Importable, Target
from app.importing.mapping import FieldMapping, ImportMapping, MappingError, Options, Selection
from app.importing.records import NullCounts, Recorder, RowError

_COUNT_COLUMNS = (
    "num reviews", "number of reviews", "review count", "reviews", "reviews count", "num ratings",
    "ratings count", "rating count", "number of ratings", "total ratings", "course rating count",
)  # fmt: skip
_MIN_SHARE = 0.8  # the minimum fraction of the sampled values that a normaliser must accept

#: Optional fields. A row with an invalid value in one of them is rejected, because replacing the value with
#: null would change the meaning of the row.
_REJECT_UNREADABLE = {"courses": ("status",), "reviews": ("rating", "status"), "enrollments": ("status",)}

Sample = Sequence[Cells]


def infer_mapping(collection: Importable, columns: Sequence[str], sample: Sample) -> ImportMapping:
    """Infers which column is imported as which field.

    Raises MappingError if no column is found for a required field.
    """
    fields: dict[str, FieldMapping] = {}
    left_out: dict[str, str] = {}
    free = {folded(column): column for column in reversed(columns)}
    for name, target in TARGETS[collection].items():
        for candidates in _candidates(collection, name, target, free):
            column = candidates[0].selection.columns[0]
            chosen = next((c for c in candidates if _fits(collection, name, c, sample)), None)
            if chosen is None and target.owns(name, folded(column)):
                chosen = _best_candidate(collection, name, candidates, sample)
            if chosen is not None:
                fields[name] = chosen
                free = {key: c for key, c in free.items() if c not in chosen.selection.columns}
                break
            if (reason := _misfit_reason(collection, name, candidates, sample)) is not None:
                left_out.setdefault(column, reason)
    fields = {name: fields[name] for name in TARGETS[collection] if name in fields} | _identifier(
        collection, fields, sample
    )
    for name, target in TARGETS[collection].items():
        if target.required and name not in fields:
            raise MappingError(
                f"no column looks like “{name}”, which is required to import {collection}; "
                f"write a mapping (--map). The columns are: {', '.join(columns)}"
            )
    return ImportMapping(collection, fields, left_out=left_out)


def folded(column: str) -> str:
    """Simplifies a column name: "courseId", "Course ID" and "course_id" all become "course id"."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    return " ".join(re.findall(r"[^\W_]+", spaced.casefold()))


def _candidates(
    collection: Importable, name: str, target: Target, free: Mapping[str, str]
) -> Iterator[list[FieldMapping]]:
    """Yields the possible mappings of a field, as one list for each column that might contain it."""
    invalid: Literal["reject", "null"]
    invalid = "reject" if target.required or name in _REJECT_UNREADABLE.get(collection, ()) else "null"
    for column in dict.fromkeys(free[key] for header in target.headers() if (key := folded(header)) in free):
        yield [
            FieldMapping(Selection("column", (column,)), target.normaliser, options, None, invalid)
            for options in _options(target, free)
        ]


def _options(target: Target, free: Mapping[str, str]) -> Iterator[Options]:
    """Yields the normaliser options to try, in order of preference. The first that fits is used."""
    if target.normaliser == "list":
        yield {"separator": "-"}
    if target.normaliser == "date":
        yield {"day_first": True}
        yield {"day_first": False}
    yield {}
    if target.normaliser == "rating":
        yield from ({"count": Selection("column", (free[key],))} for key in _COUNT_COLUMNS if key in free)


def _fits(collection: Importable, name: str, candidate: FieldMapping, sample: Sample) -> bool:
    """Returns whether a candidate mapping accepts enough of the sampled values.

    For dates, the candidate's order of day and month must accept every value, and the opposite order must
    accept fewer. Otherwise the order is unknown: 06/11, for example, can be read in either order.
    """
    if candidate.options.get("separator"):
        return _is_joined(candidate.selection.columns[0], candidate.options["separator"], sample)
    accepted, null_counts = _try(collection, name, candidate, sample)
    refused = sum(null_counts.invalid.values())
    if "day_first" in candidate.options:
        return accepted > 0 and not refused and not _is_ambiguous(collection, name, candidate, sample)
    return accepted > 0 and accepted >= _MIN_SHARE * (accepted + refused)


def _best_candidate(
    collection: Importable, name: str, candidates: Sequence[FieldMapping], sample: Sample
) -> FieldMapping | None:
    """Returns the candidate mapping that accepts the most values, or None if none accepts any."""
    most, best = 0, None
    for candidate in candidates:
        if candidate.options.get("separator"):
            continue
        if "day_first" in candidate.options and _is_ambiguous(collection, name, candidate, sample):
            continue
        accepted, _ = _try(collection, name, candidate, sample)
        if accepted > most:
            most, best = accepted, candidate
    return best


def _misfit_reason(
    collection: Importable, name: str, candidates: Sequence[FieldMapping], sample: Sample
) -> str | None:
    """Returns a message about a value that was refused, or None if no value was refused."""
    plain = next(c for c in candidates if not c.options)
    _, null_counts = _try(collection, name, plain, sample)
    for message, examples in null_counts.examples.items():
        return f"looks like {name}; {examples[0]} {message.removeprefix(f'{name}: ')}"
    return None


def _is_ambiguous(collection: Importable, name: str, candidate: FieldMapping, sample: Sample) -> bool:
    """Returns whether at least as many sampled values are accepted if day and month are swapped."""
    other = replace(candidate, options={"day_first": not candidate.options["day_first"]})
    accepted, _ = _try(collection, name, candidate, sample)
    return _try(collection, name, other, sample)[0] >= accepted


def _try(
    collection: Importable, name: str, candidate: FieldMapping, sample: Sample
) -> tuple[int, NullCounts]:
    """Returns how many sampled values the candidate accepts, and the counts of those that it refuses."""
    recorder = Recorder(ImportMapping(collection, {name: replace(candidate, invalid="null")}))
    accepted = 0
    for values in sample:
        with suppress(RowError):  # raised for a required field without a value
            accepted += recorder.record(values)[name] is not None
    return accepted, recorder.null_counts


def _is_joined(column: str, separator: str, sample: Sample) -> bool:
    """Returns whether most values in a column are lists joined by the separator.

    This prevents splitting at a separator that also occurs within words, such as a hyphen.
    """
    values = [str(values.get(column) or "") for values in sample]
    joined = sum(v.count(separator) > 1 and not set(v) & set("|;,[") for v in values)
    return joined > len([v for v in values if v]) / 2


def _identifier(
    collection: Importable, fields: Mapping[str, FieldMapping], sample: Sample
) -> dict[str, FieldMapping]:
    """Infers what to use as the ID of each row if no column contains an ID.

    For a course, that is its code if all codes are unique, otherwise its title. For a student, it is the
    e-mail address. For a review or an enrolment, it is the combination of course and student.
    """
    if "id" in fields:
        return {}
    if (
        collection == "courses"
        and "codes" in fields
        and _has_unique_codes(collection, fields["codes"], sample)
    ):
        return {"id": FieldMapping(fields["codes"].selection, "text")}
    if collection == "courses" and "title" in fields:
        return {"id": FieldMapping(fields["title"].selection, "slug")}
    if collection == "students" and "email" in fields:
        return {"id": FieldMapping(fields["email"].selection, "text")}
    if "course" in fields and "student" in fields:
        columns = fields["course"].selection.columns + fields["student"].selection.columns
        return {"id": FieldMapping(Selection("join", columns), "text")}
    return {}


def _has_unique_codes(collection: Importable, codes: FieldMapping, sample: Sample) -> bool:
    """Returns whether each row has exactly one code, and no two rows share a code.

    Identical rows count as one row.
    """
    recorder = Recorder(ImportMapping(collection, {"codes": codes}))
    rows: dict[str, Cells] = {}
    for values in sample:
        row_codes: list[str] = recorder.record(values)["codes"] or []
        if len(row_codes) != 1 or rows.setdefault(row_codes[0], values) != values:
            return False
    return bool(rows)
