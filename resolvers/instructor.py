"""Resolvers for Instructor: its fields and mutations."""

from collections.abc import Sequence

import loaders.instructor
from loaders.model import InstructorDoc, RatingDoc
from loaders.mongo import Transaction
from loaders.reading import counts
from resolvers.context import Context
from resolvers.course_search import course_listing
from resolvers.relay import After, Before, ConnectionDoc, First, Last, Slice, connections
from resolvers.writing import InputValues, Objects, own_instructor, slug_refusal

_FIELDS = ("slug", "name", "headline", "bio", "avatarUrl")


def slug(instructor: InstructorDoc) -> str:
    """Returns the slug, or the `_id` of an instructor whom an earlier version stored without a slug."""
    return instructor.get("slug") or str(instructor["_id"])


async def course_count(instructors: Sequence[InstructorDoc], ctx: Context) -> Sequence[int]:
    listing, _ = course_listing(ctx, "instructorIds")
    return await counts(listing, [instructor["_id"] for instructor in instructors])


async def rating(instructors: Sequence[InstructorDoc], ctx: Context) -> Sequence[RatingDoc]:
    ids = [instructor["_id"] for instructor in instructors]
    return await loaders.instructor.ratings_by_id(ctx.loaders.database, ids)


async def courses(
    instructors: Sequence[InstructorDoc],
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[ConnectionDoc]:
    listing, scope = course_listing(ctx, "instructorIds")
    parents = [instructor["_id"] for instructor in instructors]
    return await connections(ctx, listing, parents, Slice(first, after, last, before), scope)


async def create_instructor(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    fields = {name: values[name] for name in _FIELDS if name in values}
    if "slug" in fields and (refused := await slug_refusal(tx, "instructors", fields["slug"])):
        raise refused
    return {"instructor": await loaders.instructor.insert(tx, fields)}


async def update_instructor(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    instructor = await own_instructor(ctx, tx, values["instructorId"], "updateInstructor")
    fields = {name: values[name] for name in _FIELDS if name in values}
    if "slug" in fields and (
        refused := await slug_refusal(tx, "instructors", fields["slug"], instructor["_id"])
    ):
        raise refused
    return {"instructor": await loaders.instructor.change(tx, instructor, **fields)}
