"""Resolvers for Course: its fields, lists of courses, and mutations."""

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeVar

import strawberry
from bson import ObjectId

import loaders.category_writes
import loaders.course
import loaders.course_run
import loaders.course_writes
import loaders.enrollment
import loaders.related_courses
import loaders.review
import loaders.student
from loaders.course import CourseCriteria
from loaders.course_writes import MOST_DELETED
from loaders.model import (
    MOST_INSTRUCTORS,
    MOST_PREREQUISITES,
    CategoryDoc,
    CourseDoc,
    Document,
    EnrollmentDoc,
    InstructorDoc,
    ReviewDoc,
    WishDoc,
)
from loaders.mongo import Transaction
from loaders.reading import Listing
from loaders.text import free_slug
from resolvers import access
from resolvers.access import visible
from resolvers.context import Context
from resolvers.enrollment import enrollment_listing
from resolvers.errors import RefusedError, refusal
from resolvers.inputs import Bounds
from resolvers.relay import (
    After,
    Before,
    ConnectionDoc,
    CursorScope,
    EnrollmentFilterArgument,
    First,
    Last,
    ReviewFilterArgument,
    ReviewOrderArgument,
    Slice,
    check_size,
    connections,
)
from resolvers.review import review_connections
from resolvers.writing import (
    InputValues,
    Objects,
    any_category,
    own_course,
    slug_refusal,
    viewer_instructor_id,
)

_D = TypeVar("_D")

UpcomingOnly = Annotated[
    bool | None,
    strawberry.argument(
        description="If true, only runs that have not started yet are listed. If false, all runs are listed."
    ),
]

RELATED = 6  # related courses that are listed unless a client asks for more or fewer
MOST_RELATED = 12

RelatedFirst = Annotated[
    int | None,
    strawberry.argument(
        description=f"Number of courses to return, from 0 to {MOST_RELATED}.",
        metadata={"bounds": Bounds(min=0, max=MOST_RELATED)},
    ),
]


async def category(courses: Sequence[CourseDoc], ctx: Context) -> Sequence[CategoryDoc | None]:
    return await ctx.loaders.category_by_slug([course["categorySlug"] for course in courses])


async def instructors(courses: Sequence[CourseDoc], ctx: Context) -> Sequence[Sequence[InstructorDoc]]:
    ids = [course["instructorIds"][:MOST_INSTRUCTORS] for course in courses]
    return _regrouped(
        ids, await ctx.loaders.instructor_by_id([one for of_course in ids for one in of_course])
    )


async def prerequisites(courses: Sequence[CourseDoc], ctx: Context) -> Sequence[Sequence[CourseDoc]]:
    ids = [_prerequisite_ids(course) for course in courses]
    loaded = await ctx.loaders.course_by_id([one for of_course in ids for one in of_course])
    return _regrouped(ids, await visible(ctx, "courses", loaded))


def _prerequisite_ids(course: CourseDoc) -> Sequence[ObjectId]:
    """Returns the IDs of a course's prerequisites, at most MOST_PREREQUISITES.

    Leaves out duplicates and the course's own ID, which other programs might have stored.
    """
    distinct = dict.fromkeys(course.get("prerequisiteIds", ()))
    return [one for one in distinct if one != course["_id"]][:MOST_PREREQUISITES]


def _regrouped(ids: Sequence[Sequence[ObjectId]], loaded: Sequence[_D | None]) -> Sequence[Sequence[_D]]:
    """Splits a list of documents into one list per course, and leaves out documents that weren't found."""
    remaining = iter(loaded)
    by_course = [[next(remaining) for _ in of_course] for of_course in ids]
    return [[document for document in found if document is not None] for found in by_course]


