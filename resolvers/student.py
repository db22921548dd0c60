"""Resolvers for Student: its fields, and the mutations that change a profile or wishlist."""

from collections.abc import Sequence

from bson import ObjectId

import loaders.accounts
import loaders.student
from loaders.model import CourseDoc, Document, StudentDoc
from loaders.mongo import Transaction
from loaders.student import MOST_WISHES
from resolvers import access
from resolvers.context import Context
from resolvers.enrollment import enrollment_listing
from resolvers.errors import refusal
from resolvers.relay import (
    After,
    Before,
    ConnectionDoc,
    EnrollmentFilterArgument,
    First,
    Last,
    ReviewOrderArgument,
    Slice,
    connections,
)
from resolvers.review import review_connections
from resolvers.viewer import viewer_doc
from resolvers.writing import InputValues, Objects, viewer_student, viewer_student_id, visible_course


async def email(students: Sequence[StudentDoc], ctx: Context) -> Sequence[str | None]:
    return [s["email"] if access.sees_email(ctx.viewer, s) else None for s in students]


async def reviews(
    students: Sequence[StudentDoc],
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    order_by: ReviewOrderArgument = None,
) -> Sequence[ConnectionDoc]:
    arguments = Slice(first, after, last, before)
    return await review_connections(ctx, students, "studentId", arguments, None, order_by)


async def enrollments(
    students: Sequence[StudentDoc],
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: EnrollmentFilterArgument = None,
) -> Sequence[ConnectionDoc]:
    listing, scope = enrollment_listing(ctx, "studentId", filter)
    parents = [s["_id"] if access.sees_enrollments_of(ctx.viewer, s) else None for s in students]
    return await connections(ctx, listing, parents, Slice(first, after, last, before), scope)


_PROFILE_FIELDS = ("name", "country", "bio", "avatarUrl")


async def update_profile(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    student = await viewer_student(ctx, tx)
    fields: Document = {name: values[name] for name in _PROFILE_FIELDS if name in values}
    if fields.get("name", student["name"]) != student["name"]:
        await loaders.accounts.rename(tx, student["_id"], fields["name"])
    return {"student": await loaders.student.change(tx, student, **fields)}


async def add_to_wishlist(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    student_id = viewer_student_id(ctx)
    course = await visible_course(ctx, tx, values["courseId"])
    wished = await _wished(tx, student_id)
    if course["_id"] not in wished:
        if len(wished) >= MOST_WISHES:
            message = f"A wishlist can contain at most {MOST_WISHES} courses: remove one of them first."
            raise refusal("CONFLICT", message, "courseId")
        await loaders.student.add_to_wishlist(tx, student_id, course["_id"])
    return {"course": course, "viewer": viewer_doc(ctx.viewer)}


async def remove_from_wishlist(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    """Removes a course from the viewer's wishlist, even if it is no longer in the catalogue.

    If the viewer can no longer see the course, the payload doesn't contain it.
    """
    student_id, course_id = viewer_student_id(ctx), values["courseId"]
    if course_id in await _wished(tx, student_id):
        await loaders.student.remove_from_wishlist(tx, student_id, course_id)
        course: CourseDoc | None = await tx.get("courses", course_id)
    else:
        course = await visible_course(ctx, tx, course_id)
    shown = course if course and access.sees(ctx.viewer, "courses", course) else None
    return {"course": shown, "viewer": viewer_doc(ctx.viewer)}


async def _wished(tx: Transaction, student_id: ObjectId) -> set[ObjectId]:
    wishlist = await loaders.student.wishlist(tx, student_id)
    return {wish["courseId"] for wish in wishlist["courses"]}
