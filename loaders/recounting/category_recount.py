"""Finds the courses that still have a former slug of their category.

There are some if a gateway dies while it moves the courses of a renamed or merged category.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from bson import ObjectId

from loaders.model import CategoryDoc
from loaders.mongo import Database, Transaction, find, transaction
from loaders.reading import fit
from loaders.recounting.differences import Difference, batches, compared, corrected

_MOST = 1_000  # more than MOST_CATEGORIES, because other programs may have stored further categories


async def slug_differences(database: Database, *, fix: bool) -> AsyncIterator[list[Difference]]:
    """Yields the courses whose `categorySlug` is a former slug, in batches.

    If `fix` is set, sets it to the category's present slug.
    """
    categories = await find(database["categories"], {}, size=_MOST)
    if former := list(_present_slugs(categories)):
        async for ids in batches(database, "courses", {"categorySlug": {"$in": former}}):
            yield await transaction(database, partial(_moved, ids=ids, fix=fix))


async def _moved(tx: Transaction, *, ids: Sequence[ObjectId], fix: bool) -> list[Difference]:
    present = _present_slugs(await tx.find("categories", {}, size=_MOST))
    courses = await tx.find("courses", {"_id": {"$in": ids}}, size=len(ids), projection={"categorySlug": 1})
    found = [
        difference
        for course in courses
        if (slug := course.get("categorySlug")) in present
        for difference in compared("courses", course, {"categorySlug": present[slug]})
    ]
    return await corrected(tx, found, fix=fix)


def _present_slugs(stored: Sequence[CategoryDoc]) -> Mapping[str, str]:
    """Maps each former slug to the present slug of its category.

    A former slug of several categories leads to the oldest of them (loaders.reading.ByKey).
    """
    categories = sorted(fit("categories", stored), key=lambda category: category["_id"], reverse=True)
    former = {slug: one["slug"] for one in categories for slug in one.get("oldSlugs", ())}
    present = {one["slug"] for one in categories}
    return {slug: own for slug, own in former.items() if slug not in present}
