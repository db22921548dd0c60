"""What students say of themselves, and their wishlists."""

from typing import Any

import loaders.writes.student
from loaders.transactions import Transaction
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.viewer import viewer_doc
from resolvers.writes import found
from resolvers.writing import Given, Objects

_PROFILE = ("name", "country", "bio", "avatarUrl")
_MOST_WISHES = 200


async def update_profile(ctx: Context, tx: Transaction, given: Given) -> Objects:
    student = await tx.get("students", found.student_id(ctx))
    fields: dict[str, Any] = {name: given[name] for name in _PROFILE if name in given}
    return {"student": await loaders.writes.student.change(tx, student, **fields)}


async def add_to_wishlist(ctx: Context, tx: Transaction, given: Given) -> Objects:
    student_id = found.student_id(ctx)
    course = await found.course(ctx, tx, given["courseId"])
    wishlist = await loaders.writes.student.wishlist(tx, student_id)
    if len(wishlist["courses"]) >= _MOST_WISHES:
        raise refusal("CONFLICT", f"A wishlist has at most {_MOST_WISHES} courses.", "courseId")
    await loaders.writes.student.add_to_wishlist(tx, student_id, course["_id"])
    return {"course": course, "viewer": viewer_doc(ctx.viewer)}


async def remove_from_wishlist(ctx: Context, tx: Transaction, given: Given) -> Objects:
    student_id = found.student_id(ctx)
    course = await tx.get("courses", given["courseId"])
    await loaders.writes.student.remove_from_wishlist(tx, student_id, given["courseId"])
    return {"course": course, "viewer": viewer_doc(ctx.viewer)}
