"""Look-ups of documents by a unique field. Several of them can be sent as one command."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from bson import ObjectId

from loaders.mongo.bson_types import DriverObject, Result, Stored, Value
from loaders.mongo.finds.find_commands import find, find_one

Projection: TypeAlias = Mapping[str, int] | None

#: Fetches documents by a field. Takes a collection of the driver, the field, its values and the projection.
ByKeys: TypeAlias = Callable[[DriverObject, str, Sequence[Value], Projection], Result]

#: Types whose equality is the same in Python and MongoDB. That of numbers is not: in Python, True == 1.
_COMPARABLE = {str, ObjectId}


class Lookup(NamedTuple):
    """A look-up: documents of a collection by the keys of a unique field. Keys can be repeated."""

    collection: DriverObject
    by_keys: ByKeys
    field: str
    keys: Sequence[Value]
    projection: Projection

    def merge_key(self) -> Hashable:
        """Returns a key that mergeable look-ups share; None if this one can't be merged."""
        if not {type(key) for key in self.keys} <= _COMPARABLE:
            return None
        projection = self.projection if self.projection is None else frozenset(self.projection.items())
        return id(self.collection), self.field, projection

    def fetch(self, raw: DriverObject) -> Result:
        """Sends the look-up. raw: the driver's collection."""
        return self.by_keys(raw, self.field, self.keys, self.projection)

    def union(self, others: Iterable["Lookup"]) -> "Lookup":
        """Returns a look-up of the keys of this one and of others with the same merge key."""
        keys = dict.fromkeys(chain(self.keys, *(other.keys for other in others)))
        return self._replace(keys=list(keys))


def shares(asked: Sequence[Lookup], documents: Iterable[Stored]) -> list[list[Stored]] | None:
    """Returns each look-up's own documents. No two look-ups get the same object.

    Returns None if a document's key isn't one of those asked for, as when the field holds a list.
    """
    found: dict[Value, Stored] = {}
    keys = {key for lookup in asked for key in lookup.keys}
    for document in documents:
        key = document.get(asked[0].field)
        if type(key) not in _COMPARABLE or key not in keys:
            return None
        found.setdefault(key, document)
    taken: set[Value] = set()
    return [_share(lookup, found, taken) for lookup in asked]


def _share(lookup: Lookup, found: Mapping[Value, Stored], taken: set[Value]) -> list[Stored]:
    own = []
    for key in dict.fromkeys(lookup.keys):
        if (document := found.get(key)) is not None:
            own.append(_copied(document) if key in taken else document)
            taken.add(key)
    return own


def _copied(value: Value) -> Value:
    """Copies documents and lists. Other values that MongoDB returns can't be changed."""
    if isinstance(value, dict):
        return {name: _copied(inner) for name, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def by_keys(
    collection: DriverObject, field: str, keys: Sequence[Value], projection: Projection
) -> list[Stored]:
    """Looks up documents through the blocking driver."""
    options = {"projection": projection}
    if len(keys) > 1:
        return find(collection, {field: {"$in": keys}}, len(keys), options)
    # The driver and MongoDB have a fast path for a single document. $eq keeps a key from being read as an
    # operator.
    one = find_one(collection, {field: {"$eq": keys[0]}}, options)
    return [one] if one is not None else []


async def by_keys_async(
    collection: DriverObject, field: str, keys: Sequence[Value], projection: Projection
) -> list[Stored]:
    """Looks up documents through PyMongo's async client, as `by_keys` does."""
    if len(keys) > 1:
        found = collection.find({field: {"$in": keys}}, projection=projection, batch_size=len(keys) + 1)
        documents: list[Stored] = await found.to_list(None)
        return documents
    one = await collection.find_one({field: {"$eq": keys[0]}}, projection=projection)
    return [one] if one is not None else []
