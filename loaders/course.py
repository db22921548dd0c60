"""Lists of courses by search criteria, and their facets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, TypedDict, get_args

from bson import ObjectId

from loaders.model import CourseStatus, DeliveryMode, Level, WishDoc
from loaders.mongo import Database, Document, Expression, Filter, Value, aggregate, all_of
from loaders.reading import WHOLE, Listing, Order, of_parents
from loaders.text import has_words, search_filter, search_score

CourseOrderField = Literal["RELEVANCE", "RATING", "POPULARITY", "NEWEST", "TITLE", "DURATION", "PRICE"]

#: The sort order for each CourseOrderField. In a search, RELEVANCE sorts by score instead.
ORDERS: Mapping[str, Order] = {
    "RELEVANCE": Order("ratingBayesian", descending=True),
    "RATING": Order("ratingBayesian", descending=True),
    "POPULARITY": Order("studentCount", descending=True),
    "NEWEST": Order("createdAt", descending=True),
    "TITLE": Order("sortTitle", descending=True),
    "DURATION": Order("durationDays", descending=True),
    "PRICE": Order("price.amountMinor", descending=True),
}
FACET_RATINGS = (4.5, 4.0, 3.5, 3.0)
MOST_FACET_VALUES = 50  # maximum number of values in a facet of tags, languages or currencies


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A range from `min` to `max`, inclusive. A bound that is None is not applied."""

    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseCriteria:
    """Which courses to list; a criterion that is None matches every course.

    has_seats: whether a run that starts after `now` has a free seat. taught_by: an instructor whose courses
    are listed regardless of their status.
    """

    statuses: Sequence[CourseStatus]
    now: datetime
    search: str | None = None
    categories: Sequence[str] | None = None
    levels: Sequence[Level] | None = None
    delivery_modes: Sequence[DeliveryMode] | None = None
    tags: Sequence[str] | None = None
    languages: Sequence[str] | None = None
    institutions: Sequence[str] | None = None
    currencies: Sequence[str] | None = None
    instructors: Sequence[ObjectId] | None = None
    min_rating: float | None = None
    duration_days: Range | None = None
    price_minor: Range | None = None
    has_seats: bool | None = None
    taught_by: ObjectId | None = None


class FacetCount(TypedDict):
    facet: str  # the name of the facet
    value: str
    count: int


#: Maps each facet's name to its counts.
Facets: TypeAlias = Mapping[str, Sequence[FacetCount]]


def listing(
    database: Database,
    criteria: CourseCriteria,
    field: CourseOrderField = "RELEVANCE",
    *,
    descending: bool = True,
    parent: str | None = None,
) -> Listing:
    """Lists the courses that meet the criteria.

    parent: the field that stores a course's category or its instructors. If set, there is one list for each
    category or instructor.
    """
    by_score = field == "RELEVANCE" and has_words(criteria.search or "")
    order = Order("score", descending) if by_score else ORDERS[field]._replace(descending=descending)
    score = search_score(criteria.search or "") if by_score else None
    return Listing(database["courses"], _parts(criteria), order, parent, score)


def wished(database: Database, criteria: CourseCriteria, wishes: Sequence[WishDoc]) -> Listing:
    """Lists the courses in a wishlist that meet the criteria, latest addition first."""
    ids, times = [wish["courseId"] for wish in wishes], [wish["addedAt"] for wish in wishes]
    parts = {**_parts(criteria), "wished": {"_id": {"$in": ids}}}
    added = {"$arrayElemAt": [{"$literal": times}, {"$indexOfArray": [{"$literal": ids}, "$_id"]}]}
    return Listing(database["courses"], parts, Order("score", descending=True), None, added)


async def facets_by_parent(listing: Listing, parents: Sequence[Value]) -> list[Facets]:
    """Returns the facets of each parent's list, in the order of the parents. Sends one command.

    A facet contains the number of courses for each of its values. It counts the courses that meet the
    listing's filter, but ignores the filter's condition on this facet. The most frequent value comes first,
    but ratings are sorted from highest to lowest. The count of a rating includes the courses with a higher
    rating. A value that the filter selects is included even if its count is 0. Of tags, languages and
    currencies, only the most frequent are included (MOST_FACET_VALUES).
    """
    keys = [key for key in dict.fromkeys(parents) if key is not None]
    common = of_parents(listing, keys, listing.filter_without(*_FACETS))
    key = f"${listing.parent}" if listing.parent else None
    pipelines = {
        name: [
            {"$match": _other_facets(listing, name)},
            *_count(key, value),
            *_most_frequent(_MOST.get(name), _chosen(listing, name)),
        ]
        for name, value in _FACETS.items()
    }
    counts = (await aggregate(listing.collection, [*common, {"$facet": pipelines}], size=1))[0]
    chosen = {name: _chosen(listing, name) for name in _FACETS}
    return [
        {name: _facet(name, counts[name], parent, chosen[name]) for name in _FACETS} for parent in parents
    ]


