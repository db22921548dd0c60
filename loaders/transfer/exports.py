"""Documents as rows of JSON that import back, and back again.

A row holds what its source said: no aggregates, nothing derived. What it refers to stands in it by external
id, or by `_id` where it has none; a course carries its category, its instructors and its runs.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId

from loaders.collections import COLLECTIONS
from loaders.mongo import Database, find
from loaders.transfer.imports import Key

Row = dict[str, Any]

EXPORT_MARK = "lectern"  # the key by which a row is known to be of an export; it holds the collection
_BATCH = 500

#: Stored by earlier versions.
_LEGACY = ("courseStatus",)
_REFERENCES = {
    "courseId": ("course", "courses"),
    "studentId": ("student", "students"),
    "runId": ("run", "courseRuns"),
}
_MOMENTS = (
    "createdAt",
    "updatedAt",
    "joinedAt",
    "enrolledAt",
    "completedAt",
    "cancelledAt",
    "startsAt",
    "endsAt",
)


async def exported_rows(database: Database, collection: str) -> AsyncIterator[Row]:
    """Every document of a collection as a row, in the order of `_id`. Dates are datetimes."""
    last: ObjectId | None = None
    while documents := await _next(database, collection, last):
        last = documents[-1]["_id"]
        plain = [_plain(collection, document) for document in documents]
        if collection == "courses":
            await _complete_courses(database, documents, plain)
        else:
            await _complete_references(database, documents, plain)
        for row in plain:
            yield {EXPORT_MARK: collection, **row}


def exported_key(row: Mapping[str, Any]) -> Key:
    """By what a row, or a reference in one, is known. Raises ValueError."""
    external = row.get("externalId")
    if external:
        return str(external["source"]), str(external["id"])
    try:
        return ObjectId(row["_id"])
    except (KeyError, InvalidId, TypeError):
        raise ValueError("has neither an external id nor an _id") from None


def exported_object_id(row: Mapping[str, Any]) -> ObjectId:
    """The `_id` a row had. Raises ValueError."""
    try:
        return ObjectId(row["_id"])
    except (KeyError, InvalidId, TypeError):
        raise ValueError("has no _id") from None


def exported_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """The stored fields of a row, without its key and what it refers to. Raises ValueError."""
    left_out = (
        EXPORT_MARK,
        "_id",
        "externalId",
        "course",
        "student",
        "run",
        "category",
        "instructors",
        "runs",
    )
    found = {name: value for name, value in row.items() if name not in left_out}
    for name in _MOMENTS:
        if isinstance(found.get(name), str):
            found[name] = datetime.fromisoformat(found[name])
    if reply := found.get("reply"):
        instructor = reply["instructorId"]
        moment = datetime.fromisoformat(reply["createdAt"])
        found["reply"] = {**reply, "instructorId": instructor and ObjectId(instructor), "createdAt": moment}
    return found


async def _next(database: Database, collection: str, after: ObjectId | None) -> list[Mapping[str, Any]]:
    query = {"_id": {"$gt": after}} if after else {}
    return await find(database[collection], query, size=_BATCH, sort=[("_id", 1)], limit=_BATCH)


def _plain(collection: str, document: Mapping[str, Any]) -> Row:
    row = COLLECTIONS[collection]
    left_out = (*row.derived, *row.aggregates, *_LEGACY, *_REFERENCES, "categorySlug", "instructorIds")
    return {name: value for name, value in document.items() if name not in left_out}


async def _complete_references(
    database: Database, documents: Sequence[Mapping[str, Any]], plain: Sequence[Row]
) -> None:
    for field, (name, collection) in _REFERENCES.items():
        wanted = {d[field] for d in documents if d.get(field)}
        found = await _by_id(database, collection, wanted, {"externalId": 1})
        for document, row in zip(documents, plain, strict=True):
            if field in document:
                row[name] = found.get(document[field], document[field] and {"_id": document[field]})


async def _complete_courses(
    database: Database, documents: Sequence[Mapping[str, Any]], plain: Sequence[Row]
) -> None:
    slugs = [d["categorySlug"] for d in documents if d["categorySlug"]]
    found = await find(database["categories"], {"slug": {"$in": slugs}}, size=len(slugs))
    categories = {category["slug"]: category for category in found}
    instructors = await _by_id(database, "instructors", {i for d in documents for i in d["instructorIds"]})
    runs = await find(
        database["courseRuns"],
        {"courseId": {"$in": [d["_id"] for d in documents]}},
        size=10_000,
        sort=[("_id", 1)],
    )
    by_course: dict[ObjectId, list[Row]] = {}
    for run in runs:
        by_course.setdefault(run["courseId"], []).append(_plain("courseRuns", run))
    for document, row in zip(documents, plain, strict=True):
        row["category"] = categories.get(document["categorySlug"])
        row["instructors"] = [instructors[i] for i in document["instructorIds"] if i in instructors]
        row["runs"] = by_course.get(document["_id"], [])


async def _by_id(
    database: Database, collection: str, ids: Iterable[ObjectId], projection: Mapping[str, int] | None = None
) -> dict[ObjectId, Row]:
    wanted = list(ids)
    found = await find(
        database[collection], {"_id": {"$in": wanted}}, size=len(wanted), projection=projection
    )
    return {document["_id"]: document for document in found}
