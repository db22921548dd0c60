"""Turns rows written by `lectern export` back into the same documents, without a mapping."""

from collections.abc import Mapping, Sequence

from bson import ObjectId

from app.importing.files import Cells, SourceError
from app.importing.importable_fields import Fields, Importable
from app.importing.linking import Linked, Record, Unlinked, too_many_categories
from loaders.model import MOST_PREREQUISITES
from loaders.mongo import Database
from loaders.transfer import (
    EXPORT_MARK,
    CategoryRows,
    Importer,
    Incoming,
    Reference,
    References,
    Touched,
    exported_fields,
    exported_key,
    exported_object_id,
)

_NO_RUN = "runs that can't be imported, because they belong to another course, for example"
_UNKNOWN = "refers to a {} that does not exist"

_Ids = Mapping[Reference, ObjectId]


class Restorer:
    """Turns the records of an export into documents, a batch at a time.

    Files that are not exports are handled by the linkers in `linking` and `catalogue_linking`.
    """

    def __init__(self, database: Database, collection: Importable, touched: Touched, *, write: bool) -> None:
        self._collection, self._write = collection, write
        self._references = References(database, "", write=write)
        self._categories = CategoryRows(database)
        self._runs = Importer(database, "courseRuns", touched, write=write)
        self.notes = self._runs.notes
        self.examples: dict[str, str] = {}

    async def link(self, records: Sequence[Record]) -> list[Linked]:
        """Turns each record, in order, into a document, or into an Unlinked if it can't be imported."""
        linked = [_incoming(record) for record in records]
        if self._collection == "courses":
            await self._link_courses(records, linked)
        elif self._collection == "categories":
            linked = [await self._category(row) for row in linked]
        elif self._collection == "instructors":
            for row in linked:
                _set_slugs_if_new(row)
        elif self._collection != "students":
            await self._link_references(records, linked)
        return linked

    async def after(self, records: Sequence[Record]) -> None:
        """Imports the course runs, once the courses have been stored."""
        rows = [r.fields for r in records if self._collection == "courses" and r.fields.get("runs")]
        courses = await self._references.courses([exported_key(row) for row in rows])
        runs = []
        for row in rows:
            if course := courses.get(exported_key(row)):
                runs += [_run(run, course) for run in row["runs"]]
        if runs:
            outcomes = await self._runs.upsert(runs)
            self.notes[_NO_RUN] += sum(outcome.kind == "rejected" for outcome in outcomes)

    async def _link_courses(self, records: Sequence[Record], linked: list[Linked]) -> None:
        rows = [record.fields for record in records]
        categories = [row["category"] for row in rows if row.get("category")]
        existing = await self._references.restore_categories(categories)
        instructors = await self._references.restore(
            "instructors", [i for row in rows for i in row["instructors"]]
        )
        for index, (row, incoming) in enumerate(zip(rows, linked, strict=True)):
            category = row.get("category")
            if category and category["slug"] not in existing:
                linked[index] = Unlinked(records[index].row, too_many_categories(category["name"]))
            elif isinstance(incoming, Incoming):
                _set_slugs_if_new(incoming)
                incoming.fields["categorySlug"] = category and existing[category["slug"]]
                incoming.fields["instructorIds"] = [instructors[exported_key(i)] for i in row["instructors"]]

    async def _category(self, row: Linked) -> Linked:
        refusal = await self._categories.place(row) if isinstance(row, Incoming) else None
        return Unlinked(row.row, refusal) if refusal else row

    async def _link_references(self, records: Sequence[Record], linked: list[Linked]) -> None:
        rows = [record.fields for record in records]
        courses = await self._references.courses(_keys(rows, "course"))
        students = await self._references.students(_keys(rows, "student"))
        runs = await self._references.runs(_keys(rows, "run"))
        for index, (row, incoming) in enumerate(zip(rows, linked, strict=True)):
            if isinstance(incoming, Incoming):
                linked[index] = _with_references(row, incoming, courses, students, runs)


def collection_of(sample: Sequence[Cells]) -> str | None:
    """Returns the collection from which the rows were exported, or None if they are not from an export."""
    return sample[0].get(EXPORT_MARK) if sample else None


def check_restorable(sample: Sequence[Cells], collection: Importable) -> None:
    """Raises SourceError if the rows are an export of another collection."""
    if (exported := collection_of(sample)) != collection:
        raise SourceError(f"this is an export of {exported}; use `lectern import {exported}`")


def _incoming(record: Record) -> Linked:
    try:
        row = record.fields
        new = {"_id": exported_object_id(row)}
        return Incoming(record.row, exported_key(row), exported_fields(row), new, _prerequisites(row))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return Unlinked(record.row, f"not a row from an export: {error}")


def _set_slugs_if_new(row: Linked) -> None:
    """Has the slug and the former slugs set only if the document is new."""
    if isinstance(row, Incoming):
        row.new |= {name: row.fields.pop(name) for name in ("slug", "oldSlugs") if name in row.fields}


def _prerequisites(row: Cells) -> list[Reference] | None:
    if "prerequisites" not in row:
        return None
    return [exported_key(of) for of in row["prerequisites"][:MOST_PREREQUISITES]]


def _run(row: Cells, course: Fields) -> Incoming:
    fields = {**exported_fields(row), "courseId": course["_id"]}
    return Incoming(0, exported_key(row), fields, {"_id": exported_object_id(row)})


def _keys(rows: Sequence[Cells], name: str) -> list[Reference]:
    return [exported_key(row[name]) for row in rows if row.get(name)]


def _with_references(
    row: Cells, incoming: Incoming, courses: Mapping[Reference, Fields], students: _Ids, runs: _Ids
) -> Linked:
    course = courses.get(exported_key(row["course"]))
    if course is None:
        return Unlinked(incoming.row, _UNKNOWN.format("course"))
    incoming.fields["courseId"] = course["_id"]
    for name, stored_name, ids in (("student", "studentId", students), ("run", "runId", runs)):
        if name in row:
            incoming.fields[stored_name] = row[name] and ids.get(exported_key(row[name]))
            if row[name] and incoming.fields[stored_name] is None:
                return Unlinked(incoming.row, _UNKNOWN.format(name))
    return incoming
