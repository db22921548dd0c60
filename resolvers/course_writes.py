"""Writes to courses: making, changing, publishing and archiving them."""

from collections.abc import Mapping, Sequence
from typing import Any

import loaders.course_writes
from loaders import list_limits
from loaders.documents import CourseDoc
from loaders.mongo import Transaction
from resolvers.context import Context
from resolvers.errors import RefusedError, refusal
from resolvers.writing import Given, Objects, own_course, viewer_instructor_id

_FIELDS = (
    "title", "slug", "summary", "description", "level", "deliveryModes", "durationDays", "language", "codes",
    "tags", "price", "instructorIds",
)  # fmt: skip
#: What a course of the catalogue has: where it is stored, its name in the input and in messages.
_WANTED = {
    "summary": ("summary", "a summary"),
    "deliveryModes": ("deliveryModes", "a delivery mode"),
}


async def create_course(ctx: Context, tx: Transaction, given: Given) -> Objects:
    fields = await _fields(ctx, tx, given, None)
    if "slug" not in fields:
        fields["slug"] = await loaders.course_writes.free_slug(tx, fields["title"])
    new = {**fields, "status": "DRAFT", "createdAt": tx.now, "updatedAt": tx.now}
    return {"course": await loaders.course_writes.insert(tx, new)}


async def update_course(ctx: Context, tx: Transaction, given: Given) -> Objects:
    course = await own_course(ctx, tx, given["courseId"], "updateCourse")
    fields = await _fields(ctx, tx, given, course)
    if course["status"] == "PUBLISHED":
        _require_described(fields)
    return {"course": await loaders.course_writes.change(tx, course, **fields, updatedAt=tx.now)}


async def publish_course(ctx: Context, tx: Transaction, given: Given) -> Objects:
    """What the catalogue has is described: a summary, and a way to take part."""
    course = await own_course(ctx, tx, given["courseId"], "publishCourse")
    stored: Mapping[str, Any] = course
    missing = [what for field, (_, what) in _WANTED.items() if not stored[field]]
    if missing and course["status"] != "PUBLISHED":
        raise refusal("INVALID", f"Before it is published it needs {' and '.join(missing)}.", "courseId")
    return {"course": await loaders.course_writes.set_status(tx, course, "PUBLISHED", updatedAt=tx.now)}


async def fill_runs(ctx: Context, tx: Transaction, done: Objects) -> Objects | None:
    """While it was out of the catalogue nobody moved up."""
    course = await loaders.course_writes.fill_runs(tx, done["course"]["_id"])
    return course and {"course": course}


async def archive_course(ctx: Context, tx: Transaction, given: Given) -> Objects:
    course = await own_course(ctx, tx, given["courseId"], "archiveCourse")
    return {"course": await loaders.course_writes.set_status(tx, course, "ARCHIVED", updatedAt=tx.now)}


async def _fields(ctx: Context, tx: Transaction, given: Given, course: CourseDoc | None) -> dict[str, Any]:
    """What is stored of a course's input."""
    fields = {name: given[name] for name in _FIELDS if name in given}
    errors: list[RefusedError] = []
    if "categoryId" in given:
        fields["categorySlug"] = await _category(tx, given["categoryId"], errors)
    if "slug" in fields and await loaders.course_writes.slug_is_taken(
        tx, fields["slug"], course["_id"] if course else None
    ):
        errors.append(refusal("DUPLICATE", "Another course has this slug.", "slug"))
    if "instructorIds" in fields or course is None:
        fields["instructorIds"] = await _instructors(ctx, tx, fields.get("instructorIds", []), errors)
    _raise_all(errors)
    return fields


def _require_described(fields: Mapping[str, Any]) -> None:
    """An import may have left a course without something; here nothing of it is taken away."""
    _raise_all(
        [
            refusal("INVALID", f"A course in the catalogue needs {what}.", name)
            for field, (name, what) in _WANTED.items()
            if field in fields and not fields[field]
        ]
    )


def _raise_all(refusals: Sequence[RefusedError]) -> None:
    if refusals:
        raise RefusedError([error for refused in refusals for error in refused.errors])


async def _category(tx: Transaction, id: Any, errors: list[RefusedError]) -> str | None:
    if id is None:
        return None
    category = await tx.get("categories", id)
    if category is None:
        errors.append(refusal("NOT_FOUND", "There is no category with this ID.", "categoryId"))
        return None
    return str(category["slug"])


async def _instructors(
    ctx: Context, tx: Transaction, ids: list[Any], errors: list[RefusedError]
) -> list[Any]:
    """Those given, with the viewer who is one: nobody takes their own course away from themselves."""
    if "STAFF" not in ctx.viewer.roles:
        own = viewer_instructor_id(ctx)
        ids = ids if own in ids else [own, *ids]
        if len(ids) > list_limits.INSTRUCTORS:
            errors.append(
                refusal("INVALID", f"At most {list_limits.INSTRUCTORS} of them, please.", "instructorIds")
            )
    there = await tx.find("instructors", {"_id": {"$in": ids}}, size=len(ids), projection={"_id": 1})
    if len(there) < len(ids):
        errors.append(refusal("NOT_FOUND", "One of these IDs is not an instructor's.", "instructorIds"))
    return ids
