"""Loads documents by key in batches."""

from asyncio import Future, get_running_loop
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from bson import ObjectId

from loaders.mongo import Collection, Stored, Value, find, id_bytes, lookup, note_read
from loaders.reading.document_fitting import fitting
from loaders.reading.projections import Projection, including

D = TypeVar("D")


class ByKey(Generic[D]):
    """Loads a collection's documents by a unique field; fetches each document once per request.

    A call takes keys and returns one entry per key, in the same order: the document, or None if the key is
    None or no document has it. It sends one command for the keys that are neither cached nor already being
    fetched by other calls. It waits for those other calls, and fails if one of them fails.

    former: a field with a list of the former values of `field`. Keys that no document has now are looked up
    in that field, with one more command for all of these keys. If several documents had a key in the past,
    the one with the lowest `_id` is returned.
    """

    def __init__(
        self,
        collection: Collection,
        field: str = "_id",
        projection: Projection | None = None,
        former: str | None = None,
    ) -> None:
        self._collection = collection
        self._field = field
        self._former = former
        self._projection = including(projection, field)
        self._fit = fitting(collection.name, self._projection)
        self._cache: dict[Hashable, D | None] = {None: None}
        self._in_flight: list[_Fetch] = []

    async def __call__(self, keys: Sequence[Value]) -> list[D | None]:
        cache, hashed = self._cache, _hashed(keys)
        while missing := {h: key for h, key in zip(hashed, keys, strict=True) if h not in cache}:
            if not self._in_flight:
                await self._fetch(missing)
                break
            elsewhere = [fetch for fetch in self._in_flight if not missing.keys().isdisjoint(fetch.keys)]
            waiters = [fetch.waiter() for fetch in elsewhere]
            if rest := {h: key for h, key in missing.items() if not any(h in f.keys for f in elsewhere)}:
                await self._fetch(rest)
            while waiters:
                # Popped to avoid a reference cycle. A waiter's error refers to this frame. If the waiter
                # stayed in the list, this frame would refer to the waiter.
                await waiters.pop()
        return [cache[h] for h in hashed]

    async def _fetch(self, missing: Mapping[Hashable, Value]) -> None:
        """Fetches missing keys into the cache.

        If the fetch fails, the calls that wait for it fail too; if it is cancelled, those calls try again.
        """
        fetch = _Fetch(missing)
        self._in_flight.append(fetch)
        try:
            keys = list(missing.values())
            rows = self._fit(await lookup(self._collection, self._field, keys, self._projection))
            found = dict(zip(_hashed([row[self._field] for row in rows]), rows, strict=True))
            if self._former and (unknown := [key for h, key in missing.items() if h not in found]):
                found |= await self._by_former_key(self._former, unknown)
            note_read(self._collection, found.values())
            self._cache.update(dict.fromkeys(missing))
            self._cache.update(found)
        except Exception as error:
            fetch.end(error)
            raise
        finally:
            self._in_flight.remove(fetch)
            fetch.end()

    async def _by_former_key(self, former: str, keys: Sequence[Value]) -> dict[Hashable, Stored]:
        """Returns the documents that formerly had one of these keys, each keyed by its former key."""
        projection = including(self._projection, former)
        query = {former: {"$in": keys}}
        found: list[Stored] = await find(
            self._collection, query, size=len(keys), projection=projection, sort=[("_id", -1)]
        )
        rows = fitting(self._collection.name, projection)(found)
        wanted = set(_hashed(keys))
        # The query also finds documents whose `former` field holds a single key instead of a list. `fitting`
        # removes such a field.
        return {key: row for row in rows for key in _hashed(row.get(former, ())) if key in wanted}


class _Fetch:
    """A fetch in progress: its keys, and the calls that wait for it."""

    __slots__ = ("_waiters", "keys")

    def __init__(self, keys: Mapping[Hashable, Value]) -> None:
        self.keys = keys
        self._waiters: list[Future[None]] = []

    def waiter(self) -> Future[None]:
        """Returns a future that completes when the fetch ends, and fails if the fetch fails.

        Each waiter has its own future, so that cancelling one waiter doesn't cancel the others.
        """
        waiter: Future[None] = get_running_loop().create_future()
        self._waiters.append(waiter)
        return waiter

    def end(self, error: Exception | None = None) -> None:
        """Completes the waiters' futures, with an error if the fetch failed. A second call has no effect."""
        while self._waiters:
            waiter = self._waiters.pop()
            if waiter.done():  # the waiter was cancelled
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
                waiter.exception()  # otherwise asyncio would log the error of a future that nobody awaits


def _hashed(keys: Iterable[Value]) -> list[Hashable]:
    """Converts ObjectIds to bytes, which hash and compare faster. Leaves other keys unchanged."""
    return [id_bytes(key) if type(key) is ObjectId else key for key in keys]
