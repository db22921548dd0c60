"""Resolvers for Review: its fields, lists of reviews, and mutations of reviews, votes, flags and replies."""

from collections.abc import Sequence

from bson import ObjectId

import loaders.enrollment
import loaders.review
import loaders.review_flags
import loaders.review_writes
from loaders.model import (
    CourseDoc,
    Document,
    InstructorDoc,
    ReviewDoc,
    ReviewParent,
    ReviewReplyDoc,
    ReviewStatus,
    StudentDoc,
)
from loaders.mongo import Transaction, differs
from loaders.reading import WHOLE, stand_ins
from loaders.review import ReviewCriteria
from resolvers import access
from resolvers.context import Context
from resolvers.errors import rate_limited, refusal
from resolvers.inputs import ReviewFilter, ReviewOrder
from resolvers.relay import (
    ConnectionDoc,
    Slice,
    allowed,
    connection,
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


async def flag_count(reviews: Sequence[ReviewDoc], ctx: Context) -> Sequence[int]:
    if not access.allows(ctx.viewer, "Review.flagCount"):
        return [0] * len(reviews)
    return [review.get("flagCount", 0) for review in reviews]


async def moderation_reason(reviews: Sequence[ReviewDoc], ctx: Context) -> Sequence[str | None]:
    return [
        review.get("moderationReason")
        if access.allows(ctx.viewer, "Review.moderationReason", student_id=review["studentId"])
        else None
        for review in reviews
    ]


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


async def all_reviews(
    ctx: Context, arguments: Slice, filter: ReviewFilter | None, order_by: ReviewOrder | None
) -> ConnectionDoc:
    """Returns a page of all reviews, of any course, that the viewer is allowed to see in lists."""
    wanted, order = set_fields(filter), ordering(order_by, "NEWEST")
    listing = loaders.review.listing(
        ctx.loaders, _criteria(ctx, wanted, None), None, order.field, descending=order.descending
    )
    return await connection(
        ctx, listing, WHOLE, arguments, ("reviews", "all", effective_criteria(wanted), order)
    )


def _criteria(ctx: Context, wanted: Document, field: ReviewParent | None) -> ReviewCriteria:
    """Converts a filter to criteria for reviews, restricted to reviews that the viewer is allowed to see.

    field: the field of a review that refers to the parent of the list; None for the list of all reviews.
    """
    statuses = allowed(wanted.get("statuses"), access.review_statuses(ctx.viewer))
    if not access.moderates(ctx.viewer):
        # as in `Review.flagCount`, no review is flagged for them
        if wanted.get("flagged") or "search" in effective_criteria(wanted):
            statuses = ()
        wanted = {**wanted, "flagged": None, "search": None}
    visible = access.ANY_COURSE if field == "courseId" else access.course_statuses(ctx.viewer)
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
    if await _is_held(ctx, tx, student_id):
        fields["status"] = "PENDING"
    review = await loaders.review_writes.insert(tx, course, fields)
    return {"review": review, "course": await _course(tx, review["courseId"])}


async def _is_held(ctx: Context, tx: Transaction, student_id: ObjectId) -> bool:
    """Returns whether a student's new review is held for moderation. Sends at most one command."""
    if ctx.reviews == "hold_first":
        return not await loaders.review_writes.has_published(tx, student_id)
    return ctx.reviews == "hold"


async def update_review(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    review = await visible_review(ctx, tx, values["reviewId"])
    access.require(ctx.viewer, "updateReview", student_id=review["studentId"])
    content = _content(values)
    # a rejected review that was corrected is looked at again, whatever becomes of new reviews
    is_held = ctx.reviews == "hold" or review["status"] == "REJECTED"
    status: ReviewStatus = "PENDING" if is_held else review["status"]
    changed = await loaders.review_writes.edit(tx, review, status, **content)
    return {"review": changed, "course": await _course(tx, review["courseId"])}


async def delete_review(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    review = await visible_review(ctx, tx, values["reviewId"])
    access.require(ctx.viewer, "deleteReview", student_id=review["studentId"])
    await loaders.review_writes.delete(tx, review)
    return {"review": review, "course": await _course(tx, review["courseId"])}


async def delete_votes(ctx: Context, tx: Transaction, payload: Objects) -> Objects | None:
    """Deletes a batch of votes on a deleted review, and of its flags. Returns None once none are left."""
    review = payload["review"]
    has_votes = review["helpfulCount"] != review.get("importedHelpfulCount", 0)
    if has_votes and await loaders.review_writes.delete_votes(tx, review["_id"]):
        return {}
    has_flags = review.get("flagCount") or review.get("flagRound")
    return {} if has_flags and await loaders.review_flags.delete_flags(tx, review["_id"]) else None


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
    changed = await loaders.review_writes.moderate(tx, review, values["status"], values.get("reason"))
    return {"review": changed, "course": await _course(tx, review["courseId"])}


async def flag_review(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    review = await visible_review(ctx, tx, values["reviewId"])
    if ctx.viewer.student_id and review["studentId"] == ctx.viewer.student_id:
        raise refusal("FORBIDDEN", "You can't flag your own review: change or delete it instead.", "reviewId")
    try:
        flagged = await loaders.review_flags.flag(tx, review, ctx.viewer.subject, ctx.viewer.student_id)
    except loaders.review_flags.TooManyFlagsError as error:
        raise rate_limited(
            f"You can flag at most {loaders.review_flags.FLAGS_PER_DAY} reviews in a day.", error.seconds
        ) from None
    return {"review": flagged}


async def _course(tx: Transaction, id: ObjectId) -> CourseDoc:
    course: CourseDoc = await tx.get("courses", id)
    return course


def _content(values: InputValues) -> Document:
    return {name: values[name] for name in _CONTENT if name in values}
