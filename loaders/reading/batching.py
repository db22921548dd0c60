"""Documents by key, in batches."""

from asyncio import Future, get_running_loop
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from bson import ObjectId

from loaders.mongo import Collection, find, find_one, id_bytes, note_read
from loaders.reading.projections import Projection, including

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
        self._in_flight: list[_Fetch] = []

    async def __call__(self, keys: Sequence[Any]) -> list[D | None]:
        seen, hashed = self._seen, _hashed(keys)
        while unseen := {h: key for h, key in zip(hashed, keys, strict=True) if h not in seen}:
            if not self._in_flight:
                await self._fetch(unseen)
                break
            elsewhere = [fetch for fetch in self._in_flight if not unseen.keys().isdisjoint(fetch.keys)]
            waiters = [fetch.waiter() for fetch in elsewhere]
            if own := {h: key for h, key in unseen.items() if not any(h in f.keys for f in elsewhere)}:
                await self._fetch(own)
            while waiters:
                await waiters.pop()  # not kept: with its error it would refer to this frame, and that to it
        return [seen[h] for h in hashed]

    async def _fetch(self, unseen: Mapping[Hashable, Any]) -> None:
        """Those who wait for it are told of its failure, and ask again if it was cancelled."""
        fetch = _Fetch(unseen)
        self._in_flight.append(fetch)
        try:
            rows = await self._rows(list(unseen.values()))
            note_read(self._collection.name, rows)
            found = _hashed([row[self._field] for row in rows])
            self._seen.update(dict.fromkeys(unseen))
            self._seen.update(zip(found, rows, strict=True))
        except Exception as error:
            fetch.end(error)
            raise
        finally:
            self._in_flight.remove(fetch)
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

    __slots__ = ("_waiters", "keys")

    def __init__(self, keys: Mapping[Hashable, Any]) -> None:
        self.keys = keys
        self._waiters: list[Future[None]] = []

    def waiter(self) -> Future[None]:
        """Is done when the fetch has ended, and fails as it did."""
        waiter: Future[None] = get_running_loop().create_future()
        self._waiters.append(waiter)
        return waiter

    def end(self, error: Exception | None = None) -> None:
        """Once it has ended, it does nothing."""
        while self._waiters:
            waiter = self._waiters.pop()
            if waiter.done():  # it was cancelled
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
                waiter.exception()  # it may not be awaited any more


def _hashed(keys: Iterable[Any]) -> list[Hashable]:
    """ObjectIds as their bytes: they hash and compare themselves in Python, many times for each look-up."""
    return [id_bytes(key) if type(key) is ObjectId else key for key in keys]
