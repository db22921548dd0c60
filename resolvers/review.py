"""Review: its fields, and the lists of reviews."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import loaders.newest_reviews
import loaders.review
import loaders.viewer
from loaders.documents import CourseDoc, InstructorDoc, ReviewDoc, ReviewReplyDoc, StudentDoc
from loaders.reading.listing import pages
from loaders.review import ReviewCriteria, ReviewParent
from resolvers.access import permissions
from resolvers.context import Context
from resolvers.inputs import ReviewFilter, ReviewOrder
from resolvers.relay.list_arguments import allowed, given, narrowing, ordering
from resolvers.relay.pagination import ConnectionDoc, Slice, connections


async def course(reviews: Sequence[ReviewDoc], ctx: Context) -> Sequence[CourseDoc | None]:
    return await ctx.loaders.course_by_id([review["courseId"] for review in reviews])


async def student(reviews: Sequence[ReviewDoc], ctx: Context) -> Sequence[StudentDoc | None]:
    return await ctx.loaders.student_by_id([review["studentId"] for review in reviews])


async def reply_author(replies: Sequence[ReviewReplyDoc], ctx: Context) -> Sequence[InstructorDoc | None]:
    return await ctx.loaders.instructor_by_id([reply["instructorId"] for reply in replies])


async def viewer_found_helpful(reviews: Sequence[ReviewDoc], ctx: Context) -> Sequence[bool]:
    student = permissions.as_student(ctx.viewer, "Review.viewerFoundHelpful")
    if student is None:
        return [False] * len(reviews)
    return await loaders.viewer.votes(ctx.loaders.database, student, [review["_id"] for review in reviews])


async def review_connections(
    ctx: Context,
    parents: Sequence[CourseDoc | None] | Sequence[StudentDoc | None],
    field: ReviewParent,
    arguments: Slice,
    filter: ReviewFilter | None,
    order_by: ReviewOrder | None,
) -> list[ConnectionDoc]:
    """The reviews of each parent that the viewer may see: none where the parent is None. `field` is what
    refers to the parent.
    """
    wanted, order = given(filter), ordering(order_by, "NEWEST")
    criteria = _criteria(ctx, wanted, field)
    listing = loaders.review.listing(
        ctx.loaders.database, criteria, field, order.field, descending=order.descending
    )
    carried = criteria in loaders.newest_reviews.CARRIED and order == ("NEWEST", True)
    read = partial(loaders.newest_reviews.pages, ctx.loaders, parents) if carried else pages
    of = ("reviews", field, narrowing(wanted), order)
    return await connections(ctx, listing, [p and p["_id"] for p in parents], arguments, of, read)


def _criteria(ctx: Context, wanted: Mapping[str, Any], field: ReviewParent) -> ReviewCriteria:
    """What is wanted of what the viewer may see."""
    statuses = allowed(wanted.get("statuses"), permissions.review_statuses(ctx.viewer))
    of_courses = permissions.course_statuses(ctx.viewer) if field == "studentId" else permissions.ANY_COURSE
    course_statuses = None if of_courses == permissions.ANY_COURSE else of_courses
    return ReviewCriteria(**{**wanted, "statuses": statuses}, course_statuses=course_statuses)
