"""Ordered lists of documents, paginated by key: one list for a whole collection, or one list per parent.

A list is sorted by a field, then by `_id` in the opposite direction. For example, if the field is descending,
`_id` is ascending. The ascending order is the exact reverse of the descending order, so one index
serves both.

The value of the field and the `_id` are the ordering key of an element. A page starts after an ordering key,
never at an offset, so newly inserted documents don't shift it.

MongoDB sorts null before every other value, so nulls come first in ascending order and last in descending
order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from bson import ObjectId

from loaders.mongo import (
    Collection,
    Expression,
    Fields,
    Filter,
    Stored,
    Value,
    aggregate,
    all_of,
    count,
    find,
    note_read,
)
from loaders.reading.document_fitting import AS_STORED, Fitting, fitting, is_of_kind
from loaders.reading.projections import Projection, including

#: The number of documents of a list that a search without an index looks at.
MOST_SCANNED = 10_000

#: Stands in for the parent in a listing that has no parents.
WHOLE = "the whole collection"


class Order(NamedTuple):
    """A sort order for documents."""

    field: str  # a path, such as "price.amountMinor"
    descending: bool


class Key(NamedTuple):
    """An ordering key: the position of an element in a sorted list."""

    value: Value
    id: ObjectId


class Window(NamedTuple):
    """A section of a list: at most `limit` elements between two keys.

    The elements are counted from the start of the section, or from its end if `from_end` is set.
    """

    limit: int
    after: Key | None = None
    before: Key | None = None
    from_end: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """An ordered list of documents; with `parent`, one list for each parent.

    parts: the filter for each criterion, by the criterion's name.
    parent: the field that refers to the parent; it can hold an array of references.
    score: an expression that computes the field `score`, for example to sort by relevance.
    projection: the keys to fetch in addition to the ordering key; None fetches all keys.
    course: a filter for the course that each document belongs to. The course is looked up whenever the list
    is read, because hiding a course changes only the course itself, not the documents that belong to it.
    scanned: a filter that no index serves. The list then consists of those that match it among the first
    MOST_SCANNED documents, so that it costs the same however many there are.
    """

    collection: Collection
    parts: Mapping[str, Filter]
    order: Order
    parent: str | None = None
    score: Expression | None = None
    projection: Projection | None = None
    course: Filter | None = None
    scanned: Filter | None = None

    @property
    def filter(self) -> Filter:
        return all_of(*self.parts.values())

    def filter_without(self, *names: str) -> Filter:
        return all_of(*(part for name, part in self.parts.items() if name not in names))

    def key(self, document: Fields) -> Key:
        value: Value = {**document, **as_stored} if (as_stored := document.get(AS_STORED)) else document
        for name in self.order.field.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return Key(value, document["_id"])

    async def pages(self, parents: Sequence[Value], window: Window) -> "list[Page]":
        """Returns a page for each parent, in the order of the parents. Sends a single command.

        If a parent is None, its page is empty. A listing without `parent` takes WHOLE as its only parent.
        """
        keys = _keys(parents)
        if not keys:
            rows: dict[Value, list[Stored]] = {}
        elif len(keys) == 1:
            rows = {keys[0]: await _rows(self, keys[0], window)}
        else:
            rows = await _rows_by_parent(self, keys, window)
        note_read(self.collection, chain.from_iterable(rows.values()))
        fit = fitting(self.collection.name, self.projection)
        return [_page(self, parent, rows.get(parent, []), window, fit) for parent in parents]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of one parent's list, in the list's order.

    has_next, has_previous: as Relay defines them.
    Without `from_end`, has_next tells whether more than `limit` elements lie between the Window's keys, and
    has_previous tells whether `after` is set.
    With `from_end`, has_previous tells whether more than `limit` elements lie between the Window's keys, and
    has_next tells whether `before` is set.
    """

    listing: Listing
    parent: Value
    documents: list[Stored]
    has_next: bool
    has_previous: bool


async def counts(listing: Listing, parents: Sequence[Value]) -> list[int]:
    """Returns the total length of each parent's list, in the order of the parents. Sends one command."""
    keys = _keys(parents)
    if listing.parent is None and keys:
        return [await _count(listing)] * len(parents)
    lengths = await _counts_by_parent(listing, keys) if keys else {}
    return [lengths.get(parent, 0) for parent in parents]