async def related_courses(
    courses: Sequence[CourseDoc], ctx: Context, *, first: RelatedFirst = RELATED
) -> Sequence[Sequence[CourseDoc]]:
    """Returns the courses related to each course, if they are in the catalogue.

    They are the same for everyone: staff and instructors don't get drafts, either.
    """
    check_size("first", first, MOST_RELATED)
    size = RELATED if first is None else first
    if not size:
        return [[] for _ in courses]
    ids = await loaders.related_courses.by_course(ctx.loaders.database, courses, size)
    loaded = await ctx.loaders.course_by_id([one for of_course in ids for one in of_course])
    shown = [course if course is not None and course["status"] == "PUBLISHED" else None for course in loaded]
    return _regrouped(ids, shown)


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
    parents, scope = [course and course["_id"] for course in shown], ("runs", bool(upcoming_only))
    return await connections(ctx, listing, parents, Slice(first, after, last, before), scope)


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
    listing, scope = enrollment_listing(ctx, "courseId", filter)
    parents = [course["_id"] if access.sees_enrollments(ctx.viewer, course) else None for course in courses]
    return await connections(ctx, listing, parents, Slice(first, after, last, before), scope)


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


async def viewer_has_wishlisted(courses: Sequence[CourseDoc], ctx: Context) -> Sequence[bool]:
    student = access.as_student(ctx.viewer, "Course.viewerHasWishlisted")
    if student is None:
        return [False] * len(courses)
    wished = {wish["courseId"] for wish in await loaders.student.wishes(ctx.loaders.database, student)}
    return [course["_id"] in wished for course in courses]


def wished_listing(ctx: Context, wishes: Sequence[WishDoc]) -> tuple[Listing, CursorScope]:
    """Returns a listing of the courses on a wishlist, and the scope in which the listing's cursors are valid.

    The listing contains only courses that are in the catalogue. The most recently added course comes first.
    """
    criteria = CourseCriteria(statuses=("PUBLISHED",), now=ctx.now)
    return loaders.course.wished(ctx.loaders.database, criteria, wishes), ("wishlist", ctx.viewer.student_id)


_FIELDS = (
    "title", "slug", "summary", "description", "level", "deliveryModes", "durationDays", "language", "codes",
    "tags", "price", "instructorIds",
)  # fmt: skip
#: The fields that a published course must have. Maps each stored field to its name in the input and to its
#: name in messages.
_REQUIRED_TO_PUBLISH = {
    "summary": ("summary", "a summary"),
    "deliveryModes": ("deliveryModes", "a delivery mode"),
}


