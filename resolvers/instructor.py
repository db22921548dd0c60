"""Resolvers for the fields of Instructor."""

from collections.abc import Sequence

from loaders.model import InstructorDoc
from resolvers.context import Context
from resolvers.course_search import course_listing
from resolvers.relay import After, Before, ConnectionDoc, First, Last, Slice, connections


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
