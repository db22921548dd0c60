"""Categories, and the number of courses in each category."""

from collections.abc import Sequence
from typing import get_args

from loaders.model import MOST_CATEGORIES, CategoryDoc, CourseStatus
from loaders.mongo import Database, Pipeline, aggregate, find, note_read
from loaders.reading import fit, fitting


async def categories(database: Database) -> list[CategoryDoc]:
    """Returns at most MOST_CATEGORIES categories, ordered by position, then by name."""
    found = await find(
        database["categories"],
        {},
        size=MOST_CATEGORIES,
        limit=MOST_CATEGORIES,
        sort=[("name", 1), ("_id", 1)],
    )
    note_read(database["categories"], found)
    return sorted(fitting("categories")(found), key=position)


def position(category: CategoryDoc) -> int:
    return category.get("position", 0)


async def course_counts_by_slug(
    database: Database, slugs: Sequence[str], statuses: Sequence[CourseStatus] = get_args(CourseStatus)
) -> list[int]:
    """Returns the number of courses in each category, in the order of the slugs. Sends one command."""
    pipeline: Pipeline = [
        {"$match": {"categorySlug": {"$in": list(slugs)}, "status": {"$in": list(statuses)}}},
        {"$group": {"_id": "$categorySlug", "n": {"$sum": 1}}},
    ]
    found = await aggregate(database["courses"], pipeline, size=len(slugs))
    count = {row["_id"]: row["n"] for row in found}
    return [count.get(slug, 0) for slug in slugs]


async def names_by_slug(database: Database, slugs: Sequence[str]) -> list[str | None]:
    """Returns the name of each category, in the order of the slugs; None if there is none. One command."""
    query, projection = {"slug": {"$in": list(slugs)}}, {"slug": 1, "name": 1}
    found = await find(database["categories"], query, size=len(slugs), projection=projection)
    names = {one["slug"]: one["name"] for one in fit("categories", found, list(projection))}
    return [names.get(slug) for slug in slugs]
