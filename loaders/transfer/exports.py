"""Exports documents as JSON rows that can be imported again without loss.

A row contains what the source supplied, without aggregates and derived fields. It refers to another document
by external id, or by `_id` if that document has no external id. A course includes its category, instructors
and runs; it refers to its prerequisites.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId

from loaders.collections import COLLECTIONS
from loaders.model import MOST_CATEGORY_SLUGS, MOST_OLD_SLUGS, Document
from loaders.mongo import Database, Fields, find
from loaders.transfer.imports import Key

Row = Mapping[str, Any]  # a JSON object; its keys depend on the collection
_NewRow = dict[str, Any]  # a row that is being built

EXPORT_MARK = "lectern"  # the key that marks a row as exported; its value is the name of the collection
_BATCH = 500

#: `courseStatus` was stored by earlier versions. `flagRound` must not be set to an earlier value, which would
#: open the flags of that round again. `mergedInto` is an `_id` of this database.
_LEFT_OUT = ("courseStatus", "flagRound", "mergedInto")
_REFERENCES = {
    "courseId": ("course", "courses"),
    "studentId": ("student", "students"),
    "runId": ("run", "courseRuns"),
}
_DATES = (
    "createdAt",
    "updatedAt",
    "joinedAt",
    "erasedAt",
    "enrolledAt",
    "completedAt",
    "cancelledAt",
    "startsAt",
    "endsAt",
)


async def exported_rows(database: Database, collection: str) -> AsyncIterator[Row]:
    """Yields every document of a collection as a row, in `_id` order. Dates are datetime objects."""
    last: ObjectId | None = None
    while documents := await _next_batch(database, collection, last):
        last = documents[-1]["_id"]
        rows = [_own_fields(collection, document) for document in documents]
        if collection == "courses":
            await _add_course_parts(database, documents, rows)
        else:
            await _add_references(database, documents, rows)
        for row in rows:
            yield {EXPORT_MARK: collection, **row}


def exported_key(row: Row) -> Key:
    """Returns the key of an exported row, or of a reference in a row. Raises ValueError if it is missing."""
    external = row.get("externalId")
    if external:
        return str(external["source"]), str(external["id"])
    try:
        return ObjectId(row["_id"])
    except (KeyError, InvalidId, TypeError):
        raise ValueError("has neither an external id nor an _id") from None


def exported_object_id(row: Row) -> ObjectId:
    """Returns the `_id` of an exported document. Raises ValueError if the row has no valid `_id`."""
    try:
        return ObjectId(row["_id"])
    except (KeyError, InvalidId, TypeError):
        raise ValueError("has no _id") from None


def exported_fields(row: Row) -> Document:
    """Returns a row's stored fields, without its key and its references.

    Raises ValueError if a date is invalid, and TypeError if `oldSlugs` isn't a list.
    """
    left_out = (
        EXPORT_MARK,
        "_id",
        "externalId",
        "course",
        "student",
        "run",
        "category",
        "instructors",
        "prerequisites",
        "runs",
    )
    fields = {name: value for name, value in row.items() if name not in left_out}
    for name in _DATES:
        if isinstance(fields.get(name), str):
            fields[name] = datetime.fromisoformat(fields[name])
    if "oldSlugs" in fields:
        most = MOST_CATEGORY_SLUGS if row.get(EXPORT_MARK) == "categories" else MOST_OLD_SLUGS
        fields["oldSlugs"] = [str(slug) for slug in fields["oldSlugs"] or ()][-most:]
    if "importedRating" in fields and not _is_rating(fields["importedRating"]):
        fields["importedRating"] = None
    if reply := fields.get("reply"):
        instructor = reply["instructorId"]
        moment = datetime.fromisoformat(reply["createdAt"])
        fields["reply"] = {**reply, "instructorId": instructor and ObjectId(instructor), "createdAt": moment}
    return fields


def _is_rating(value: Any) -> bool:  # Any, because a row can contain any JSON value
    """Returns whether a value is an imported rating.

    It may be none, because an export contains what is stored. JSON has no NaN, so NaN is exported as null.
    """
    if not isinstance(value, Mapping):
        return False
    average, count = value.get("average"), value.get("count")
    is_counted = count is None or (type(count) is int and 0 <= count < 2**31)
    return isinstance(average, int | float) and 1 <= average <= 5 and is_counted


async def _next_batch(database: Database, collection: str, after: ObjectId | None) -> list[Document]:
    query = {"_id": {"$gt": after}} if after else {}
    return await find(database[collection], query, size=_BATCH, sort=[("_id", 1)], limit=_BATCH)


def _own_fields(collection: str, document: Document) -> _NewRow:
    stored = COLLECTIONS[collection]
    parts = ("categorySlug", "instructorIds", "prerequisiteIds")
    left_out = (*stored.derived, *stored.aggregates, *_LEFT_OUT, *_REFERENCES, *parts)
    return {name: value for name, value in document.items() if name not in left_out}


async def _add_references(database: Database, documents: Sequence[Document], rows: Sequence[_NewRow]) -> None:
    for field, (name, collection) in _REFERENCES.items():
        wanted = {d[field] for d in documents if isinstance(d.get(field), ObjectId)}
        found = await _by_id(database, collection, wanted, {"externalId": 1})
        for document, row in zip(documents, rows, strict=True):
            if field in document:
                referred = document[field]  # a damaged reference can be any value, and refers to nothing
                known = isinstance(referred, ObjectId)
                row[name] = found.get(referred, {"_id": referred}) if known else None


async def _add_course_parts(
    database: Database, documents: Sequence[Document], rows: Sequence[_NewRow]
) -> None:
    categories = await _categories_by_slug(database, {d["categorySlug"] for d in documents})
    instructors = await _by_id(database, "instructors", {i for d in documents for i in d["instructorIds"]})
    needed = {i for d in documents for i in d.get("prerequisiteIds", ())}
    prerequisites = await _by_id(database, "courses", needed, {"externalId": 1}) if needed else {}
    runs = await find(
        database["courseRuns"],
        {"courseId": {"$in": [d["_id"] for d in documents]}},
        size=10_000,
        sort=[("_id", 1)],
    )
    by_course: dict[ObjectId, list[Row]] = {}
    for run in runs:
        by_course.setdefault(run["courseId"], []).append(_own_fields("courseRuns", run))
    for document, row in zip(documents, rows, strict=True):
        category = categories.get(document["categorySlug"])
        row["category"] = category and _own_fields("categories", category)
        row["instructors"] = [
            _own_fields("instructors", instructors[i]) for i in document["instructorIds"] if i in instructors
        ]
        if "prerequisiteIds" in document:
            row["prerequisites"] = [
                prerequisites[i] for i in document["prerequisiteIds"] if i in prerequisites
            ]
        row["runs"] = by_course.get(document["_id"], [])


async def _categories_by_slug(database: Database, slugs: Set[Any]) -> dict[Any, Document]:
    """Maps slugs to their categories. Sends one command.

    A former slug leads to its category too: the courses of a category that was renamed or merged keep the
    former slug until they have been moved.
    """
    wanted = [slug for slug in slugs if isinstance(slug, str)]
    query = {"$or": [{"slug": {"$in": wanted}}, {"oldSlugs": {"$in": wanted}}]}
    stored = await find(database["categories"], query, size=len(wanted), sort=[("_id", -1)])
    former = {slug: one for one in stored for slug in former_slugs(one) if slug in slugs}
    return former | {one["slug"]: one for one in stored}


def former_slugs(document: Fields) -> list[str]:
    """Returns the former slugs of a document. Other programs may have stored any value."""
    stored = document.get("oldSlugs")
    return [slug for slug in stored if isinstance(slug, str)] if isinstance(stored, list) else []


async def _by_id(
    database: Database, collection: str, ids: Iterable[ObjectId], projection: Mapping[str, int] | None = None
) -> dict[ObjectId, Document]:
    wanted = list(ids)
    found = await find(
        database[collection], {"_id": {"$in": wanted}}, size=len(wanted), projection=projection
    )
    return {document["_id"]: document for document in found}
