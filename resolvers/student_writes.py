"""What students say of themselves, and their wishlists."""

from typing import Any

from bson import ObjectId

import loaders.student_writes
from loaders.documents import CourseDoc
from loaders.mongo.transactions import Transaction
from resolvers.access import permissions
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.viewer import viewer_doc
from resolvers.writing import targets
from resolvers.writing.runner import Given, Objects

_PROFILE = ("name", "country", "bio", "avatarUrl")
_MOST_WISHES = 200


async def update_profile(ctx: Context, tx: Transaction, given: Given) -> Objects:
    student = await targets.student(ctx, tx)
    fields: dict[str, Any] = {name: given[name] for name in _PROFILE if name in given}
    return {"student": await loaders.student_writes.change(tx, student, **fields)}


async def add_to_wishlist(ctx: Context, tx: Transaction, given: Given) -> Objects:
    student_id = targets.student_id(ctx)
    course = await targets.course(ctx, tx, given["courseId"])
    wished = await _wished(tx, student_id)
    if course["_id"] not in wished:
        if len(wished) >= _MOST_WISHES:
            raise refusal("CONFLICT", f"A wishlist has at most {_MOST_WISHES} courses.", "courseId")
        await loaders.student_writes.add_to_wishlist(tx, student_id, course["_id"])
    return {"course": course, "viewer": viewer_doc(ctx.viewer)}


async def remove_from_wishlist(ctx: Context, tx: Transaction, given: Given) -> Objects:
    """Also one that is no longer in the catalogue, of which nothing is told."""
    student_id, course_id = targets.student_id(ctx), given["courseId"]
    if course_id in await _wished(tx, student_id):
        await loaders.student_writes.remove_from_wishlist(tx, student_id, course_id)
        course: CourseDoc | None = await tx.get("courses", course_id)
    else:
        course = await targets.course(ctx, tx, course_id)
    shown = course if course and permissions.sees_course(ctx.viewer, course) else None
    return {"course": shown, "viewer": viewer_doc(ctx.viewer)}


async def _wished(tx: Transaction, student_id: ObjectId) -> set[ObjectId]:
    wishlist = await loaders.student_writes.wishlist(tx, student_id)
    return {wish["courseId"] for wish in wishlist["courses"]}
