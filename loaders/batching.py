"""Documents by key, in batches."""

from collections.abc import Hashable, Sequence
from typing import Any, Generic, TypeVar

from loaders.mongo import Collection, find
from loaders.projections import Projection, including

D = TypeVar("D")


class ByKey(Generic[D]):
    """The documents of a collection by a unique field, each fetched once a request.

    Called with keys, it returns one entry per key, in the order of the keys: the document, or None where
    there is none or the key is None. One command, or none where every key was seen before.
    """

    def __init__(
        self, collection: Collection, field: str = "_id", projection: Projection | None = None
    ) -> None:
        self._collection = collection
        self._field = field
        self._projection = including(projection, field)
        self._seen: dict[Hashable, D | None] = {None: None}

    async def __call__(self, keys: Sequence[Any]) -> list[D | None]:
        unseen = [key for key in dict.fromkeys(keys) if key not in self._seen]
        if unseen:
            query = {self._field: {"$in": unseen}}
            rows = await find(self._collection, query, size=len(unseen), projection=self._projection)
            self._seen |= dict.fromkeys(unseen) | {row[self._field]: row for row in rows}
        return [self._seen[key] for key in keys]
