"""Delivers the outbox, as far as its destinations are known to this process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

from app.delivery.lane import Lane
from app.delivery.sender import Sender
from app.observing import Throttled, redacted
from loaders import outbox
from loaders.mongo import COMMAND_ERRORS, Database, take_time
from loaders.outbox import Backlog

_COUNTED_EVERY = 30.0  # seconds between two counts of what waits
_COUNTING = 5.0  # timeout of a count, in seconds
_CLOSING = 1.0  # seconds in which deliveries in flight can end, before a stopping worker is killed

_CANT_COUNT = Throttled("the entries of the outbox can't be counted")


class Dispatcher:
    """Delivers entries of the outbox, with a lane for each destination.

    Any number of processes can do so for the same outbox.

    senders: by the name of the destination. tries: the number of failed attempts after which an entry is
    parked. days: how long delivered entries are kept.

    backlogs: what waited in the outbox when it was last counted, by destination. There is one for each that
    has ever had a backlog, also if no process knows it any more.
    """

    def __init__(self, senders: Mapping[str, Sender], *, tries: int, days: int) -> None:
        self._senders = senders
        self._lanes = [Lane(name, sender, tries=tries, days=days) for name, sender in senders.items()]
        self.backlogs = {name: Backlog(name, 0, 0, None) for name in senders}

    @property
    def outcomes(self) -> Mapping[str, Mapping[str, int]]:
        """The numbers of attempts of this process, by destination and outcome."""
        return {lane.destination: lane.outcomes for lane in self._lanes}

    def background(self, database: Database, *, counts: bool) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Returns what has to run as long as the application does, by name: nothing without senders.

        counts: whether to count what waits.
        """
        if not self._lanes:
            return {}
        database.destinations = database.destinations._replace(on_written=self._wake)
        lanes = {f"deliveries to {lane.destination}": partial(lane.run, database) for lane in self._lanes}
        return lanes | ({"backlogs": partial(self._count, database)} if counts else {})

    async def close(self) -> None:
        """Ends the lanes, and waits a little for deliveries in flight. Others are sent again later."""
        for lane in self._lanes:
            lane.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING):
                await asyncio.gather(*(lane.stopped.wait() for lane in self._lanes))
                await asyncio.gather(*(sender.close() for sender in self._senders.values()))

    async def _count(self, database: Database) -> None:
        """Counts what waits in the outbox regularly. Runs until cancelled."""
        while True:
            take_time(_COUNTING)
            try:
                found = {one.destination: one for one in await outbox.backlogs(database)}
                self.backlogs = {
                    name: found.get(name) or Backlog(name, 0, 0, None) for name in self.backlogs | found
                }
            except COMMAND_ERRORS as error:
                _CANT_COUNT.warning(reason=redacted(error))
            await asyncio.sleep(_COUNTED_EVERY)

    def _wake(self) -> None:
        for lane in self._lanes:
            lane.wake()
