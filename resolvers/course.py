"""Course: its fields, the lists of courses, and its writes."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import strawberry

import loaders.course
import loaders.course_run
import loaders.course_writes
import loaders.enrollment
import loaders.review
from loaders.course import CourseCriteria, Facets, Range
from loaders.model import (
    MOST_INSTRUCTORS,
    CategoryDoc,
    CourseDoc,
    EnrollmentDoc,
    InstructorDoc,
    ReviewDoc,
    WishDoc,
)
from loaders.mongo import Transaction
from loaders.reading import Listing
from resolvers import access
from resolvers.access import visible
from resolvers.context import Context
from resolvers.enrollment import enrollment_listing
from resolvers.errors import RefusedError, refusal
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
from resolvers.writing import Given, Objects, own_course, viewer_instructor_id

UpcomingOnly = Annotated[
    bool | None, strawberry.argument(description="Only runs that are yet to start; false for all.")
]


async def category(courses: Sequence[CourseDoc], ctx: Context) -> Sequence[CategoryDoc | None]:
    return await ctx.loaders.category_by_slug([course["categorySlug"] for course in courses])


async def instructors(courses: Sequence[CourseDoc], ctx: Context) -> Sequence[Sequence[InstructorDoc]]:
    ids = [course["instructorIds"][:MOST_INSTRUCTORS] for course in courses]
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


_FIELDS = (
    "title", "slug", "summary", "description", "level", "deliveryModes", "durationDays", "language", "codes",
    "tags", "price", "instructorIds",
)  # fmt: skip
#: What a course of the catalogue has: where it is stored, its name in the input and in messages.
_WANTED = {
    "summary": ("summary", "a summary"),
    "deliveryModes": ("deliveryModes", "a delivery mode"),
}


async def create_course(ctx: Context, tx: Transaction, given: Given) -> Objects:
    fields = await _fields(ctx, tx, given, None)
    if "slug" not in fields:
        fields["slug"] = await loaders.course_writes.free_slug(tx, fields["title"])
    new = {**fields, "status": "DRAFT", "createdAt": tx.now, "updatedAt": tx.now}
    return {"course": await loaders.course_writes.insert(tx, new)}


async def update_course(ctx: Context, tx: Transaction, given: Given) -> Objects:
    course = await own_course(ctx, tx, given["courseId"], "updateCourse")
    fields = await _fields(ctx, tx, given, course)
    if course["status"] == "PUBLISHED":
        _require_described(fields)
    return {"course": await loaders.course_writes.change(tx, course, **fields, updatedAt=tx.now)}


async def publish_course(ctx: Context, tx: Transaction, given: Given) -> Objects:
    """What the catalogue has is described: a summary, and a way to take part."""
    course = await own_course(ctx, tx, given["courseId"], "publishCourse")
    stored: Mapping[str, Any] = course
    missing = [what for field, (_, what) in _WANTED.items() if not stored[field]]
    if missing and course["status"] != "PUBLISHED":
        raise refusal("INVALID", f"Before it is published it needs {' and '.join(missing)}.", "courseId")
    return {"course": await loaders.course_writes.set_status(tx, course, "PUBLISHED", updatedAt=tx.now)}


async def fill_runs(ctx: Context, tx: Transaction, done: Objects) -> Objects | None:
    """While it was out of the catalogue nobody moved up."""
    course = await loaders.course_writes.fill_runs(tx, done["course"]["_id"])
    return course and {"course": course}


async def archive_course(ctx: Context, tx: Transaction, given: Given) -> Objects:
    course = await own_course(ctx, tx, given["courseId"], "archiveCourse")
    return {"course": await loaders.course_writes.set_status(tx, course, "ARCHIVED", updatedAt=tx.now)}


async def _fields(ctx: Context, tx: Transaction, given: Given, course: CourseDoc | None) -> dict[str, Any]:
    """What is stored of a course's input."""
    fields = {name: given[name] for name in _FIELDS if name in given}
    errors: list[RefusedError] = []
    if "categoryId" in given:
        fields["categorySlug"] = await _category(tx, given["categoryId"], errors)
    if "slug" in fields and await loaders.course_writes.slug_is_taken(
        tx, fields["slug"], course["_id"] if course else None
    ):
        errors.append(refusal("DUPLICATE", "Another course has this slug.", "slug"))
    if "instructorIds" in fields or course is None:
        fields["instructorIds"] = await _instructors(ctx, tx, fields.get("instructorIds", []), errors)
    _raise_all(errors)
    return fields


def _require_described(fields: Mapping[str, Any]) -> None:
    """An import may have left a course without something; here nothing of it is taken away."""
    _raise_all(
        [
            refusal("INVALID", f"A course in the catalogue needs {what}.", name)
            for field, (name, what) in _WANTED.items()
            if field in fields and not fields[field]
        ]
    )


def _raise_all(refusals: Sequence[RefusedError]) -> None:
    if refusals:
        raise RefusedError([error for refused in refusals for error in refused.errors])


async def _category(tx: Transaction, id: Any, errors: list[RefusedError]) -> str | None:
    if id is None:
        return None
    category = await tx.get("categories", id)
    if category is None:
        errors.append(refusal("NOT_FOUND", "There is no category with this ID.", "categoryId"))
        return None
    return str(category["slug"])


async def _instructors(
    ctx: Context, tx: Transaction, ids: list[Any], errors: list[RefusedError]
) -> list[Any]:
    """Those given, with the viewer who is one: nobody takes their own course away from themselves."""
    if "STAFF" not in ctx.viewer.roles:
        own = viewer_instructor_id(ctx)
        ids = ids if own in ids else [own, *ids]
        if len(ids) > MOST_INSTRUCTORS:
            errors.append(refusal("INVALID", f"At most {MOST_INSTRUCTORS} of them, please.", "instructorIds"))
    there = await tx.find("instructors", {"_id": {"$in": ids}}, size=len(ids), projection={"_id": 1})
    if len(there) < len(ids):
        errors.append(refusal("NOT_FOUND", "One of these IDs is not an instructor's.", "instructorIds"))
    return ids
