"""Infers what identifies the rows of a file that has no column of ids."""

from collections.abc import Callable, Mapping, Sequence

from app.importing.files import Cells
from app.importing.importable_fields import Importable
from app.importing.mapping.decisions import Sample
from app.importing.mapping.definition import FieldMapping, ImportMapping, Selection
from app.importing.mapping.records import Recorder

#: The fields that together identify a row, if there is no column of ids: required fields, and optional ones.
_PARTS: Mapping[Importable, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "courseRuns": (("course", "startsAt"), ()),
    "reviews": (
        ("course", "student"),
        ("createdAt",),
    ),  # a student can have written several reviews of a course
    "enrollments": (("course", "student"), ()),
}
#: Single fields that identify a row, each with its normaliser.
_FIELDS: Mapping[Importable, tuple[str, str]] = {
    "categories": ("slug", "slug"),
    "courses": ("title", "slug"),
    "students": ("email", "text"),
    "instructors": ("name", "line"),  # courses refer to instructors by name
}
_DISTINGUISHING_RUNS = ("title", "location", "deliveryMode")


def identifier(
    collection: Importable, fields: Mapping[str, FieldMapping], sample: Sample
) -> dict[str, FieldMapping]:
    """Infers what to use as the id of each row if no column contains an id.

    For a course, it is the code if all codes are unique, otherwise the title; for a student, the e-mail
    address; for an instructor, the name; for a category, the slug, or the name if there are no slugs. For an
    enrolment, it is the course and the student together; for a review, the course, the student and the date.
    For a run, it is the course and the start, with further fields if these are needed to distinguish the runs
    in the sample.
    """
    if "id" in fields:
        return {}
    if collection == "courses" and "codes" in fields and _has_unique_codes(fields["codes"], sample):
        return {"id": FieldMapping(fields["codes"].selection, "text")}
    if collection in _PARTS:
        return _joined(collection, fields, sample)
    name, normaliser = _FIELDS[collection]
    name = "name" if collection == "categories" and name not in fields else name
    return {"id": FieldMapping(fields[name].selection, normaliser)} if name in fields else {}


def missing_part(collection: Importable, fields: Mapping[str, FieldMapping]) -> str:
    """Returns the field that is needed to identify the rows of a file, but that the file lacks."""
    necessary = _PARTS[collection][0] if collection in _PARTS else (_FIELDS[collection][0],)
    if collection in ("categories", "students"):
        return {"categories": "name"}.get(collection, "id")
    return next((part for part in necessary if part not in fields), "id")


def id_from(
    collection: Importable, columns: Mapping[str, Sequence[str]], choose: Callable[[str], str]
) -> FieldMapping:
    """Returns a mapping of the id that a user can complete.

    columns: the columns of the fields. choose: returns a column for a field that has none.
    """
    names = _PARTS[collection][0] if collection in _PARTS else (_FIELDS[collection][0],)
    if collection == "categories" and "slug" not in columns:
        names = ("name",)
    selected = tuple(column for name in names for column in columns.get(name) or (choose(name),))
    if collection in _PARTS:
        return FieldMapping(Selection("join", selected), "text")
    return FieldMapping(Selection("column", selected[:1]), _FIELDS[collection][1])


def _joined(
    collection: Importable, fields: Mapping[str, FieldMapping], sample: Sample
) -> dict[str, FieldMapping]:
    necessary, further = _PARTS[collection]
    if any(part not in fields for part in necessary):
        return {}
    parts = [*necessary, *(part for part in further if part in fields)]
    selection = Selection("join", _columns(parts, fields))
    if collection == "courseRuns":
        for part in _DISTINGUISHING_RUNS:
            if part in fields and _is_ambiguous(selection, sample):
                parts.append(part)
                selection = Selection("join", _columns(parts, fields), skip_empty=True)
    return {"id": FieldMapping(selection, "text")}


def _columns(parts: Sequence[str], fields: Mapping[str, FieldMapping]) -> tuple[str, ...]:
    return tuple(column for part in parts for column in fields[part].selection.columns)


def _is_ambiguous(selection: Selection, sample: Sample) -> bool:
    """Returns whether different rows of the sample have the same values in the selection's columns."""
    rows: dict[tuple[str, ...], Cells] = {}
    keys = [tuple(str(values.get(column)) for column in selection.columns) for values in sample]
    return any(rows.setdefault(key, values) != values for key, values in zip(keys, sample, strict=True))


def _has_unique_codes(codes: FieldMapping, sample: Sample) -> bool:
    """Returns whether each row has exactly one code, and no two rows share a code.

    Identical rows count as one row.
    """
    recorder = Recorder(ImportMapping("courses", {"codes": codes}))
    rows: dict[str, Cells] = {}
    for values in sample:
        row_codes: list[str] = recorder.record(values)["codes"] or []
        if len(row_codes) != 1 or rows.setdefault(row_codes[0], values) != values:
            return False
    return bool(rows)
