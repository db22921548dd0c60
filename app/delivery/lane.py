"""Delivers the entries of one destination."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from time import monotonic
from typing import TypeVar

from app.delivery import backoff
from app.delivery.sender import Failed, Outcome, Sender, Sent, Unneeded
from app.observing import Throttled, ThrottledErrors, redacted
from loaders import outbox
from loaders.mongo import COMMAND_ERRORS, Database, now, take_time, utc
from loaders.outbox import EntryDoc

_BATCH = 20  # maximum number of entries that are claimed at once
_PARALLEL = 4  # maximum number of entries that are delivered at the same time
_LEASE = 90.0  # seconds until a claim expires, for instance that of a gateway that died
_EVERY = 2.0  # mean seconds between two looks at the outbox, if this process writes nothing to it
_COMMAND = 5.0  # timeout of a command, in seconds

_FAILING = 5  # failures in a row after which a destination counts as failing
_PROBE_EVERY = 5.0  # seconds between two attempts while it does

T = TypeVar("T")

_CANT_USE = Throttled("the outbox can't be read or written")
_UNEXPECTED = ThrottledErrors("a delivery failed unexpectedly")
_PARKED = Throttled("a delivery failed too often and is parked")


class Lane:
    """Delivers the entries of one destination, several at a time, but one after the other for a subject.

    While the destination fails, a single entry is tried every few seconds.

    outcomes: the number of attempts, by outcome. stopped: set once `run` has ended after `stop`.
    """

    def __init__(self, destination: str, sender: Sender, *, tries: int, days: int) -> None:
        self.destination = destination
        self.outcomes = Counter(sent=0, failed=0, parked=0, dropped=0)
        self._sender, self._tries, self._days = sender, tries, days
        self._failures = 0  # in a row
        self._parallel = asyncio.Semaphore(_PARALLEL)
        self._woken, self._stopping = asyncio.Event(), asyncio.Event()
        self.stopped = asyncio.Event()

    def wake(self) -> None:
        """Has the outbox looked at, because there may be something new."""
        self._woken.set()

    def stop(self) -> None:
        """Ends `run` once the deliveries in flight have ended. What else was claimed is given back."""
        self._stopping.set()
        self._woken.set()

    async def run(self, database: Database) -> None:
        """Delivers what is due, until stopped."""
        while not self._stopping.is_set():
            self._woken.clear()
            if self._failures >= _FAILING:
                await self._deliver_due(database, 1)
                await _pause(_PROBE_EVERY, self._stopping)
            elif not await self._deliver_due(database, _BATCH):
                await _pause(_EVERY, self._woken)
        self.stopped.set()

    async def _deliver_due(self, database: Database, most: int) -> bool:
        """Claims entries that are due, and delivers them. Returns whether there were any."""
        until = monotonic() + _LEASE - 2 * self._sender.timeout
        take_time(_COMMAND)
        try:
            entries = await outbox.claimed(database, self.destination, most=most, lease=_LEASE)
        except COMMAND_ERRORS as error:
            _CANT_USE.warning(reason=redacted(error))
            return False
        runs: dict[str, list[EntryDoc]] = {}
        for entry in entries:
            runs.setdefault(entry["subject"], []).append(entry)
        await asyncio.gather(*(self._deliver_in_order(database, run, until) for run in runs.values()))
        return bool(entries)

    async def _deliver_in_order(self, database: Database, run: Sequence[EntryDoc], until: float) -> None:
        """Delivers entries of one subject, until one fails, or the claim is lost.

        until: a time on the time.monotonic() clock; a later delivery could outlast its claim.
        """
        for index, entry in enumerate(run):
            async with self._parallel:
                if self._stopping.is_set() or monotonic() > until:
                    await _written(outbox.give_back(database, run[index:]))
                    return
                outcome = await self._attempt(entry)
            if not await _written(self._record(database, entry, outcome)):
                return

    async def _attempt(self, entry: EntryDoc) -> Outcome:
        if entry["expiresOn"] and utc(entry["expiresOn"]) < now():
            return Unneeded()
        try:
            async with asyncio.timeout(self._sender.timeout):
                return await self._sender.send(entry)
        except TimeoutError:
            return Failed("TimeoutError")
        except Exception as error:  # a fault in the sender must not end the lane
            _UNEXPECTED.error(error, destination=self.destination, entry=str(entry["_id"]))
            return Failed(type(error).__name__)

    async def _record(self, database: Database, entry: EntryDoc, outcome: Outcome) -> bool:
        """Writes an outcome to the outbox. Returns whether what follows the entry may be delivered."""
        match outcome:
            case Sent():
                self._failures = 0
                self.outcomes["sent"] += 1
                return await outbox.sent(database, entry, days=self._days)
            case Unneeded():
                self.outcomes["dropped"] += 1
                await outbox.drop(database, entry)
                return True
            case Failed():
                # A destination that refuses an entry for good, such as an address, isn't failing itself.
                works = outcome.is_final or outcome.is_about_entry
                self._failures = 0 if works else self._failures + 1
                await self._record_failure(database, entry, outcome)
                return False

    async def _record_failure(self, database: Database, entry: EntryDoc, failed: Failed) -> None:
        attempts = entry["attempts"] + 1
        has_failed = failed.is_final or attempts >= self._tries
        if has_failed and outbox.is_last(entry):
            self.outcomes["dropped"] += 1
            await outbox.drop(database, entry)
        elif has_failed:
            self.outcomes["parked"] += 1
            _PARKED.error(destination=self.destination, entry=str(entry["_id"]), reason=failed.error)
            await outbox.park(database, entry, failed.error, days=self._days)
        else:
            self.outcomes["failed"] += 1
            pause = backoff.delay(attempts, failed.retry_after)
            await outbox.retry(database, entry, failed.error, pause=pause)


async def _written(write: Awaitable[T]) -> T | None:
    """Awaits a write to the outbox. Returns None if it failed; the claim then expires in the end."""
    take_time(_COMMAND)
    try:
        return await write
    except COMMAND_ERRORS as error:
        _CANT_USE.warning(reason=redacted(error))
        return None


async def _pause(seconds: float, unless: asyncio.Event) -> None:
    """Waits about so many seconds, or until an event is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds * random.uniform(0.75, 1.25)):  # noqa: S311 # not a secret
            await unless.wait()
