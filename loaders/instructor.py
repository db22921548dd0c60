"""Reads and writes instructors, and computes the ratings of their courses."""

from collections.abc import Sequence

from bson import ObjectId

from loaders.collections import COLLECTIONS, complete, derived
from loaders.course_writes import old_slugs
from loaders.model import ImportedRating, InstructorDoc, RatingDoc, summarise
from loaders.mongo import Database, Expression, Fields, Filter, Pipeline, Transaction, Value, aggregate
from loaders.reading import Listing, Order
from loaders.text import free_slug, name_filter


def listing(database: Database, search: str | None = None) -> Listing:
    """Lists the instructors whose name matches a search, ordered by name; all of them if it is None."""
    parts: dict[str, Filter] = {"search": name_filter(search)} if search else {}
    return Listing(database["instructors"], parts, Order("sortName", descending=False))


async def insert(tx: Transaction, fields: Fields) -> InstructorDoc:
    """Inserts an instructor and returns it. Without a slug in `fields`, it gets one made from its name."""
    slug = fields.get("slug") or await free_slug(tx, "instructors", fields["name"], "instructor")
    new = complete("instructors", {**fields, "slug": slug})
    instructor: InstructorDoc = await tx.insert("instructors", new)
    return instructor


async def change(tx: Transaction, instructor: InstructorDoc, **fields: Value) -> InstructorDoc:
    """Sets fields of an instructor and the fields derived from them. Returns the changed instructor.

    If the slug changes, the old one is kept as a former slug, so that old links still lead to the instructor.
    """
    slug = instructor.get("slug")
    if slug is not None and fields.get("slug", slug) != slug:
        fields["oldSlugs"] = old_slugs(instructor, fields["slug"])
    if fields.keys() & COLLECTIONS["instructors"].derived_from:
        fields |= derived("instructors", {**instructor, **fields})
    changed: InstructorDoc = await tx.patch("instructors", instructor, **fields)
    return changed


async def ratings_by_id(database: Database, ids: Sequence[ObjectId]) -> list[RatingDoc]:
    """Returns the rating of each instructor's published courses, in the order of the ids.

    It is computed from the reviews of all these courses, and from the averages that were imported without
    reviews. Sends one command.
    """
    taught = {"instructorIds": {"$in": list(dict.fromkeys(ids))}}
    pipeline: Pipeline = [
        {"$match": {**taught, "status": "PUBLISHED"}},
        {"$unwind": "$instructorIds"},
        {"$match": taught},
        {"$group": {"_id": "$instructorIds", **_STARS, "count": _IMPORTED_COUNT, "total": _IMPORTED_TOTAL}},
    ]
    found = await aggregate(database["courses"], pipeline, size=len(ids))
    rows = {row["_id"]: row for row in found}
    return [_rating(rows.get(key, {})) for key in ids]


#: The maximum number of ratings of a kind that a course can have: GraphQL's Int has 32 bits.
_MOST_RATINGS = 2**31 - 1


def _is_between(value: Expression | str, least: int, most: int) -> Expression:
    """Returns whether a value is a number in a range; NaN and the infinities are in none.

    Other programs may have stored any value. A decimal isn't counted either: courses don't show it.
    """
    is_number = {"$in": [{"$type": value}, ["int", "long", "double"]]}
    return {"$and": [is_number, {"$gte": [value, least]}, {"$lte": [value, most]}]}


def _star(index: int) -> Expression:
    stars = {"$cond": [{"$isArray": "$ratingStars"}, "$ratingStars", []]}
    star = {"$arrayElemAt": [stars, index]}
    return {"$sum": {"$cond": [_is_between(star, 0, _MOST_RATINGS), star, 0]}}


_STARS = {f"stars{index}": _star(index) for index in range(5)}
_COUNT, _AVERAGE = "$importedRating.count", "$importedRating.average"
_IS_COUNTED = {"$and": [_is_between(_COUNT, 0, _MOST_RATINGS), _is_between(_AVERAGE, 1, 5)]}
_IMPORTED_COUNT = {"$sum": {"$cond": [_IS_COUNTED, _COUNT, 0]}}
_IMPORTED_TOTAL = {"$sum": {"$cond": [_IS_COUNTED, {"$multiply": [_AVERAGE, _COUNT]}, 0]}}


def _rating(row: Fields) -> RatingDoc:
    stars = [int(row.get(name, 0)) for name in _STARS]
    count, imported = int(row.get("count", 0)), None
    if count > 0:
        imported = ImportedRating(average=round(row["total"] / count, 4), count=count)
    return summarise(stars, imported)
