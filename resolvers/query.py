"""Resolvers for the fields of the Query type."""

from collections.abc import Sequence
from typing import Annotated

import strawberry
from bson import ObjectId

import loaders.accounts
import loaders.category
import loaders.instructor
import loaders.student
import resolvers.audit
import resolvers.review
from loaders.model import CategoryDoc, CourseDoc, Document, InstructorDoc, ReviewDoc, StudentDoc
from loaders.reading import WHOLE
from resolvers import access
from resolvers.access import visible
from resolvers.context import Context
from resolvers.course_search import course_connections
from resolvers.errors import BadUserInputError
from resolvers.inputs import Bounds
from resolvers.rate_limit import RateLimitDoc, without_limit
from resolvers.relay import (
    MOST_IDS,
    TEXT_BOUNDS,
    AccountFilterArgument,
    After,
    AuditFilterArgument,
    Before,
    ConnectionDoc,
    CourseFilterArgument,
    CourseOrderArgument,
    First,
    Last,
    ReviewFilterArgument,
    ReviewOrderArgument,
    Slice,
    StudentFilterArgument,
    connection,
    decode_id_as,
    effective_criteria,
    nodes_by_id,
    search_argument,
    set_fields,
    slug_argument,
)
from resolvers.viewer import ViewerDoc, viewer_doc

Id = Annotated[strawberry.ID, strawberry.argument(description="Global ID of the object.")]
StudentId = Annotated[strawberry.ID, strawberry.argument(description="Global ID of the student.")]
ReviewId = Annotated[strawberry.ID, strawberry.argument(description="Global ID of the review.")]
Ids = Annotated[
    list[strawberry.ID],
    strawberry.argument(
        description="Global IDs of the objects, at most 100.", metadata={"bounds": Bounds(max_items=MOST_IDS)}
    ),
]
OptionalId = Annotated[strawberry.ID | None, strawberry.argument(description="Global ID of the course.")]
OptionalSlug = Annotated[
    str | None,
    strawberry.argument(
        description="Slug of the course, at most 200 characters.", metadata={"bounds": TEXT_BOUNDS}
    ),
]
Slug = Annotated[
    str,
    strawberry.argument(
        description="Slug of the category, at most 200 characters.", metadata={"bounds": TEXT_BOUNDS}
    ),
]

InstructorId = Annotated[
    strawberry.ID | None, strawberry.argument(description="Global ID of the instructor.")
]
InstructorSlug = Annotated[
    str | None,
    strawberry.argument(
        description="Slug of the instructor, at most 200 characters.", metadata={"bounds": TEXT_BOUNDS}
    ),
]
NameSearch = Annotated[
    str | None,
    strawberry.argument(
        description="At most 20 words to search for in the name, with at most 200 characters in total. Case"
        " and the accents of Latin letters are ignored. The last word can be the beginning of a longer word.",
        metadata={"bounds": TEXT_BOUNDS},
    ),
]


async def node(ctx: Context, *, id: Id) -> Document | None:
    return (await nodes_by_id(ctx, [id]))[0]


async def nodes(ctx: Context, *, ids: Ids) -> Sequence[Document | None]:
    return await nodes_by_id(ctx, ids)


async def course(ctx: Context, *, id: OptionalId = None, slug: OptionalSlug = None) -> CourseDoc | None:
    if (id is None) == (slug is None):
        raise BadUserInputError("`course` requires either `id` or `slug`, but not both.")
    if slug is not None:
        # Slugs are stored in composed form (NFC), except in a database whose migrations are pending.
        forms = [slug_argument(slug), slug]
        found = next(filter(None, await ctx.loaders.course_by_slug(forms)), None)
    else:
        (found,) = await ctx.loaders.course_by_id([decode_id_as("Course", id)])
    shown: CourseDoc | None = (await visible(ctx, "courses", [found]))[0]
    return shown


async def courses(
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: CourseFilterArgument = None,
    order_by: CourseOrderArgument = None,
) -> ConnectionDoc:
    arguments = Slice(first, after, last, before)
    found: list[ConnectionDoc] = await course_connections(ctx, filter, order_by, [WHOLE], arguments)
    return found[0]


async def categories(ctx: Context) -> Sequence[CategoryDoc]:
    return await loaders.category.categories(ctx.loaders.database)


async def category(ctx: Context, *, slug: Slug) -> CategoryDoc | None:
    return (await ctx.loaders.category_by_slug([slug_argument(slug)]))[0]


async def instructor(
    ctx: Context, *, id: InstructorId = None, slug: InstructorSlug = None
) -> InstructorDoc | None:
    if (id is None) == (slug is None):
        raise BadUserInputError("`instructor` requires either `id` or `slug`, but not both.")
    if slug is None:
        return (await ctx.loaders.instructor_by_id([decode_id_as("Instructor", id)]))[0]
    (found,) = await ctx.loaders.instructor_by_slug([slug_argument(slug)])
    if found is None and ObjectId.is_valid(slug):  # an instructor without a stored slug
        (found,) = await ctx.loaders.instructor_by_id([ObjectId(slug)])
    return found


async def instructors(
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    search: NameSearch = None,
) -> ConnectionDoc:
    wanted = {} if search is None else {"search": search_argument(search)}
    listing = loaders.instructor.listing(ctx.loaders.database, **wanted)
    scope = ("instructors", effective_criteria(wanted))
    return await connection(ctx, listing, WHOLE, Slice(first, after, last, before), scope)


async def student(ctx: Context, *, id: StudentId) -> StudentDoc | None:
    return (await ctx.loaders.student_by_id([decode_id_as("Student", id)]))[0]


async def students(
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: StudentFilterArgument = None,
) -> ConnectionDoc:
    wanted = set_fields(filter)
    listing = loaders.student.listing(ctx.loaders.database, **wanted)
    parent = WHOLE if access.sees_students(ctx.viewer) else None
    scope = ("students", effective_criteria(wanted))
    return await connection(ctx, listing, parent, Slice(first, after, last, before), scope)


async def review(ctx: Context, *, id: ReviewId) -> ReviewDoc | None:
    found = await ctx.loaders.review_by_id([decode_id_as("Review", id)])
    shown: ReviewDoc | None = (await visible(ctx, "reviews", found))[0]
    return shown


async def reviews(
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: ReviewFilterArgument = None,
    order_by: ReviewOrderArgument = None,
) -> ConnectionDoc:
    arguments = Slice(first, after, last, before)
    return await resolvers.review.all_reviews(ctx, arguments, filter, order_by)


async def platform(ctx: Context) -> Document:
    """Returns an empty parent object, because each statistic is fetched only when its field is selected."""
    return {}


async def viewer(ctx: Context) -> ViewerDoc | None:
    return viewer_doc(ctx.viewer) if access.allows(ctx.viewer, "Query.viewer") else None


async def rate_limit(ctx: Context) -> RateLimitDoc:
    state = ctx.budget.state() if ctx.budget else None
    return state or without_limit(ctx.price, ctx.now)


async def accounts(
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: AccountFilterArgument = None,
) -> ConnectionDoc:
    wanted = set_fields(filter)
    listing = loaders.accounts.listing(ctx.loaders.database, **wanted)
    parent = WHOLE if access.sees_accounts(ctx.viewer) else None
    scope = ("accounts", effective_criteria(wanted))
    return await connection(ctx, listing, parent, Slice(first, after, last, before), scope)


async def audit_log(
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: AuditFilterArgument = None,
) -> ConnectionDoc:
    return await resolvers.audit.entries(ctx, filter, Slice(first, after, last, before))
