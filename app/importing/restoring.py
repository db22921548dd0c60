"""Rows of `lectern export` to documents: the way back, exact and without a mapping."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from app.importing.files import SourceError
from app.importing.importable_fields import Importable
from app.importing.linking import Linked, Record, Unlinked, too_many_categories
from loaders.mongo import Database
from loaders.transfer import (
    EXPORT_MARK,
    Importer,
    Incoming,
    References,
    exported_fields,
    exported_key,
    exported_object_id,
)

_UNKNOWN = "refers to a {} that is not here"


class Restorer:
    """Links the rows of one export, a batch at a time."""

    def __init__(self, database: Database, collection: Importable, *, write: bool) -> None:
        self.notes: Counter[str] = Counter()
        self._collection, self._write = collection, write
        self._references = References(database, "", write=write)
        self._runs = Importer(database, "courseRuns", write=write)

    async def link(self, records: Sequence[Record]) -> list[Linked]:
        """One for each record, in order."""
        linked = [_incoming(record) for record in records]
        if self._collection == "courses":
            await self._courses(records, linked)
        elif self._collection != "students":
            await self._refer(records, linked)
        return linked

    async def after(self, records: Sequence[Record]) -> None:
        """The runs of courses, once the courses are there."""
        rows = [r.fields for r in records if self._collection == "courses" and r.fields.get("runs")]
        courses = await self._references.courses([exported_key(row) for row in rows])
        runs = []
        for row in rows:
            if course := courses.get(exported_key(row)):
                runs += [_run(run, course) for run in row["runs"]]
        if runs:
            await self._runs.upsert(runs)

    async def _courses(self, records: Sequence[Record], linked: list[Linked]) -> None:
        rows = [record.fields for record in records]
        categories = [row["category"] for row in rows if row.get("category")]
        there = await self._references.restore_categories(categories)
        instructors = await self._references.restore(
            "instructors", [i for row in rows for i in row["instructors"]]
        )
        for index, (row, incoming) in enumerate(zip(rows, linked, strict=True)):
            category = row.get("category")
            if category and category["slug"] not in there:
                linked[index] = Unlinked(records[index].row, too_many_categories(category["name"]))
            elif isinstance(incoming, Incoming):
                incoming.new["slug"] = incoming.fields.pop("slug")
                incoming.fields["categorySlug"] = category and category["slug"]
                incoming.fields["instructorIds"] = [instructors[exported_key(i)] for i in row["instructors"]]

    async def _refer(self, records: Sequence[Record], linked: list[Linked]) -> None:
        rows = [record.fields for record in records]
        courses = await self._references.courses(_keys(rows, "course"))
        students = await self._references.students(_keys(rows, "student"))
        runs = await self._references.runs(_keys(rows, "run"))
        for index, (row, incoming) in enumerate(zip(rows, linked, strict=True)):
            if isinstance(incoming, Incoming):
                linked[index] = _referring(row, incoming, courses, students, runs)


def collection_of(sample: Sequence[Mapping[str, Any]]) -> str | None:
    """The collection that an export is of, or None when it is no export."""
    return sample[0].get(EXPORT_MARK) if sample else None


def check_restorable(sample: Sequence[Mapping[str, Any]], collection: Importable) -> None:
    """Raises SourceError when an export is of another collection."""
    if (found := collection_of(sample)) != collection:
        raise SourceError(f"this is an export of {found}: lectern import {found}")


def _incoming(record: Record) -> Linked:
    try:
        row = record.fields
        return Incoming(record.row, exported_key(row), exported_fields(row), {"_id": exported_object_id(row)})
    except (ValueError, TypeError, KeyError) as error:
        return Unlinked(record.row, f"not a row of an export: {error}")


def _run(row: Mapping[str, Any], course: Mapping[str, Any]) -> Incoming:
    fields = {**exported_fields(row), "courseId": course["_id"]}
    return Incoming(0, exported_key(row), fields, {"_id": exported_object_id(row)})


def _keys(rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    return [exported_key(row[name]) for row in rows if row.get(name)]


def _referring(row: Mapping[str, Any], incoming: Incoming, courses: Any, students: Any, runs: Any) -> Linked:
    course = courses.get(exported_key(row["course"]))
    if course is None:
        return Unlinked(incoming.row, _UNKNOWN.format("course"))
    incoming.fields["courseId"] = course["_id"]
    for name, stored, found in (("student", "studentId", students), ("run", "runId", runs)):
        if name in row:
            incoming.fields[stored] = row[name] and found.get(exported_key(row[name]))
            if row[name] and incoming.fields[stored] is None:
                return Unlinked(incoming.row, _UNKNOWN.format(name))
    return incoming
