"""Ordered lists of documents, read a page at a time by key: the whole collection, or the part of each parent.

An order is a field and then `_id`, in the opposite direction; ascending is exactly descending read backwards,
so one index serves both. A page starts after a key, the value of the ordering field and the `_id` of the
element it follows, never at an offset: what is inserted meanwhile moves nothing.

MongoDB orders null below every value: last when descending, first when ascending.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from bson import ObjectId

from loaders.mongo import Collection, Filter, aggregate, all_of, count, find, note_read
from loaders.reading.projections import Projection, including

#: Stands for the parent in a listing that has none.
WHOLE = "the whole collection"


class Order(NamedTuple):
    field: str  # a path, such as "price.amountMinor"
    descending: bool
    nullable: bool = False


class Key(NamedTuple):
    """The place of an element in an order."""

    value: Any
    id: ObjectId


class Window(NamedTuple):
    """What part of a list: at most `limit` elements between two keys, from its start or from its end."""

    limit: int
    after: Key | None = None
    before: Key | None = None
    from_end: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A list in an order, or with `parent` one such list for each parent.

    parts: what to list, a filter for each criterion by its name.
    parent: the field that refers to the parent, or an array of such references.
    score: an expression that is computed into the field `score`, for an order by relevance.
    projection: what is fetched of the documents, beside what orders them; None: all.
    course: a filter of the course that each document is of. It is looked up as the list is read: a course is
    hidden, with all that is its, by one write to itself.
    """

    collection: Collection
    parts: Mapping[str, Filter]
    order: Order
    parent: str | None = None
    score: Mapping[str, Any] | None = None
    projection: Projection | None = None
    course: Filter | None = None

    @property
    def filter(self) -> Filter:
        return all_of(*self.parts.values())

    def filter_without(self, *names: str) -> Filter:
        return all_of(*(part for name, part in self.parts.items() if name not in names))

    def key(self, document: Mapping[str, Any]) -> Key:
        value: Any = document
        for name in self.order.field.split("."):
            value = value.get(name) if value is not None else None
        return Key(value, document["_id"])

    async def pages(self, parents: Sequence[Any], window: Window) -> "list[Page]":
        """A page for each parent, in order. One command, whatever the number of parents.

        The list of a parent that is None is empty. A listing without `parent` takes WHOLE as its only parent.
        """
        keys = _keys(parents)
        if not keys:
            rows: dict[Any, list[Any]] = {}
        elif len(keys) == 1:
            rows = {keys[0]: await _rows(self, keys[0], window)}
        else:
            rows = await _rows_by_parent(self, keys, window)
        note_read(self.collection.name, chain.from_iterable(rows.values()))
        return [_page(self, parent, rows.get(parent, []), window) for parent in parents]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the list of one parent, in its order.

    In the direction of the window, whether more is between its keys, as Relay has it: who pages between two
    keys comes to an end. In the other one, whether the window begins at a key.
    """

    listing: Listing
    parent: Any
    documents: list[Any]
    has_next: bool
    has_previous: bool


async def counts(listing: Listing, parents: Sequence[Any]) -> list[int]:
    """The length of the whole list of each parent, in order. One command."""
    keys = _keys(parents)
    if listing.parent is None and keys:
        return [await count(listing.collection, listing.filter)] * len(parents)
    group = {"$group": {"_id": f"${listing.parent}", "n": {"$sum": 1}}}
    pipeline = [*of_parents(listing, keys, listing.filter), *_of_courses(listing), group]
    found = await aggregate(listing.collection, pipeline, size=len(keys)) if keys else []
    lengths = {row["_id"]: row["n"] for row in found}
    return [lengths.get(parent, 0) for parent in parents]


def of_parents(listing: Listing, keys: Sequence[Any], chosen: Filter) -> list[Mapping[str, Any]]:
    """The stages that give what a filter matches, in a listing by parent once for each of the parents."""
    if listing.parent is None:
        return [{"$match": chosen}]
    own = {listing.parent: {"$in": list(keys)}}
    return [{"$match": all_of(own, chosen)}, {"$unwind": f"${listing.parent}"}, {"$match": own}]


def sort_by(order: Order, *, reverse: bool = False) -> dict[str, int]:
    """An order as MongoDB takes it."""
    direction = -1 if order.descending is not reverse else 1
    return {order.field: direction, "_id": -direction}


def _keys(parents: Sequence[Any]) -> list[Any]:
    return [key for key in dict.fromkeys(parents) if key is not None]


async def _rows(listing: Listing, parent: Any, window: Window) -> list[Any]:
    """One more than the limit, if there are as many."""
    own = {listing.parent: parent} if listing.parent else {}
    size = window.limit + 1
    if listing.score is not None or listing.course is not None:
        pipeline = [{"$match": all_of(own, listing.filter)}, *_stages(listing, window)]
        return await aggregate(listing.collection, pipeline, size=size)
    query = all_of(own, listing.filter, _between(listing.order, window))
    sort = list(sort_by(listing.order, reverse=window.from_end).items())
    projection = including(listing.projection, listing.order.field)
    return await find(listing.collection, query, size=size, sort=sort, limit=size, projection=projection)


async def _rows_by_parent(listing: Listing, keys: Sequence[Any], window: Window) -> dict[Any, list[Any]]:
    """A $lookup from the parents' keys: about as fast as a $unionWith branch for each, without its limit of
    stages, and right for parents in an array (benchmarks/top_per_parent.py).
    """
    lookup = {
        "from": listing.collection.name,
        "localField": "_id",
        "foreignField": listing.parent,
        "pipeline": [{"$match": listing.filter}, *_stages(listing, window)],
        "as": "rows",
    }
    pipeline: list[Mapping[str, Any]] = [{"$documents": [{"_id": key} for key in keys]}, {"$lookup": lookup}]
    found = await aggregate(listing.collection.database, pipeline, size=len(keys))
    return {row["_id"]: row["rows"] for row in found}


def _stages(listing: Listing, window: Window) -> list[Mapping[str, Any]]:
    score = [{"$addFields": {"score": listing.score}}] if listing.score is not None else []
    between = _between(listing.order, window)
    return [
        *score,
        *([{"$match": between}] if between else []),
        {"$sort": sort_by(listing.order, reverse=window.from_end)},
        *_of_courses(listing),
        {"$limit": window.limit + 1},
        *_projected(listing),
    ]


def _of_courses(listing: Listing) -> list[Mapping[str, Any]]:
    """The stages that leave what is of the courses of a listing: behind the order, so that no more courses
    are looked up than it takes to fill the page.
    """
    if listing.course is None:
        return []
    lookup = {
        "from": "courses", "localField": "courseId", "foreignField": "_id", "as": "course",
        "pipeline": [{"$match": listing.course}, {"$project": {"_id": 1}}],
    }  # fmt: skip
    return [{"$lookup": lookup}, {"$match": {"course": {"$ne": []}}}, {"$unset": "course"}]


def _projected(listing: Listing) -> list[Mapping[str, Any]]:
    """It takes MongoDB no longer (benchmarks/top_per_parent.py), and the driver decodes all pages at once,
    with Python's lock: of 100 pages of 100 reviews, that is a fifth of what whole ones take.
    """
    if listing.projection is None:
        return []
    return [{"$project": including(listing.projection, listing.order.field)}]


def _page(listing: Listing, parent: Any, rows: list[Any], window: Window) -> Page:
    more = len(rows) > window.limit
    documents = rows[: window.limit]
    follows, precedes = window.after is not None, window.before is not None
    if window.from_end:
        return Page(listing, parent, documents[::-1], has_next=precedes, has_previous=more)
    return Page(listing, parent, documents, has_next=more, has_previous=follows)


def _between(order: Order, window: Window) -> Filter:
    bounds = []
    if window.after:
        bounds.append(_beyond(order, window.after))
    if window.before:
        bounds.append(_beyond(order._replace(descending=not order.descending), window.before))
    return all_of(*bounds)


def _beyond(order: Order, key: Key) -> Filter:
    """What follows a key: a further value, or the same value and a further `_id`."""
    step, id_step = ("$lt", "$gt") if order.descending else ("$gt", "$lt")
    same_value = {order.field: key.value, "_id": {id_step: key.id}}
    if key.value is None:
        return same_value if order.descending else {"$or": [{order.field: {"$ne": None}}, same_value]}
    further: list[Filter] = [{order.field: {step: key.value}}]
    if order.nullable and order.descending:
        further.append({order.field: None})
    return {"$or": [*further, same_value]}
