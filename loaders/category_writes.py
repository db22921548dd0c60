"""Writes to categories.

Courses refer to a category by its slug. When a category gets another slug, the old one becomes a former slug,
which leads to the category too. The courses are moved to the new slug in batches, after the commit.
"""

from collections.abc import Sequence, Set
from functools import partial

from bson import ObjectId

from loaders.collections import complete
from loaders.model import MOST_CATEGORIES, MOST_CATEGORY_SLUGS, CategoryDoc
from loaders.mongo import Database, Fields, Transaction, Value, transaction

_COURSES = 500  # courses per batch


class TooManySlugsError(Exception):
    """The category would have more than MOST_CATEGORY_SLUGS former slugs."""


async def lock(tx: Transaction) -> int:
    """Makes concurrent transactions that call this function run one after the other.

    Call it before categories are created, renamed, merged or deleted: the slugs, former slugs and number of
    categories then stay as they were read. Returns the number of categories. Sends at most two commands.
    """
    found = await tx.find(
        "categories",
        {},
        size=MOST_CATEGORIES,
        limit=MOST_CATEGORIES,
        sort=[("_id", 1)],
        projection={"_id": 1},
    )
    if found:
        await tx.hold("categories", found[0]["_id"])
    return len(found)


async def hold(tx: Transaction, category: CategoryDoc) -> None:
    """Keeps a category from being renamed, merged or deleted until a course that refers to it is stored."""
    await tx.hold("categories", category["_id"])


async def insert(tx: Transaction, fields: Fields) -> CategoryDoc:
    """Inserts a category and returns it."""
    category: CategoryDoc = await tx.insert("categories", complete("categories", fields))
    return category


async def change(tx: Transaction, category: CategoryDoc, **fields: Value) -> CategoryDoc:
    """Sets fields of a category. Returns the changed category.

    If the slug changes, `move_courses` must be called after the commit. Raises TooManySlugsError if the
    category would have too many former slugs; it can still get one of them back.
    """
    if (slug := fields.get("slug", category["slug"])) != category["slug"]:
        fields["oldSlugs"] = _former(_slugs(category), slug)
    changed: CategoryDoc = await tx.patch("categories", category, **fields)
    return changed


async def merge(tx: Transaction, category: CategoryDoc, into: CategoryDoc) -> CategoryDoc:
    """Deletes a category, whose slugs then lead to another one. Returns that category.

    `move_courses` must be called after the commit. Raises TooManySlugsError if the other category would have
    too many former slugs.
    """
    former = _former([*(into.get("oldSlugs") or ()), *_slugs(category)], into["slug"])
    await tx.delete("categories", category)
    merged: CategoryDoc = await tx.patch("categories", into, oldSlugs=former)
    return merged


async def has_courses(tx: Transaction, category: CategoryDoc) -> bool:
    """Returns whether any course belongs to a category. Sends at most two commands."""
    slugs = [category["slug"], *await _former_slugs(tx, category)]
    query = {"categorySlug": {"$in": slugs}}
    return await tx.find_one("courses", query, projection={"_id": 1}) is not None


async def delete(tx: Transaction, category: CategoryDoc) -> None:
    """Deletes a category, which must not have any courses."""
    await tx.delete("categories", category)


async def move_courses(tx: Transaction, category_id: ObjectId) -> CategoryDoc | None:
    """Moves a batch of courses from a category's former slugs to its present slug.

    Returns the category, or None if no course was left to move.
    """
    category: CategoryDoc | None = await tx.get("categories", category_id)
    former = await _former_slugs(tx, category) if category else []
    if category is None or not former:
        return None
    query = {"categorySlug": {"$in": former}}
    courses = await tx.find("courses", query, size=_COURSES, limit=_COURSES, projection={"_id": 1})
    if not courses:
        return None
    moved = {"_id": {"$in": [course["_id"] for course in courses]}}
    await tx.set("courses", moved, {"categorySlug": category["slug"]})
    return category


async def move_all_courses(database: Database, category_id: ObjectId) -> None:
    """Moves all courses from a category's former slugs to its present slug, in several transactions."""
    while await transaction(database, partial(move_courses, category_id=category_id)):
        pass


async def _former_slugs(tx: Transaction, category: CategoryDoc) -> list[str]:
    """Returns a category's former slugs, except those that another category has now.

    Only other programs store such slugs. They lead to the category that has them now.
    """
    former = category.get("oldSlugs") or []
    if not former:
        return []
    others = await tx.find("categories", {"slug": {"$in": former}}, size=len(former), projection={"slug": 1})
    return _distinct(former, without={other["slug"] for other in others})


def _former(slugs: Sequence[str], slug: str) -> list[str]:
    """Returns the former slugs of a category whose slug is `slug`, given all slugs that lead to it.

    Raises TooManySlugsError if they are too many.
    """
    former = _distinct(slugs, without={slug})
    if len(former) > MOST_CATEGORY_SLUGS:
        raise TooManySlugsError
    return former


def _slugs(category: CategoryDoc) -> list[str]:
    """Returns all slugs that lead to a category, the present one last."""
    return [*(category.get("oldSlugs") or ()), category["slug"]]


def _distinct(slugs: Sequence[str], without: Set[str]) -> list[str]:
    return [slug for slug in dict.fromkeys(slugs) if slug not in without]
