"""What students say of themselves, and their wishlists."""

from typing import Any

from bson import ObjectId

import loaders.writes.student
from loaders.documents import CourseDoc
from loaders.transactions import Transaction
from resolvers import permissions
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.viewer import viewer_doc
from resolvers.writes import found
from resolvers.writing import Given, Objects

_PROFILE = ("name", "country", "bio", "avatarUrl")
_MOST_WISHES = 200


async def update_profile(ctx: Context, tx: Transaction, given: Given) -> Objects:
    student = await found.student(ctx, tx)
    fields: dict[str, Any] = {name: given[name] for name in _PROFILE if name in given}
    return {"student": await loaders.writes.student.change(tx, student, **fields)}


async def add_to_wishlist(ctx: Context, tx: Transaction, given: Given) -> Objects:
    student_id = found.student_id(ctx)
    course = await found.course(ctx, tx, given["courseId"])
    wished = await _wished(tx, student_id)
    if course["_id"] not in wished:
        if len(wished) >= _MOST_WISHES:
            raise refusal("CONFLICT", f"A wishlist has at most {_MOST_WISHES} courses.", "courseId")
        await loaders.writes.student.add_to_wishlist(tx, student_id, course["_id"])
    return {"course": course, "viewer": viewer_doc(ctx.viewer)}


async def remove_from_wishlist(ctx: Context, tx: Transaction, given: Given) -> Objects:
    """Also one that is no longer in the catalogue, of which nothing is told."""
    student_id, course_id = found.student_id(ctx), given["courseId"]
    if course_id in await _wished(tx, student_id):
        await loaders.writes.student.remove_from_wishlist(tx, student_id, course_id)
        course: CourseDoc | None = await tx.get("courses", course_id)
    else:
        course = await found.course(ctx, tx, course_id)
    shown = course if course and permissions.sees_course(ctx.viewer, course) else None
    return {"course": shown, "viewer": viewer_doc(ctx.viewer)}


async def _wished(tx: Transaction, student_id: ObjectId) -> set[ObjectId]:
    wishlist = await loaders.writes.student.wishlist(tx, student_id)
    return {wish["courseId"] for wish in wishlist["courses"]}
