"""Infers an import mapping from the column names and a sample of the values."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Literal

from app.importing.header import Headers, Measure, compact
from app.importing.importable_fields import HEADERS, TARGETS, Importable, Target
from app.importing.mapping.cells import CellGetters
from app.importing.mapping.decisions import Sample, day_first, decide_field
from app.importing.mapping.definition import FieldMapping, ImportMapping, LeftOut, MappingError, Selection
from app.importing.mapping.identifiers import identifier, missing_part
from app.importing.mapping.records import NullCounts, Recorder, RowError
from app.importing.mapping.rosters import joined_name, lacks_surname, unknown_roles, who_counts
from app.importing.mapping.suggestions import missing_fields, missing_lines
from app.importing.values import have_counts

_COUNT_COLUMNS = (
    "num reviews", "number of reviews", "review count", "reviews", "reviews count", "num ratings",
    "ratings count", "rating count", "number of ratings", "total ratings", "course rating count",
    "rating number", "ratings", "anzahl bewertungen", "nombre d avis", "número de valoraciones",
    "numero di recensioni", "número de avaliações", "aantal beoordelingen", "liczba ocen", "liczba opinii",
    "počet hodnocení", "количество оценок", "количество отзывов",
)  # fmt: skip
_DATES = ("date", "end_date")
#: What the name of a column can end with, by the normaliser of its field.
_MEASURES: Mapping[str, Measure] = {"price": "currency", "duration": "unit"}
_ADVICE = (
    "Write a mapping: save what --print-map prints in a file, complete it, and add --map and the file."
    " The lines that it lacks look like this:"
)
_TRIED = 200  # maximum number of sampled values that a candidate mapping is tried on
_MIN_SHARE = 0.8  # the minimum fraction of the sampled values that a normaliser must accept

#: Optional fields in which an invalid value is not replaced with null, because that would change the meaning
#: of the row. The row is rejected instead.
_REJECT_UNREADABLE = {
    "courses": ("status",),
    "courseRuns": ("seats",),
    "reviews": ("rating", "status"),
    "enrollments": ("status",),
}


def infer_mapping(
    collection: Importable, columns: Sequence[str], sample: Sample, *, partial: bool = False
) -> ImportMapping:
    """Infers which column is imported as which field, and which rows are left out.

    If no column is found for a required field, raises MappingError, or leaves the field out if `partial`.
    """
    where = who_counts(collection, columns, sample)
    included = [values for values in sample if all(condition.accepts(values) for condition in where)]
    sample = included or sample  # even rows that are left out show what the columns contain
    headers, left_out = Headers(collection, columns), unknown_roles(collection, columns, sample)
    fields = _fields(collection, headers, sample, left_out)
    if (
        collection in ("students", "instructors")
        and ("name" not in fields or lacks_surname(fields["name"], columns, sample))
        and (name := joined_name(columns, sample))
    ):
        fields["name"] = name
    fields |= identifier(collection, fields, sample)
    if not partial:
        _check_required(collection, fields, columns, left_out)
    return ImportMapping(
        collection,
        {name: fields[name] for name in TARGETS[collection] if name in fields},
        left_out=left_out,
        where=where,
    )


def _fields(
    collection: Importable, headers: Headers, sample: Sample, left_out: dict[str, LeftOut]
) -> dict[str, FieldMapping]:
    """Returns the mapping of each field that has a column.

    If a column is named like a field but its values don't fit, adds the column and the reason to left_out.
    """
    fields: dict[str, FieldMapping] = {}
    orders = _day_orders(collection, headers, sample)
    for name, target in TARGETS[collection].items():
        headers_of = HEADERS[collection][name]
        for candidates in _candidates(collection, name, target, headers, sample, orders):
            column = candidates[0].selection.columns[0]
            chosen = next((c for c in candidates if _fits(collection, name, c, sample)), None)
            if chosen is None and compact(column) in (compact(name), compact(headers_of[0])):
                chosen = _best_candidate(collection, name, candidates, sample)
            if chosen is not None:
                fields[name] = chosen
                headers.use(_columns_of(chosen))
                break
            if (reason := _misfit_reason(collection, name, candidates, sample)) is not None:
                left_out.setdefault(column, LeftOut(reason, name))
    return fields


def _check_required(
    collection: Importable,
    fields: Mapping[str, FieldMapping],
    columns: Sequence[str],
    left_out: Mapping[str, LeftOut],
) -> None:
    """Raises MappingError if a required field has no column. Its advice has the lines that would map one."""
    if names := missing_fields(collection, fields):
        name = names[0]
        missing = missing_part(collection, fields) if name == "id" else name
        misfit = next(
            (f"{c} {reason.text}" for c, reason in left_out.items() if reason.field == missing), None
        )
        without = "" if missing == name else " when there is no id column"
        problem = misfit or (
            f"no column looks like “{missing}”, which is required to import {collection}{without}."
            f" The columns are: {', '.join(columns)}"
        )
        lines = missing_lines(collection, fields, columns, left_out)
        raise MappingError(problem, [_ADVICE, *(f"  {line}" for line in lines)])


def _candidates(
    collection: Importable,
    name: str,
    target: Target,
    headers: Headers,
    sample: Sample,
    orders: Mapping[str, bool],
) -> Iterator[list[FieldMapping]]:
    """Yields a list of possible mappings for each column that might contain a field."""
    invalid: Literal["reject", "null"]
    invalid = "reject" if target.required or name in _REJECT_UNREADABLE.get(collection, ()) else "null"
    measure = _MEASURES.get(target.normaliser)
    found = (c for header in HEADERS[collection][name] if (c := headers.get(header, measure)))
    for column in dict.fromkeys(found):
        plain = FieldMapping(Selection("column", (column,)), target.normaliser, {}, None, invalid)
        decided = decide_field(plain, sample)
        if target.normaliser == "rating":
            yield _with_counts(collection, name, decided, headers, sample)
        elif target.normaliser in _DATES:
            yield [decided, *_in_order_of_others(decided, orders)]
        else:
            yield [decided]


def _with_counts(
    collection: Importable, name: str, plain: FieldMapping, headers: Headers, sample: Sample
) -> list[FieldMapping]:
    """Returns the possible mappings of an average rating.

    The number of ratings can be in the same cell, in a column of counts, or unknown. A mapping of the
    average alone is included only if its cells contain the counts, or if no column of counts fits.
    """
    (column,) = plain.selection.columns
    counts = [count for header in _COUNT_COLUMNS if (count := headers.get(header)) not in (None, column)]
    options = [{"count": Selection("column", (count,))} for count in counts if count]
    counted = [decide_field(replace(plain, options=given), sample) for given in options]
    get = CellGetters().field(plain)
    if have_counts([value for values in sample if (value := get(values)) is not None]):
        return [plain, *counted]
    return [candidate for candidate in counted if _try(collection, name, candidate, sample)[0]] or [plain]


def _day_orders(collection: Importable, headers: Headers, sample: Sample) -> Mapping[str, bool]:
    """Returns whether the day comes before the month, for each column whose dates show the order."""
    names = [name for name, target in TARGETS[collection].items() if target.normaliser in _DATES]
    found = {headers.get(header) for name in names for header in HEADERS[collection][name]}
    return {c: order for c in found if c and (order := day_first(c, sample)) is not None}


def _in_order_of_others(decided: FieldMapping, orders: Mapping[str, bool]) -> Iterator[FieldMapping]:
    """Yields a mapping with the day and month in the same order as in the other date columns.

    Yields nothing if the order is already decided, or if the other columns don't all have the same order. The
    mapping helps if a column's own dates are ambiguous. For example, every run might start by the 12th of a
    month, but some runs might end later in the month.
    """
    others = {column: order for column, order in orders.items() if column not in decided.selection.columns}
    if len(set(others.values())) == 1 and "day_first" not in decided.options:
        column, order = min(others.items())
        words = f"{'day' if order else 'month'} first, as in “{column}”"
        yield replace(
            decided,
            options={**decided.options, "day_first": order},
            assumed={**decided.assumed, "day_first": words},
        )


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
    """Returns the candidate mapping that accepts the most values, or None if no candidate accepts any."""
    accepted = [_try(collection, name, candidate, sample)[0] for candidate in candidates]
    return candidates[accepted.index(max(accepted))] if any(accepted) else None


def _misfit_reason(
    collection: Importable, name: str, candidates: Sequence[FieldMapping], sample: Sample
) -> str | None:
    """Returns why a column doesn't fit a field, with an example, or None if no value was refused."""
    _, null_counts = _try(collection, name, candidates[0], sample)
    for message, examples in null_counts.examples.items():
        return f"looks like {name}, but {examples[0]} {message.removeprefix(f'{name}: ')}"
    return None


def _try(
    collection: Importable, name: str, candidate: FieldMapping, sample: Sample
) -> tuple[int, NullCounts]:
    """Returns how many sampled values a candidate mapping accepts, and counts of the refused values."""
    recorder = Recorder(ImportMapping(collection, {name: replace(candidate, invalid="null")}))
    get = CellGetters().field(candidate)
    # Rows without a value say nothing about the column: all its values can come late in the sample.
    rows = islice((values for values in sample if get(values) is not None), _TRIED)
    accepted = 0
    for values in rows:
        with suppress(RowError):  # raised if a required field becomes empty
            accepted += recorder.record(values)[name] is not None
    return accepted, recorder.null_counts
