"""Review: its fields, and the lists of reviews."""

from collections.abc import Sequence

import loaders.review
from loaders.documents import CourseDoc, InstructorDoc, ReviewDoc, ReviewReplyDoc, StudentDoc
from loaders.listing import Listing
from loaders.review import ReviewCriteria, ReviewParent
from resolvers import permissions
from resolvers.arguments import allowed, given, ordering
from resolvers.context import Context
from resolvers.inputs import ReviewFilter, ReviewOrder
from resolvers.pagination import Scoped


async def course(reviews: Sequence[ReviewDoc], ctx: Context) -> Sequence[CourseDoc | None]:
    return await ctx.loaders.course_by_id([review["courseId"] for review in reviews])


async def student(reviews: Sequence[ReviewDoc], ctx: Context) -> Sequence[StudentDoc | None]:
    return await ctx.loaders.student_by_id([review["studentId"] for review in reviews])


async def reply_author(replies: Sequence[ReviewReplyDoc], ctx: Context) -> Sequence[InstructorDoc | None]:
    return await ctx.loaders.instructor_by_id([reply["instructorId"] for reply in replies])


def review_listing(
    ctx: Context, parent: ReviewParent, filter: ReviewFilter | None, order_by: ReviewOrder | None
) -> tuple[Listing, Scoped]:
    """The reviews that the viewer may see, and what their cursors are for."""
    wanted, order = given(filter), ordering(order_by, "NEWEST")
    statuses = allowed(wanted.get("statuses"), permissions.review_statuses(ctx.viewer))
    course_statuses = permissions.course_statuses(ctx.viewer)
    criteria = ReviewCriteria(**{**wanted, "statuses": statuses}, course_statuses=course_statuses)
    listing = loaders.review.listing(
        ctx.loaders.database, criteria, parent, order.field, descending=order.descending
    )
    return listing, ("reviews", parent, wanted, order)