async def _count(listing: Listing) -> int:
    """Returns the length of a list without parents."""
    number: list[Expression] = [{"$match": listing.filter}, *_scanned(listing), {"$count": "n"}]
    if listing.course is not None:
        # Few courses are hidden, so it is faster to subtract their documents than to look up each course.
        lookup = {
            "from": listing.collection.name, "localField": "_id", "foreignField": "courseId",
            "pipeline": number, "as": "hidden",
        }  # fmt: skip
        hidden: list[Expression] = [
            {"$match": {"$nor": [listing.course]}},
            {"$lookup": lookup},
            {"$unwind": "$hidden"},
            {"$project": {"n": {"$multiply": ["$hidden.n", -1]}}},
            {"$unionWith": {"coll": listing.collection.name, "pipeline": number}},
            {"$group": {"_id": None, "n": {"$sum": "$n"}}},
        ]
        found = await aggregate(listing.collection.database["courses"], hidden, size=1)
    elif listing.scanned is not None:
        found = await aggregate(listing.collection, number, size=1)
    else:
        return await count(listing.collection, listing.filter)
    return int(found[0]["n"]) if found else 0


async def _counts_by_parent(listing: Listing, keys: Sequence[Value]) -> dict[Value, int]:
    """Maps parents to the lengths of their lists. Parents whose list is empty can be left out."""
    if listing.scanned is not None:
        number = [{"$match": listing.filter}, *_scanned(listing), *_of_courses(listing), {"$count": "n"}]
        rows = await _joined(listing, keys, number)
        return {parent: of_parent[0]["n"] for parent, of_parent in rows.items() if of_parent}
    group = {"$group": {"_id": f"${listing.parent}", "n": {"$sum": 1}}}
    pipeline = [*of_parents(listing, keys, listing.filter), *_of_courses(listing), group]
    found = await aggregate(listing.collection, pipeline, size=len(keys))
    return {row["_id"]: row["n"] for row in found}


def of_parents(listing: Listing, keys: Sequence[Value], chosen: Filter) -> list[Expression]:
    """Returns the pipeline stages that select the documents matching a filter.

    In a listing by parent, a document appears once for each parent that it refers to.
    """
    if listing.parent is None:
        return [{"$match": chosen}]
    of_keys = {listing.parent: {"$in": list(keys)}}
    return [{"$match": all_of(of_keys, chosen)}, {"$unwind": f"${listing.parent}"}, {"$match": of_keys}]


def sort_by(order: Order, *, reverse: bool = False) -> dict[str, int]:
    """Converts an order to the form that MongoDB's $sort takes."""
    direction = -1 if order.descending is not reverse else 1
    return {order.field: direction, "_id": -direction}


def _keys(parents: Sequence[Value]) -> list[Value]:
    return [key for key in dict.fromkeys(parents) if key is not None]


async def _rows(listing: Listing, parent: Value, window: Window) -> list[Stored]:
    """Returns the documents of a window, and one more document if there are more than its `limit`."""
    of_parent = {listing.parent: parent} if listing.parent else {}
    size = window.limit + 1
    if (listing.score, listing.course, listing.scanned) != (None, None, None):
        pipeline = [{"$match": all_of(of_parent, listing.filter)}, *_stages(listing, window)]
        return await aggregate(listing.collection, pipeline, size=size)
    query = all_of(of_parent, listing.filter, _between(listing, window))
    sort = list(sort_by(listing.order, reverse=window.from_end).items())
    projection = including(listing.projection, listing.order.field)
    return await find(listing.collection, query, size=size, sort=sort, limit=size, projection=projection)


async def _rows_by_parent(
    listing: Listing, keys: Sequence[Value], window: Window
) -> dict[Value, list[Stored]]:
    """Like `_rows`, but for several parents: a single $lookup joins the parents' keys with their documents.

    This is about as fast as one $unionWith branch per parent (benchmarks/top_per_parent.py), but can't hit
    the limit on pipeline stages, and it also works when documents refer to their parents in an array.
    """
    return await _joined(listing, keys, [{"$match": listing.filter}, *_stages(listing, window)])


async def _joined(
    listing: Listing, keys: Sequence[Value], stages: Sequence[Expression]
) -> dict[Value, list[Stored]]:
    """Maps each parent to the results of a pipeline that runs on the documents of this parent."""
    lookup = {
        "from": listing.collection.name,
        "localField": "_id",
        "foreignField": listing.parent,
        "pipeline": stages,
        "as": "rows",
    }
    pipeline: list[Expression] = [{"$documents": [{"_id": key} for key in keys]}, {"$lookup": lookup}]
    database, name = listing.collection.database, listing.collection.name
    found = await aggregate(database, pipeline, size=len(keys), collection=name)
    return {row["_id"]: row["rows"] for row in found}


