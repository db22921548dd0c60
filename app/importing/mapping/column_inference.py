"""Infers an import mapping from the column names and a sample of the values."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Literal

from app.importing.files import Cells
from app.importing.header import Headers, compact
from app.importing.importable_fields import HEADERS, TARGETS, Importable, Target
from app.importing.mapping.cells import CellGetters
from app.importing.mapping.decisions import Sample, decide_field
from app.importing.mapping.definition import FieldMapping, ImportMapping, MappingError, Selection
from app.importing.mapping.records import NullCounts, Recorder, RowError
from app.importing.mapping.rosters import joined_name, lacks_surname, unknown_roles, who_counts
from app.importing.values import have_counts

_COUNT_COLUMNS = (
    "num reviews", "number of reviews", "review count", "reviews", "reviews count", "num ratings",
    "ratings count", "rating count", "number of ratings", "total ratings", "course rating count",
    "rating number", "ratings",
)  # fmt: skip
_TRIED = 200  # maximum number of sampled rows that a candidate mapping is tried on
_MIN_SHARE = 0.8  # the minimum fraction of the sampled values that a normaliser must accept

#: Optional fields. A row with an invalid value in one of them is rejected, because replacing the value with
#: null would change the meaning of the row.
_REJECT_UNREADABLE = {"courses": ("status",), "reviews": ("rating", "status"), "enrollments": ("status",)}


def infer_mapping(collection: Importable, columns: Sequence[str], sample: Sample) -> ImportMapping:
    """Infers which column is imported as which field, and which rows are left out.

    Raises MappingError if no column is found for a required field.
    """
    where = who_counts(collection, columns, sample)
    included = [values for values in sample if all(condition.accepts(values) for condition in where)]
    sample = included or sample  # a roster of teachers has the columns of any other
    headers, left_out = Headers(collection, columns), unknown_roles(collection, columns, sample)
    fields = _fields(collection, headers, sample, left_out)
    if (
        collection == "students"
        and ("name" not in fields or lacks_surname(fields["name"], columns, sample))
        and (name := joined_name(columns, sample))
    ):
        fields["name"] = name
    fields |= _identifier(collection, fields, sample)
    _check_required(collection, fields, columns)
    return ImportMapping(
        collection,
        {name: fields[name] for name in TARGETS[collection] if name in fields},
        left_out=left_out,
        where=where,
    )


def _fields(
    collection: Importable, headers: Headers, sample: Sample, left_out: dict[str, str]
) -> dict[str, FieldMapping]:
    """Returns the mapping of each field that has a column.

    If a column is named like a field but its values don't fit, adds the column and the reason to left_out.
    """
    fields: dict[str, FieldMapping] = {}
    for name, target in TARGETS[collection].items():
        headers_of = HEADERS[collection][name]
        for candidates in _candidates(collection, name, target, headers, sample):
            column = candidates[0].selection.columns[0]
            chosen = next((c for c in candidates if _fits(collection, name, c, sample)), None)
            if chosen is None and compact(column) in (compact(name), compact(headers_of[0])):
                chosen = _best_candidate(collection, name, candidates, sample)
            if chosen is not None:
                fields[name] = chosen
                headers.use(_columns_of(chosen))
                break
            if (reason := _misfit_reason(collection, name, candidates, sample)) is not None:
                left_out.setdefault(column, reason)
    return fields


def _check_required(
    collection: Importable, fields: Mapping[str, FieldMapping], columns: Sequence[str]
) -> None:
    for name, target in TARGETS[collection].items():
        if target.required and name not in fields:
            missing = name
            if name == "id" and collection in ("reviews", "enrollments"):
                missing = "student" if "course" in fields else "course"
            raise MappingError(
                f"no column looks like “{missing}”, which is required to import {collection}"
                f"{'' if missing == name else ' without a column of ids'}; "
                f"write a mapping (--map). The columns are: {', '.join(columns)}"
            )


def _candidates(
    collection: Importable, name: str, target: Target, headers: Headers, sample: Sample
) -> Iterator[list[FieldMapping]]:
    """Yields the possible mappings of a field, as one list for each column that might contain it."""
    invalid: Literal["reject", "null"]
    invalid = "reject" if target.required or name in _REJECT_UNREADABLE.get(collection, ()) else "null"
    found = (column for header in HEADERS[collection][name] if (column := headers.get(header)))
    for column in dict.fromkeys(found):
        plain = FieldMapping(Selection("column", (column,)), target.normaliser, {}, None, invalid)
        decided = decide_field(plain, sample)
        is_average = target.normaliser == "rating"
        yield _with_counts(collection, name, decided, headers, sample) if is_average else [decided]


def _with_counts(
    collection: Importable, name: str, plain: FieldMapping, headers: Headers, sample: Sample
) -> list[FieldMapping]:
    """Returns the possible mappings of an average. Its count is beside it, in another column, or unknown.

    If a column has counts, the average is read with them or left out, never without them.
    """
    (column,) = plain.selection.columns
    counts = [count for header in _COUNT_COLUMNS if (count := headers.get(header)) not in (None, column)]
    options = [{"count": Selection("column", (count,))} for count in counts if count]
    counted = [decide_field(replace(plain, options=given), sample) for given in options]
    get = CellGetters().field(plain)
    if have_counts([value for values in sample if (value := get(values)) is not None]):
        return [plain, *counted]
    return [candidate for candidate in counted if _try(collection, name, candidate, sample)[0]] or [plain]


def _columns_of(field_mapping: FieldMapping) -> list[str]:
    selections = [field_mapping.selection, *field_mapping.options.values()]
    return [column for s in selections if isinstance(s, Selection) for column in s.columns]


def _fits(collection: Importable, name: str, candidate: FieldMapping, sample: Sample) -> bool:
    """Returns whether a candidate mapping accepts enough of the sampled values."""
    accepted, null_counts = _try(collection, name, candidate, sample)
    refused = sum(null_counts.invalid.values())
    return accepted > 0 and accepted >= _MIN_SHARE * (accepted + refused)


def _best_candidate(
    collection: Importable, name: str, candidates: Sequence[FieldMapping], sample: Sample
) -> FieldMapping | None:
    """Returns the candidate mapping that accepts the most values, or None if none accepts any."""
    accepted = [_try(collection, name, candidate, sample)[0] for candidate in candidates]
    return candidates[accepted.index(max(accepted))] if any(accepted) else None


def _misfit_reason(
    collection: Importable, name: str, candidates: Sequence[FieldMapping], sample: Sample
) -> str | None:
    """Returns why a column doesn't fit a field, with an example, or None if no value was refused."""
    _, null_counts = _try(collection, name, candidates[0], sample)
    for message, examples in null_counts.examples.items():
        return f"looks like {name}; {examples[0]} {message.removeprefix(f'{name}: ')}"
    return None


def _try(
    collection: Importable, name: str, candidate: FieldMapping, sample: Sample
) -> tuple[int, NullCounts]:
    """Returns how many sampled values a candidate mapping accepts, and counts of those that it refuses."""
    recorder = Recorder(ImportMapping(collection, {name: replace(candidate, invalid="null")}))
    accepted = 0
    for values in sample[:_TRIED]:
        with suppress(RowError):  # raised for a required field without a value
            accepted += recorder.record(values)[name] is not None
    return accepted, recorder.null_counts


def _identifier(
    collection: Importable, fields: Mapping[str, FieldMapping], sample: Sample
) -> dict[str, FieldMapping]:
    """Infers what to use as the ID of each row if no column contains an ID.

    For a course, that is its code if all codes are unique, otherwise its title. For a student, it is the
    e-mail address. For an enrolment, it is the combination of course and student. For a review, it is the
    combination of course, student and date, because a student can review a course more than once.
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
        parts = ("course", "student", "createdAt") if collection == "reviews" else ("course", "student")
        columns = tuple(c for part in parts if part in fields for c in fields[part].selection.columns)
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
