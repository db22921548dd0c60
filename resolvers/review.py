"""Resolvers for Review: its fields, lists of reviews, and mutations of reviews, votes and replies."""

from collections.abc import Sequence

from bson import ObjectId

import loaders.enrollment
import loaders.review
import loaders.review_writes
from loaders.model import (
    CourseDoc,
    Document,
    InstructorDoc,
    ReviewDoc,
    ReviewParent,
    ReviewReplyDoc,
    StudentDoc,
)
from loaders.mongo import Transaction, differs
from loaders.reading import stand_ins
from loaders.review import ReviewCriteria
from resolvers import access
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.inputs import ReviewFilter, ReviewOrder
from resolvers.relay import (
    ConnectionDoc,
    Slice,
    allowed,
    connections,
    effective_criteria,
    ordering,
    set_fields,
)
from resolvers.writing import InputValues, Objects, viewer_student_id, visible_course, visible_review


async def course(reviews: Sequence[ReviewDoc], ctx: Context) -> Sequence[CourseDoc]:
    ids = [review["courseId"] for review in reviews]
    return stand_ins("courses", await ctx.loaders.course_by_id(ids), ids)


async def student(reviews: Sequence[ReviewDoc], ctx: Context) -> Sequence[StudentDoc | None]:
    return await ctx.loaders.student_by_id([review["studentId"] for review in reviews])


async def reply_author(replies: Sequence[ReviewReplyDoc], ctx: Context) -> Sequence[InstructorDoc | None]:
    return await ctx.loaders.instructor_by_id([reply["instructorId"] for reply in replies])


async def viewer_found_helpful(reviews: Sequence[ReviewDoc], ctx: Context) -> Sequence[bool]:
    student = access.as_student(ctx.viewer, "Review.viewerFoundHelpful")
    if student is None:
        return [False] * len(reviews)
    return await loaders.review.votes(ctx.loaders.database, student, [review["_id"] for review in reviews])


async def review_connections(
    ctx: Context,
    parents: Sequence[CourseDoc | None] | Sequence[StudentDoc | None],
    field: ReviewParent,
    arguments: Slice,
    filter: ReviewFilter | None,
    order_by: ReviewOrder | None,
) -> list[ConnectionDoc]:
    """Returns one page per parent, in order, of the reviews that the viewer is allowed to see.

    If a parent is None, its page is empty. field: the field of a review that refers to the parent.
    """
    wanted, order = set_fields(filter), ordering(order_by, "NEWEST")
    listing = loaders.review.listing(
        ctx.loaders,
        _criteria(ctx, wanted, field),
        field,
        order.field,
        descending=order.descending,
        parents=parents,
    )
    scope = ("reviews", field, effective_criteria(wanted), order)
    return await connections(ctx, listing, [p and p["_id"] for p in parents], arguments, scope)


def _criteria(ctx: Context, wanted: Document, field: ReviewParent) -> ReviewCriteria:
    """Converts a filter to criteria for reviews, restricted to reviews that the viewer is allowed to see."""
    statuses = allowed(wanted.get("statuses"), access.review_statuses(ctx.viewer))
    visible = access.course_statuses(ctx.viewer) if field == "studentId" else access.ANY_COURSE
    course_statuses = None if visible == access.ANY_COURSE else visible
    return ReviewCriteria(**{**wanted, "statuses": statuses}, course_statuses=course_statuses)


_CONTENT = ("rating", "title", "body", "difficulty", "workloadHours", "term")


async def create_review(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    student_id = viewer_student_id(ctx)
    course = await visible_course(ctx, tx, values["courseId"])
    if not await loaders.enrollment.counted(tx, student_id, course["_id"]):
        raise refusal(
            "NOT_ENROLLED",
            "Only students who are taking or have taken this course can review it.",
            "courseId",
        )
    if await loaders.review_writes.by_student(tx, student_id, course["_id"]):
        raise refusal(
            "DUPLICATE", "You have already reviewed this course: edit that review instead.", "courseId"
        )
    fields = {
        **_content(values), "studentId": student_id, "verified": True, "createdAt": tx.now,
        "updatedAt": tx.now,
    }  # fmt: skip
    review = await loaders.review_writes.insert(tx, course, fields)
    return {"review": review, "course": await _course(tx, review["courseId"])}


async def update_review(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    review = await visible_review(ctx, tx, values["reviewId"])
    access.require(ctx.viewer, "updateReview", student_id=review["studentId"])
    changed = await loaders.review_writes.edit(tx, review, **_content(values))
    return {"review": changed, "course": await _course(tx, review["courseId"])}


async def delete_review(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    review = await visible_review(ctx, tx, values["reviewId"])
    access.require(ctx.viewer, "deleteReview", student_id=review["studentId"])
    await loaders.review_writes.delete(tx, review)
    return {"review": review, "course": await _course(tx, review["courseId"])}


async def delete_votes(ctx: Context, tx: Transaction, payload: Objects) -> Objects | None:
    """Deletes a batch of votes on a deleted review. Returns None once there are no votes left."""
    review = payload["review"]
    if review["helpfulCount"] == review.get("importedHelpfulCount", 0):
        return None
    return {} if await loaders.review_writes.delete_votes(tx, review["_id"]) else None


async def mark_review_helpful(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    student_id = viewer_student_id(ctx)
    review = await visible_review(ctx, tx, values["reviewId"])
    if review["studentId"] == student_id:
        raise refusal("FORBIDDEN", "You can't mark your own review as helpful.", "reviewId")
    voted = await loaders.review_writes.vote(tx, review, student_id, helpful=values["helpful"])
    return {"review": voted}


async def reply_to_review(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    review = await visible_review(ctx, tx, values["reviewId"])
    course = await _course(tx, review["courseId"])
    access.require(ctx.viewer, "replyToReview", instructor_ids=course["instructorIds"])
    teaches = ctx.viewer.instructor_id in course["instructorIds"]
    reply = {"instructorId": ctx.viewer.instructor_id if teaches else None, "body": values["body"]}
    if not differs(review["reply"] or {}, reply):
        return {"review": review}
    reply["createdAt"] = tx.now
    return {"review": await loaders.review_writes.change(tx, review, reply=reply)}


async def moderate_review(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    review = await visible_review(ctx, tx, values["reviewId"])
    changed = await loaders.review_writes.change(tx, review, status=values["status"])
    return {"review": changed, "course": await _course(tx, review["courseId"])}


async def _course(tx: Transaction, id: ObjectId) -> CourseDoc:
    course: CourseDoc = await tx.get("courses", id)
    return course


def _content(values: InputValues) -> Document:
    return {name: values[name] for name in _CONTENT if name in values}