def _other_facets(listing: Listing, facet: str) -> Filter:
    """Returns the parts of the listing's filter that belong to facets other than `facet`."""
    return all_of(*(part for name, part in listing.parts.items() if name in _FACETS and name != facet))


_BANDS = {
    "$filter": {"input": list(FACET_RATINGS), "as": "band", "cond": {"$gte": ["$ratingAverage", "$$band"]}}
}

#: Maps each facet's name to the MongoDB expression that computes the facet's value, or array of values, for a
#: course. `Listing.parts` uses the same names.
_FACETS: Mapping[str, str | Expression] = {
    "categories": "$categorySlug",
    "levels": "$level",
    "deliveryModes": "$deliveryModes",
    "ratings": _BANDS,
    "tags": "$tags",
    "languages": "$language",
    "currencies": "$price.currency",
}
#: The maximum number of values in a facet, for facets whose values other programs and imports can choose.
_MOST = dict.fromkeys(("tags", "languages", "currencies"), MOST_FACET_VALUES)


def _count(parent: str | None, value: str | Expression) -> list[Expression]:
    return [
        {"$project": {"parent": parent or {"$literal": WHOLE}, "value": value}},
        {"$unwind": "$value"},
        {"$group": {"_id": {"parent": "$parent", "value": "$value"}, "count": {"$sum": 1}}},
    ]


def _most_frequent(most: int | None, chosen: Sequence[Value]) -> list[Expression]:
    """Returns the stages that keep the most frequent values of each parent, and the chosen ones."""
    if most is None:
        return []
    # $documentNumber accepts only a single sort field. Objects are compared field by field.
    order = {"rarity": {"$multiply": ["$count", -1]}, "value": "$_id.value"}
    place = {
        "partitionBy": "$_id.parent",
        "sortBy": {"order": 1},
        "output": {"place": {"$documentNumber": {}}},
    }
    kept = {"$or": [{"place": {"$lte": most}}, {"_id.value": {"$in": list(chosen)}}]}
    return [{"$set": {"order": order}}, {"$setWindowFields": place}, {"$match": kept}]


def _chosen(listing: Listing, facet: str) -> Sequence[Value]:
    """Returns the values that the listing's filter selects for a facet."""
    return [value for choice in listing.parts.get(facet, {}).values() for value in choice.get("$in", ())]


def _facet(name: str, rows: Sequence[Document], parent: Value, chosen: Sequence[Value]) -> list[FacetCount]:
    """Returns one facet's counts for one parent; includes `chosen` values even if their count is 0."""
    counted = {
        row["_id"]["value"]: row["count"]
        for row in rows
        if row["_id"].get("parent") == parent and _is_shown(name, row["_id"]["value"])
    }
    counts = dict.fromkeys(chosen, 0) | counted
    if name == "ratings":
        return [
            {"facet": name, "value": f"{band:.1f}", "count": counts.get(band, 0)} for band in FACET_RATINGS
        ]
    first = sorted(counts.items(), key=lambda item: (item[0] not in chosen, -item[1], item[0]))
    ordered = sorted(first[: _MOST.get(name)], key=lambda item: (-item[1], item[0]))
    return [{"facet": name, "value": value, "count": count} for value, count in ordered]


def _is_shown(facet: str, value: Value) -> bool:
    """Returns whether a facet shows this value. Invalid values, stored by other programs, are not shown."""
    if facet == "ratings":
        return True
    choices = {"levels": get_args(Level), "deliveryModes": get_args(DeliveryMode)}.get(facet)
    return isinstance(value, str) and (choices is None or value in choices)


def _parts(criteria: CourseCriteria) -> dict[str, Filter]:
    c = criteria
    shown = {"status": {"$in": list(c.statuses)} if len(c.statuses) != 1 else c.statuses[0]}
    taught = {"instructorIds": c.taught_by}
    parts: dict[str, Filter] = {"statuses": {"$or": [shown, taught]} if c.taught_by else shown}
    if c.search:
        parts["search"] = search_filter(c.search)
    for name, field, values in (
        ("categories", "categorySlug", c.categories),
        ("levels", "level", c.levels),
        ("deliveryModes", "deliveryModes", c.delivery_modes),
        ("tags", "tags", c.tags),
        ("languages", "language", c.languages),
        ("institutions", "institution", c.institutions),
        ("currencies", "price.currency", c.currencies),
        ("instructors", "instructorIds", c.instructors),
    ):
        if values is not None:
            parts[name] = {field: {"$in": list(values)}}
    if c.min_rating is not None:
        parts["ratings"] = {"ratingAverage": {"$gte": c.min_rating}}
    for name, bounds in (("durationDays", c.duration_days), ("price.amountMinor", c.price_minor)):
        if bounds is not None and (limits := _within(bounds)):
            parts[name] = {name: limits}
    if c.has_seats is not None:
        open_now = {"$gt": c.now}
        parts["hasSeats"] = {"seatsUntil": open_now if c.has_seats else {"$not": open_now}}
    return parts


def _within(bounds: Range) -> Filter:
    limits = {"$gte": bounds.min, "$lte": bounds.max}
    return {operator: value for operator, value in limits.items() if value is not None}
