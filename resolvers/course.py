"""Course: its fields, and the lists of courses."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import strawberry

import loaders.course
import loaders.course_run
import loaders.enrollment
import loaders.review
from loaders import list_limits
from loaders.course import CourseCriteria, Facets, Range
from loaders.documents import CategoryDoc, CourseDoc, EnrollmentDoc, InstructorDoc, ReviewDoc, WishDoc
from loaders.reading import Listing
from resolvers import access
from resolvers.access import visible
from resolvers.context import Context
from resolvers.enrollment import enrollment_listing
from resolvers.inputs import CourseFilter, CourseOrder
from resolvers.relay import (
    After,
    Before,
    ConnectionDoc,
    EnrollmentFilterArgument,
    First,
    Last,
    ReviewFilterArgument,
    ReviewOrderArgument,
    Scoped,
    Slice,
    allowed,
    by_listing,
    connections,
    given,
    narrowing,
    ordering,
)
from resolvers.review import review_connections

UpcomingOnly = Annotated[
    bool | None, strawberry.argument(description="Only runs that are yet to start; false for all.")
]


async def category(courses: Sequence[CourseDoc], ctx: Context) -> Sequence[CategoryDoc | None]:
    return await ctx.loaders.category_by_slug([course["categorySlug"] for course in courses])


async def instructors(courses: Sequence[CourseDoc], ctx: Context) -> Sequence[Sequence[InstructorDoc]]:
    ids = [course["instructorIds"][: list_limits.INSTRUCTORS] for course in courses]
    found = iter(await ctx.loaders.instructor_by_id([i for own in ids for i in own]))
    by_course = [[next(found) for _ in own] for own in ids]
    return [[instructor for instructor in own if instructor] for own in by_course]


async def runs(
    courses: Sequence[CourseDoc],
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    upcoming_only: UpcomingOnly = True,
) -> Sequence[ConnectionDoc]:
    listing = loaders.course_run.listing(ctx.loaders.database, starts_from=ctx.now if upcoming_only else None)
    shown = await visible(ctx, "courses", courses)
    parents, of = [course and course["_id"] for course in shown], ("runs", bool(upcoming_only))
    return await connections(ctx, listing, parents, Slice(first, after, last, before), of)


async def reviews(
    courses: Sequence[CourseDoc],
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: ReviewFilterArgument = None,
    order_by: ReviewOrderArgument = None,
) -> Sequence[ConnectionDoc]:
    shown = await visible(ctx, "courses", courses)
    arguments = Slice(first, after, last, before)
    return await review_connections(ctx, shown, "courseId", arguments, filter, order_by)


async def enrollments(
    courses: Sequence[CourseDoc],
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: EnrollmentFilterArgument = None,
) -> Sequence[ConnectionDoc]:
    listing, of = enrollment_listing(ctx, "courseId", filter)
    parents = [course["_id"] if access.sees_enrollments(ctx.viewer, course) else None for course in courses]
    return await connections(ctx, listing, parents, Slice(first, after, last, before), of)


def course_listing(
    ctx: Context,
    filter: CourseFilter | None,
    order_by: CourseOrder | None,
    parent: Literal["categorySlug", "instructorIds"] | None = None,
) -> tuple[Listing, Scoped]:
    """The courses that the viewer may see, and what their cursors are for."""
    wanted, order = given(filter), ordering(order_by, "RELEVANCE")
    statuses = allowed(wanted.get("statuses"), access.course_statuses(ctx.viewer))
    own = access.as_instructor(ctx.viewer, "Course.draft") if parent == "instructorIds" else None
    ranges = {name: Range(**wanted[name]) for name in ("duration_days", "price_minor") if name in wanted}
    chosen: dict[str, Any] = wanted | ranges | {"statuses": statuses}
    criteria = CourseCriteria(**chosen, now=ctx.now, taught_by=own)
    listing = loaders.course.listing(
        ctx.loaders.database, criteria, order.field, descending=order.descending, parent=parent
    )
    return listing, ("courses", parent, narrowing(wanted), order)


async def facets(connections: Sequence[ConnectionDoc], ctx: Context) -> Sequence[Facets]:
    return await by_listing(connections, loaders.course.facets_by_parent)


async def viewer_enrollment(courses: Sequence[CourseDoc], ctx: Context) -> Sequence[EnrollmentDoc | None]:
    student = access.as_student(ctx.viewer, "Course.viewerEnrollment")
    if student is None:
        return [None] * len(courses)
    ids, projection = [course["_id"] for course in courses], ctx.loaders.projections.get("enrollments")
    return await loaders.enrollment.of_student(ctx.loaders.database, student, ids, projection)


async def viewer_review(courses: Sequence[CourseDoc], ctx: Context) -> Sequence[ReviewDoc | None]:
    student = access.as_student(ctx.viewer, "Course.viewerReview")
    if student is None:
        return [None] * len(courses)
    ids, projection = [course["_id"] for course in courses], ctx.loaders.projections.get("reviews")
    return await loaders.review.of_student(ctx.loaders.database, student, ids, projection)


async def viewer_can_review(courses: Sequence[CourseDoc], ctx: Context) -> Sequence[bool]:
    student = access.as_student(ctx.viewer, "Course.viewerCanReview")
    if student is None:
        return [False] * len(courses)
    taken = await loaders.review.can_review(ctx.loaders.database, student, [c["_id"] for c in courses])
    return [can and access.sees(ctx.viewer, "courses", c) for can, c in zip(taken, courses, strict=True)]


def wished_listing(ctx: Context, wishes: Sequence[WishDoc]) -> tuple[Listing, Scoped]:
    """The courses of a wishlist that are in the catalogue, the latest first; what their cursors are for."""
    criteria = CourseCriteria(statuses=("PUBLISHED",), now=ctx.now)
    return loaders.course.wished(ctx.loaders.database, criteria, wishes), ("wishlist", ctx.viewer.student_id)
