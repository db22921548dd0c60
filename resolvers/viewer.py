"""Resolvers for the fields of Viewer, the person who sent the request."""

from collections.abc import Sequence
from typing import TypedDict

from bson import ObjectId

import loaders.student
from loaders.model import InstructorDoc, StudentDoc
from loaders.reading import WHOLE
from resolvers import access
from resolvers.context import Context, Viewer
from resolvers.course import wished_listing
from resolvers.relay import After, Before, ConnectionDoc, First, Last, Slice, connection


class ViewerDoc(TypedDict):
    """The parent object that the resolvers of Viewer's fields receive."""

    roles: list[str]
    studentId: ObjectId | None
    instructorId: ObjectId | None


def viewer_doc(viewer: Viewer) -> ViewerDoc:
    """Returns the viewer's roles in a fixed order, and their student and instructor IDs.

    An ID is None if the viewer lacks the permission to use it.
    """
    order = ("STUDENT", "INSTRUCTOR", "STAFF")
    roles = [role for role in order if role in viewer.roles]
    return {
        "roles": roles,
        "studentId": access.as_student(viewer, "Viewer.student"),
        "instructorId": access.as_instructor(viewer, "Viewer.instructor"),
    }


async def student(viewers: Sequence[ViewerDoc], ctx: Context) -> Sequence[StudentDoc | None]:
    return await ctx.loaders.student_by_id([viewer["studentId"] for viewer in viewers])


async def instructor(viewers: Sequence[ViewerDoc], ctx: Context) -> Sequence[InstructorDoc | None]:
    return await ctx.loaders.instructor_by_id([viewer["instructorId"] for viewer in viewers])


async def wishlist(
    viewers: Sequence[ViewerDoc],
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[ConnectionDoc]:
    """Returns a page of the viewer's wishlist, without courses that are no longer in the catalogue."""
    student = access.as_student(ctx.viewer, "Viewer.wishlist")
    return [await _wishlist(ctx, student, Slice(first, after, last, before)) for _ in viewers]


async def _wishlist(ctx: Context, student_id: ObjectId | None, arguments: Slice) -> ConnectionDoc:
    wishes = await loaders.student.wishes(ctx.loaders.database, student_id) if student_id else []
    listing, scope = wished_listing(ctx, wishes)
    return await connection(ctx, listing, WHOLE if wishes else None, arguments, scope)
