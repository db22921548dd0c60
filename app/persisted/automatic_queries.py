"""Automatic persisted queries: texts that clients register under their SHA-256, and then send as the hash.

Texts are kept in memory, and in MongoDB for other processes and for later. Whatever clients send, each
process looks up at most _LOOK_UPS hashes and stores at most _WRITTEN_AT_ONCE texts a second. When the
collection is full, the oldest texts make room for new ones.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from string import hexdigits
from sys import getsizeof
from time import monotonic
from typing import NamedTuple

from app.execution import Cache
from app.observing import Throttled, redacted
from app.persisted.registration_quota import RegistrationQuota
from loaders.mongo import COMMAND_ERRORS, Database, Scope, current_scope, now
from loaders.persisted import AutomaticText, evict_texts, find_text, size_of_texts, store_texts

MOST_STORED, MOST_STORED_BYTES = 50_000, 100_000_000

_ENTRIES, _BYTES = 5_000, 10_000_000  # limits of the texts in memory
_MISSING, _MISSING_SECONDS = 10_000, 5.0  # hashes that are known to be missing, and for how long
_LOOK_UPS = 100  # maximum number of look-ups in a second
_IN_FLIGHT = 8  # maximum number of look-ups at a time
_LONGEST_LOOK_UP = 1.0  # seconds
_WRITTEN_AT_ONCE, _WRITE_EVERY = 100, 1.0
_STORED_AGAIN = 60.0  # seconds after which a text that is registered again is stored again
_WAITING = 100  # maximum number of texts that wait to be stored
_SIZE_EVERY = 10.0  # seconds between two questions about the size of the collection
_EVICTED = 10  # when the collection is full, one in so many texts is evicted

_HASH_LENGTH = 64

_CANT_STORE = Throttled("persisted queries can't be stored")
_FULL = Throttled("the collection persistedOperations is full: its oldest texts are deleted")


def hash_of(text: str) -> str:
    """Returns the SHA-256 of a text in hexadecimal."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


class _Kept(NamedTuple):
    """A text in memory. stored_again_at: when it is stored again if a client registers it."""

    text: str
    stored_again_at: float


class AutomaticQueries:
    """The texts that clients have registered.

    days: how long a text is stored in MongoDB. per_hour: how many texts one network may register in an hour;
    0 for no limit. counts: what has happened, by name: "registered", "found" in MongoDB, "missing",
    "evicted"; and because of a limit: "not registered", "not looked up", "not stored".
    """

    def __init__(self, database: Callable[[], Database], days: int, per_hour: int = 0) -> None:
        self._database, self._kept_for = database, timedelta(days=days)
        self._quota = RegistrationQuota(per_hour)
        self._texts: Cache[str, _Kept] = Cache(entries=_ENTRIES, size=_BYTES)
        self._missing: OrderedDict[str, float] = OrderedDict()
        self._looking: dict[str, asyncio.Task[str | None]] = {}
        self._second, self._looked_up = 0, 0
        self._waiting: dict[str, str] = {}
        self._has_waiting = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._measured = -_SIZE_EVERY
        self.counts: Counter[str] = Counter()

    async def text_of(self, hash: str) -> str | None:
        """Returns the text of a hash, or None if it isn't known.

        Sends at most one command for all requests that ask for the same hash at a time. MongoDB being away is
        the same as an unknown hash: the client then sends the text.
        """
        if (kept := self._texts.get(hash)) is not None:
            return kept.text
        if (look_up := self._looking.get(hash)) is None:
            if not self._may_look_up(hash):
                return None
            look_up = self._looking[hash] = asyncio.create_task(self._look_up(hash))
        return await asyncio.shield(look_up)

    def register(self, hash: str, text: str, address: str) -> None:
        """Keeps the text of a valid operation, unless the client's network has registered too many.

        Stores it again after a while, because a client that registers a known text has probably asked a
        process that didn't find it. The caller has compared the hash.
        """
        kept = self._texts.get(hash)
        if kept is not None and monotonic() < kept.stored_again_at:
            return
        if kept is None:
            if not self._quota.take(address, len(text)):
                self.counts["not registered"] += 1
                return
            self.counts["registered"] += 1
        self._keep(hash, text)
        self._missing.pop(hash, None)
        if len(self._waiting) >= _WAITING:
            self.counts["not stored"] += 1
            return
        self._waiting[hash] = text
        self._has_waiting.set()

    async def write(self) -> None:
        """Stores registered texts in the background. Runs until cancelled."""
        while True:
            await self._has_waiting.wait()
            await asyncio.shield(asyncio.create_task(self.flush()))  # the next `flush` waits for it
            await asyncio.sleep(_WRITE_EVERY)

    def _may_look_up(self, hash: str) -> bool:
        if len(hash) != _HASH_LENGTH or hash.strip(hexdigits) or self._is_missing(hash):
            return False
        if (second := int(monotonic())) != self._second:
            self._second, self._looked_up = second, 0
        if self._looked_up >= _LOOK_UPS or len(self._looking) >= _IN_FLIGHT:
            self.counts["not looked up"] += 1
            return False
        self._looked_up += 1
        return True

    def _is_missing(self, hash: str) -> bool:
        return self._missing.get(hash, 0.0) > monotonic()

    async def _look_up(self, hash: str) -> str | None:
        # A scope of its own, because several requests wait for this, none of which should count the command.
        current_scope.set(Scope(monotonic() + _LONGEST_LOOK_UP))
        try:
            text = await find_text(self._database(), hash)
        except COMMAND_ERRORS:
            return None
        finally:
            del self._looking[hash]
        if text is None or hash_of(text) != hash:
            self._note_missing(hash)
            return None
        self.counts["found"] += 1
        self._keep(hash, text)
        return text

    def _keep(self, hash: str, text: str) -> None:
        self._texts.put(hash, _Kept(text, monotonic() + _STORED_AGAIN), getsizeof(text))

    def _note_missing(self, hash: str) -> None:
        self.counts["missing"] += 1
        self._missing[hash] = monotonic() + _MISSING_SECONDS
        self._missing.move_to_end(hash)
        if len(self._missing) > _MISSING:
            self._missing.popitem(last=False)

    async def flush(self) -> None:
        """Stores registered texts, at most _WRITTEN_AT_ONCE. Sends at most two commands."""
        async with self._flushing:
            await self._flush()

    async def _flush(self) -> None:
        if not self._waiting:
            return
        some = dict(list(self._waiting.items())[:_WRITTEN_AT_ONCE])
        for written in some:
            del self._waiting[written]
        if not self._waiting:
            self._has_waiting.clear()
        expires_at = now() + self._kept_for
        current_scope.set(Scope(monotonic() + 5 * _LONGEST_LOOK_UP))
        try:
            await self._make_room()
            await store_texts(
                self._database(), [AutomaticText(own, text, expires_at) for own, text in some.items()]
            )
        except COMMAND_ERRORS as error:
            self.counts["not stored"] += len(some)
            _CANT_STORE.warning(reason=redacted(error))

    async def _make_room(self) -> None:
        """Finds out from time to time whether the collection is full, and then deletes its oldest texts."""
        if monotonic() - self._measured < _SIZE_EVERY:
            return
        self._measured = monotonic()
        while True:
            number, size = await size_of_texts(self._database())
            if number < MOST_STORED and size < MOST_STORED_BYTES:
                return
            _FULL.warning(documents=number, bytes=size)
            if not (evicted := await evict_texts(self._database(), max(1, number // _EVICTED))):
                return
            self.counts["evicted"] += evicted
