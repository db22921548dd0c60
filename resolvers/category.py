"""Resolvers for the fields of Category."""

from collections.abc import Sequence

import loaders.category
from loaders.model import CategoryDoc
from resolvers import access
from resolvers.context import Context
from resolvers.course_search import course_connections
from resolvers.relay import (
    After,
    Before,
    ConnectionDoc,
    CourseFilterArgument,
    CourseOrderArgument,
    First,
    Last,
    Slice,
)


def position(category: CategoryDoc) -> int:
    return loaders.category.position(category)


async def course_count(categories: Sequence[CategoryDoc], ctx: Context) -> Sequence[int]:
    slugs = [category["slug"] for category in categories]
    return await loaders.category.course_counts_by_slug(
        ctx.loaders.database, slugs, access.course_statuses(ctx.viewer)
    )


async def courses(
    categories: Sequence[CategoryDoc],
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: CourseFilterArgument = None,
    order_by: CourseOrderArgument = None,
) -> Sequence[ConnectionDoc]:
    parents, arguments = [category["slug"] for category in categories], Slice(first, after, last, before)
    return await course_connections(ctx, filter, order_by, parents, arguments, "categorySlug")
