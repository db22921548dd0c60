"""Counts operations that aren't known, and stores the counts in batches."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from pymongo.errors import PyMongoError

from app.observing import Client, Throttled, redacted
from app.persisted.text_samples import sample_of
from loaders.mongo import Database, DatabaseAwayError, DeadlineError, now, take_time
from loaders.persisted import Sighting, add_sightings

#: The maximum number of operations that are kept between two writes. Others are only counted in the metrics.
MOST_KEPT = 500

_EVERY = 10.0  # seconds between two writes
_LONGEST = 2.0  # seconds for a write

_CANT_STORE = Throttled("unknown operations can't be stored")

_Key: TypeAlias = tuple[str, str, str]  # hash or id, and the client's name and version


class UnknownOperations:
    """The operations that were not known since the last write."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database
        self._samples: dict[_Key, tuple[str, str, datetime]] = {}
        self._times: Counter[_Key] = Counter()

    def add(self, hash: str, client: Client, reason: str, text: str) -> None:
        """Counts an operation. reason: see loaders.persisted.Sighting. text: empty if none was sent."""
        key = (hash, client.name, client.version)
        if key not in self._samples and len(self._samples) >= MOST_KEPT:
            return
        self._times[key] += 1
        _, sample, _ = self._samples.get(key, ("", "", None))
        self._samples[key] = reason, sample or sample_of(text), now()

    async def write(self) -> None:
        """Stores the operations in the background. Runs until cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            await asyncio.create_task(self.flush())

    async def flush(self) -> None:
        """Stores the operations, and begins anew. If MongoDB is away, they are lost."""
        if not self._samples:
            return
        take_time(_LONGEST)
        taken, times = self._samples, self._times
        self._samples, self._times = {}, Counter()
        try:
            await add_sightings(self._database(), _sightings(taken, times))
        except (PyMongoError, DatabaseAwayError, DeadlineError) as error:
            _CANT_STORE.warning(reason=redacted(error))


def _sightings(taken: dict[_Key, tuple[str, str, datetime]], times: Counter[_Key]) -> list[Sighting]:
    return [Sighting(*key, reason, sample, times[key], at) for key, (reason, sample, at) in taken.items()]