async def create_course(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    fields = await _fields(ctx, tx, values, None)
    if "slug" not in fields:
        fields["slug"] = await free_slug(tx, "courses", fields["title"], "course")
    new = {**fields, "status": "DRAFT", "createdAt": tx.now, "updatedAt": tx.now}
    return {"course": await loaders.course_writes.insert(tx, new)}


async def update_course(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    course = await own_course(ctx, tx, values["courseId"], "updateCourse")
    fields = await _fields(ctx, tx, values, course)
    if course["status"] == "PUBLISHED":
        _require_described(fields)
    return {"course": await loaders.course_writes.change(tx, course, **fields)}


async def publish_course(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    """Publishes a course. Raises RefusedError if an unpublished course has no summary or no delivery mode."""
    course = await own_course(ctx, tx, values["courseId"], "publishCourse")
    stored: Mapping[str, object] = course
    if course["status"] != "PUBLISHED":
        _raise_all(
            [_unmet(name, noun) for field, (name, noun) in _REQUIRED_TO_PUBLISH.items() if not stored[field]]
        )
    return {"course": await loaders.course_writes.set_status(tx, course, "PUBLISHED")}


def _unmet(name: str, noun: str) -> RefusedError:
    message = f"The course needs {noun} before it can be published."
    return refusal("INVALID", message, "courseId", reason="REQUIRED", field=name)


async def fill_runs(ctx: Context, tx: Transaction, payload: Objects) -> Objects | None:
    """Fills the free seats of a newly published course from the waitlists of its runs.

    Nobody moves up from a waitlist while the course is not in the catalogue, so there might be free seats
    when the course is published.
    """
    course = await loaders.course_writes.fill_runs(tx, payload["course"]["_id"])
    return course and {"course": course}


async def archive_course(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    course = await own_course(ctx, tx, values["courseId"], "archiveCourse")
    return {"course": await loaders.course_writes.set_status(tx, course, "ARCHIVED")}


async def delete_course(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    """Deletes a draft and its runs. Raises RefusedError if it has any enrolments or reviews, or many runs."""
    course = await own_course(ctx, tx, values["courseId"], "deleteCourse")
    if course["status"] != "DRAFT":
        raise refusal("CONFLICT", "Only drafts can be deleted: archive the course instead.", "courseId")
    if await loaders.course_writes.has_people(tx, course):
        raise refusal("CONFLICT", "The course has enrolments or reviews: archive it instead.", "courseId")
    if not await loaders.course_writes.delete(tx, course):
        raise refusal(
            "CONFLICT",
            f"The course has more than {MOST_DELETED} runs: archive it instead.",
            "courseId",
        )
    return {"course": course}


async def drop_prerequisite(ctx: Context, tx: Transaction, payload: Objects) -> Objects | None:
    """Removes a deleted course from the prerequisites of other courses. Returns None if none is left."""
    return payload if await loaders.course_writes.drop_prerequisite(tx, payload["course"]["_id"]) else None


async def _fields(ctx: Context, tx: Transaction, values: InputValues, course: CourseDoc | None) -> Document:
    """Converts the input values of a course to the fields to store.

    course: the course to change, or None for a new course.

    Raises RefusedError with an error for each invalid value.
    """
    fields = {name: values[name] for name in _FIELDS if name in values}
    errors: list[RefusedError] = []
    if "categoryId" in values:
        fields["categorySlug"] = await _category(tx, values["categoryId"], course, errors)
    if "slug" in fields:
        own = course["_id"] if course else None
        if refused := await slug_refusal(tx, "courses", fields["slug"], own):
            errors.append(refused)
    if "instructorIds" in fields or course is None:
        fields["instructorIds"] = await _instructors(ctx, tx, fields.get("instructorIds", []), errors)
    _raise_all(errors)
    return fields


def _require_described(fields: Document) -> None:
    """Raises RefusedError if an update removes a field that a published course must have.

    A required field that the update doesn't change isn't checked, because an imported course might lack it.
    """
    _raise_all(
        [
            refusal("INVALID", f"A course in the catalogue needs {noun}.", name, reason="REQUIRED")
            for field, (name, noun) in _REQUIRED_TO_PUBLISH.items()
            if field in fields and not fields[field]
        ]
    )


def _raise_all(refusals: Sequence[RefusedError]) -> None:
    if refusals:
        raise RefusedError([error for refused in refusals for error in refused.errors])


async def _category(
    tx: Transaction, id: ObjectId | None, course: CourseDoc | None, errors: list[RefusedError]
) -> str | None:
    """Returns the slug of the category to store, and holds the category if the course is new to it."""
    if id is None:
        return None
    try:
        category = await any_category(tx, id, "categoryId")
    except RefusedError as refused:
        errors.append(refused)
        return None
    if course is None or course["categorySlug"] != category["slug"]:
        await loaders.category_writes.hold(tx, category)
    return category["slug"]


async def _instructors(
    ctx: Context, tx: Transaction, ids: list[ObjectId], errors: list[RefusedError]
) -> list[ObjectId]:
    """Returns the IDs of the instructors to store.

    A viewer who isn't staff is always included, so instructors can't remove themselves from their courses.
    """
    if "STAFF" not in ctx.viewer.roles:
        viewer_id = viewer_instructor_id(ctx)
        ids = ids if viewer_id in ids else [viewer_id, *ids]
        if len(ids) > MOST_INSTRUCTORS:
            message = f"A course can have at most {MOST_INSTRUCTORS} instructors."
            errors.append(
                refusal("INVALID", message, "instructorIds", reason="TOO_LONG", max=MOST_INSTRUCTORS)
            )
    if not await loaders.course_writes.are_instructors(tx, ids):
        errors.append(
            refusal("NOT_FOUND", "One of these IDs does not belong to an instructor.", "instructorIds")
        )
    return ids