def _stages(listing: Listing, window: Window) -> list[Expression]:
    score = [{"$addFields": {"score": listing.score}}] if listing.score is not None else []
    between = _between(listing, window)
    return [
        *score,
        *_scanned(listing),
        *([{"$match": between}] if between else []),
        {"$sort": sort_by(listing.order, reverse=window.from_end)},
        *_of_courses(listing),
        {"$limit": window.limit + 1},
        *_projected(listing),
    ]


def _scanned(listing: Listing) -> list[Expression]:
    """Returns the stages that search the beginning of the list."""
    if listing.scanned is None:
        return []
    return [{"$sort": sort_by(listing.order)}, {"$limit": MOST_SCANNED}, {"$match": listing.scanned}]


def _of_courses(listing: Listing) -> list[Expression]:
    """Returns the stages that keep only documents whose course matches the listing's course filter.

    The stages come after the $sort, so that MongoDB looks up only as many courses as it takes to fill the
    page.
    """
    if listing.course is None:
        return []
    lookup = {
        "from": "courses", "localField": "courseId", "foreignField": "_id", "as": "course",
        "pipeline": [{"$match": listing.course}, {"$project": {"_id": 1}}],
    }  # fmt: skip
    return [{"$lookup": lookup}, {"$match": {"course": {"$ne": []}}}, {"$unset": "course"}]


def _projected(listing: Listing) -> list[Expression]:
    """Returns the stage that applies the projection, if there is one.

    The stage doesn't slow MongoDB down (benchmarks/top_per_parent.py), and it leaves the driver less to
    decode. This matters because the driver decodes all pages in one go, holding Python's global interpreter
    lock. With a projection, 100 pages of 100 reviews take a fifth of the time.
    """
    if listing.projection is None:
        return []
    return [{"$project": including(listing.projection, listing.order.field)}]


def _page(listing: Listing, parent: Value, rows: list[Stored], window: Window, fit: Fitting) -> Page:
    more = len(rows) > window.limit
    documents = fit(rows[: window.limit])
    follows, precedes = window.after is not None, window.before is not None
    if window.from_end:
        return Page(listing, parent, documents[::-1], has_next=precedes, has_previous=more)
    return Page(listing, parent, documents, has_next=more, has_previous=follows)


def _between(listing: Listing, window: Window) -> Filter:
    bounds = []
    if window.after:
        bounds.append(_beyond(listing, window.after, descending=listing.order.descending))
    if window.before:
        bounds.append(_beyond(listing, window.before, descending=not listing.order.descending))
    return all_of(*bounds)


def _beyond(listing: Listing, key: Key, *, descending: bool) -> Filter:
    """Returns a filter for the elements that come after an ordering key, in ascending or descending order.

    Elements with the same value are ordered by `_id`. Null and missing values count as less than all others.
    """
    step, id_step = ("$lt", "$gt") if descending else ("$gt", "$lt")
    field, value = listing.order.field, key.value
    is_plain = value is None or is_of_kind(listing.collection.name, field, value)
    same_value = {field: value if is_plain else {"$eq": value}, "_id": {id_step: key.id}}
    if value is None:
        return same_value if descending else {"$or": [{field: {"$ne": None}}, same_value]}
    further: list[Filter] = [{field: {step: value}}]
    if descending:
        further.append({field: None})
    if not is_plain and (types := _other_types(value, descending=descending)):
        further.append({field: {"$type": types}})  # $gt and $lt match only values of the same type
    return {"$or": [*further, same_value]}


#: Python types, in the order in which MongoDB sorts their values, each with its name for `$type`.
_TYPES: Sequence[tuple[tuple[type, ...], str]] = (
    ((int, float), "number"), ((str,), "string"), ((dict,), "object"), ((bytes,), "binData"),
    ((ObjectId,), "objectId"), ((bool,), "bool"), ((datetime,), "date"),
)  # fmt: skip


def _other_types(value: Value, *, descending: bool) -> list[str]:
    """Returns the names of the types that MongoDB sorts after a value's own type, in the given direction."""
    for place, (types, _) in enumerate(_TYPES):
        if type(value) in types:
            others = _TYPES[:place] if descending else _TYPES[place + 1 :]
            return [name for _, name in others]
    return []
