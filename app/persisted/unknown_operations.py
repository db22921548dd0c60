"""Counts operations that aren't known, and stores the counts in batches."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from app.observing import Client, Throttled, redacted
from app.persisted.text_samples import sample_of
from loaders.mongo import COMMAND_ERRORS, Database, now, take_time
from loaders.persisted import EVICTED, LONGEST_SAMPLE, SHARE, Sighting, add_sightings

#: The maximum number of operations that are kept between two writes. All are counted in the metrics.
MOST_KEPT = 500

_EVERY = 10.0  # seconds between two writes
_LONGEST = 2.0  # seconds for a write

_CANT_STORE = Throttled("unknown operations can't be stored")

_Key: TypeAlias = tuple[str, str, str]  # hash or id, and the client's name and version


@dataclass(slots=True)
class _Seen:
    """How an operation was sent. text: its beginning, from which its sample is made."""

    reason: str
    text: str
    times: int
    at: datetime


class UnknownOperations:
    """The operations that were not known since the last write.

    If there are too many, those seen least often are evicted: among one client and reason if they have more
    than their share, otherwise among all. So a flood of texts hides neither what other clients send,
    nor what is sent often.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._seen: dict[_Key, _Seen] = {}
        self._flushing = asyncio.Lock()

    def add(self, hash: str, client: Client, reason: str, text: str) -> None:
        """Counts an operation. reason: see loaders.persisted.Sighting. text: empty if none was sent."""
        key, text = (hash, client.name, client.version), text[: 2 * LONGEST_SAMPLE]
        if (seen := self._seen.get(key)) is None:
            if len(self._seen) >= MOST_KEPT:
                self._make_room()
            seen = self._seen[key] = _Seen(reason, text, 0, now())
        seen.reason, seen.text, seen.at = reason, seen.text or text, now()
        seen.times += 1

    def _make_room(self) -> None:
        groups = Counter((client, seen.reason) for (_, client, _), seen in self._seen.items())
        group, number = groups.most_common(1)[0]
        over = number > MOST_KEPT * SHARE
        some = [key for key, seen in self._seen.items() if not over or (key[1], seen.reason) == group]
        some.sort(key=lambda key: (self._seen[key].times, self._seen[key].at))
        for key in some[: max(1, int(MOST_KEPT * EVICTED))]:
            del self._seen[key]

    async def write(self) -> None:
        """Stores the operations in the background. Runs until cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            await asyncio.shield(asyncio.create_task(self.flush()))  # the next `flush` waits for it

    async def flush(self) -> None:
        """Stores the operations, and begins anew. If MongoDB is away, they are lost."""
        async with self._flushing:
            if not self._seen:
                return
            take_time(_LONGEST)
            seen, self._seen = self._seen, {}
            sightings = []
            for key, one in seen.items():
                sightings.append(_sighting(key, one))
                await asyncio.sleep(0)  # a sample can take a millisecond
            try:
                await add_sightings(self._database(), sightings)
            except COMMAND_ERRORS as error:
                _CANT_STORE.warning(reason=redacted(error))


def _sighting(key: _Key, seen: _Seen) -> Sighting:
    return Sighting(*key, seen.reason, sample_of(seen.text) if seen.text else None, seen.times, seen.at)
