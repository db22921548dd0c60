"""Documents by key, in batches."""

from asyncio import Future, get_running_loop
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from bson import ObjectId

from loaders.mongo import Collection, find, find_one, id_bytes
from loaders.projections import Projection, including

D = TypeVar("D")


class ByKey(Generic[D]):
    """The documents of a collection by a unique field, each fetched once a request.

    Called with keys, it returns one entry per key, in the order of the keys: the document, or None where
    there is none or the key is None. One command, or none where every key was seen before, or is being
    fetched by another call: that one is waited for, and if it fails, so does this one.
    """

    def __init__(
        self, collection: Collection, field: str = "_id", projection: Projection | None = None
    ) -> None:
        self._collection = collection
        self._field = field
        self._projection = including(projection, field)
        self._seen: dict[Hashable, D | None] = {None: None}
        self._coming: list[_Fetch] = []

    async def __call__(self, keys: Sequence[Any]) -> list[D | None]:
        seen, hashed = self._seen, _hashed(keys)
        while unseen := {h: key for h, key in zip(hashed, keys, strict=True) if h not in seen}:
            if not self._coming:
                await self._fetch(unseen)
                break
            elsewhere = [fetch for fetch in self._coming if not unseen.keys().isdisjoint(fetch.keys)]
            ends = [fetch.awaited() for fetch in elsewhere]
            if own := {h: key for h, key in unseen.items() if not any(h in f.keys for f in elsewhere)}:
                await self._fetch(own)
            for end in ends:
                if error := await end:
                    raise error
        return [seen[h] for h in hashed]

    async def _fetch(self, unseen: Mapping[Hashable, Any]) -> None:
        """Who waits for it is told of its failure, and asks again where it was cancelled."""
        fetch = _Fetch(unseen)
        self._coming.append(fetch)
        try:
            rows = await self._rows(list(unseen.values()))
            found = _hashed([row[self._field] for row in rows])
            self._seen.update(dict.fromkeys(unseen))
            self._seen.update(zip(found, rows, strict=True))
        except Exception as error:
            fetch.end(error)
            raise
        finally:
            self._coming.remove(fetch)
            fetch.end()

    async def _rows(self, keys: list[Any]) -> list[Any]:
        if len(keys) > 1:
            query = {self._field: {"$in": keys}}
            return await find(self._collection, query, size=len(keys), projection=self._projection)
        # The driver and MongoDB have a shorter way for one. $eq, so that a key is never an operator.
        one = await find_one(self._collection, {self._field: {"$eq": keys[0]}}, projection=self._projection)
        return [one] if one is not None else []


class _Fetch:
    """Keys that are being fetched."""

    __slots__ = ("_awaited", "keys")

    def __init__(self, keys: Mapping[Hashable, Any]) -> None:
        self.keys = keys
        self._awaited: list[Future[Exception | None]] = []

    def awaited(self) -> Future[Exception | None]:
        """Has what it fails by, or None, when it ends."""
        end: Future[Exception | None] = get_running_loop().create_future()
        self._awaited.append(end)
        return end

    def end(self, error: Exception | None = None) -> None:
        for end in self._awaited:
            if not end.done():
                end.set_result(error)


def _hashed(keys: Iterable[Any]) -> list[Hashable]:
    """ObjectIds as their bytes: they hash and compare themselves in Python, many times for each look-up."""
    return [id_bytes(key) if type(key) is ObjectId else key for key in keys]
