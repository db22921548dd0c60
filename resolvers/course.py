"""Course: its fields, and the lists of courses."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import strawberry

import loaders.course
import loaders.course_run
from loaders.course import CourseCriteria, Facets, Range
from loaders.documents import CategoryDoc, CourseDoc, InstructorDoc
from loaders.listing import Listing
from resolvers import permissions
from resolvers.arguments import (
    EnrollmentFilterArgument,
    ReviewFilterArgument,
    ReviewOrderArgument,
    allowed,
    given,
    ordering,
)
from resolvers.context import Context
from resolvers.enrollment import enrollment_listing
from resolvers.inputs import CourseFilter, CourseOrder
from resolvers.pagination import (
    After,
    Before,
    ConnectionDoc,
    First,
    Last,
    Scoped,
    Slice,
    by_listing,
    connections,
)
from resolvers.review import review_connections

UpcomingOnly = Annotated[
    bool | None, strawberry.argument(description="Only runs that are yet to start; false for all.")
]


async def category(courses: Sequence[CourseDoc], ctx: Context) -> Sequence[CategoryDoc | None]:
    return await ctx.loaders.category_by_slug([course["categorySlug"] for course in courses])


async def instructors(courses: Sequence[CourseDoc], ctx: Context) -> Sequence[Sequence[InstructorDoc]]:
    ids = [i for course in courses for i in course["instructorIds"]]
    found = iter(await ctx.loaders.instructor_by_id(ids))
    by_course = [[next(found) for _ in course["instructorIds"]] for course in courses]
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
    parents, of = [course["_id"] for course in courses], ("runs", bool(upcoming_only))
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
    arguments = Slice(first, after, last, before)
    return await review_connections(ctx, courses, "courseId", arguments, filter, order_by)


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
    parents = [
        course["_id"] if permissions.sees_enrollments(ctx.viewer, course) else None for course in courses
    ]
    return await connections(ctx, listing, parents, Slice(first, after, last, before), of)


def course_listing(
    ctx: Context,
    filter: CourseFilter | None,
    order_by: CourseOrder | None,
    parent: Literal["categorySlug", "instructorIds"] | None = None,
) -> tuple[Listing, Scoped]:
    """The courses that the viewer may see, and what their cursors are for."""
    wanted, order = given(filter), ordering(order_by, "RELEVANCE")
    statuses = allowed(wanted.get("statuses"), permissions.course_statuses(ctx.viewer))
    ranges = {name: Range(**wanted[name]) for name in ("duration_days", "price_minor") if name in wanted}
    chosen: dict[str, Any] = wanted | ranges | {"statuses": statuses}
    criteria = CourseCriteria(**chosen, now=ctx.now)
    listing = loaders.course.listing(
        ctx.loaders.database, criteria, order.field, descending=order.descending, parent=parent
    )
    return listing, ("courses", parent, wanted, order)


async def facets(connections: Sequence[ConnectionDoc], ctx: Context) -> Sequence[Facets]:
    return await by_listing(connections, loaders.course.facets_by_parent)
