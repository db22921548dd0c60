"""Resolvers for Category: its fields and mutations."""

from collections.abc import Sequence

import loaders.category
import loaders.category_writes
from loaders.category_writes import TooManySlugsError
from loaders.model import MOST_CATEGORIES, MOST_CATEGORY_SLUGS, CategoryDoc
from loaders.mongo import Transaction
from loaders.text import free_slug
from resolvers import access
from resolvers.context import Context
from resolvers.course_search import course_connections
from resolvers.errors import refusal
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
from resolvers.writing import InputValues, Objects, any_category, slug_refusal

_FIELDS = ("slug", "name", "description", "imageUrl", "position")


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


async def create_category(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    if await loaders.category_writes.lock(tx) >= MOST_CATEGORIES:
        raise refusal(
            "CONFLICT", f"There are already {MOST_CATEGORIES} categories: merge or delete some of them."
        )
    fields = {name: values[name] for name in _FIELDS if name in values}
    if "slug" not in fields:
        fields["slug"] = await free_slug(tx, "categories", fields["name"], "category")
    elif refused := await slug_refusal(tx, "categories", fields["slug"]):
        raise refused
    return {"category": await loaders.category_writes.insert(tx, fields)}


async def update_category(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    category = await any_category(tx, values["categoryId"], "categoryId")
    fields = {name: values[name] for name in _FIELDS if name in values}
    if fields.get("slug", category["slug"]) != category["slug"]:
        await loaders.category_writes.lock(tx)
        if refused := await slug_refusal(tx, "categories", fields["slug"], category["_id"]):
            raise refused
    try:
        return {"category": await loaders.category_writes.change(tx, category, **fields)}
    except TooManySlugsError:
        message = f"A category keeps at most {MOST_CATEGORY_SLUGS:,} former slugs: choose one of them."
        raise refusal("CONFLICT", message, "slug") from None


async def merge_categories(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    category = await any_category(tx, values["fromCategoryId"], "fromCategoryId")
    into = await any_category(tx, values["intoCategoryId"], "intoCategoryId")
    if category["_id"] == into["_id"]:
        raise refusal("CONFLICT", "Choose another category than the one to merge.", "intoCategoryId")
    await loaders.category_writes.lock(tx)
    try:
        return {"category": await loaders.category_writes.merge(tx, category, into)}
    except TooManySlugsError:
        message = f"The merged category would have more than {MOST_CATEGORY_SLUGS:,} former slugs."
        raise refusal("CONFLICT", message) from None


async def move_courses(ctx: Context, tx: Transaction, payload: Objects) -> Objects | None:
    """Moves a batch of courses to the present slug of their category. Returns None if none is left."""
    category = await loaders.category_writes.move_courses(tx, payload["category"]["_id"])
    return category and {"category": category}


async def delete_category(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    category = await any_category(tx, values["categoryId"], "categoryId")
    await loaders.category_writes.lock(tx)
    if await loaders.category_writes.has_courses(tx, category):
        raise refusal(
            "CONFLICT",
            "The category has courses: move them to another category first, with mergeCategories.",
            "categoryId",
        )
    await loaders.category_writes.delete(tx, category)
    return {"category": category}
