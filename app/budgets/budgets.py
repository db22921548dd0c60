"""The budgets of a process: a bucket for each client, and the leases that fill the buckets."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from time import monotonic

from app.budget_classes import BudgetClass
from app.budgets.bucket import Bucket
from app.budgets.charge import Charge
from app.budgets.clients import Clients
from app.observing import Throttled, ThrottledErrors, redacted
from loaders import budget
from loaders.budget import Return, Terms
from loaders.mongo import COMMAND_ERRORS, Database, DatabaseAwayError, OnCommand, Scope, current_scope
from resolvers.context import Viewer

#: The maximum number of buckets in memory. Beyond that, the least recently used are forgotten, with the
#: points that they hold. A bucket takes less than 1 kB.
MOST_BUCKETS = 10_000

_LONGEST = 1.0  # timeout of a command, in seconds
_RETRY = 1.0  # after a lease has failed, seconds until the next
_MOST_FAILURES = 3  # after failed leases of so many different clients in a row, MongoDB counts as away
_CLOSING = 1.5  # seconds in which everything is returned at the end, before a stopping worker is killed
_EVERY = 0.25  # seconds between two returns of points
_MOST_RETURNS = 1_000  # maximum number of buckets to which points are returned in one command

_CANT_ASK = Throttled("budgets can't be read or written: each process uses its local buckets")
_UNEXPECTED = ThrottledErrors("a lease of a budget failed")


class Budgets:
    """The budgets of all clients, as this process knows them. Used on one event loop.

    database: see app.request.Services. on_command: a listener for the commands; they don't belong to the
    requests that need them.

    points: the points spent, by class. unchecked: the requests that the process's own bucket admitted, by
    class, because the shared one couldn't be asked. leases: the leases, by outcome.
    """

    def __init__(self, clients: Clients, database: Callable[[], Database]) -> None:
        self.clients = clients
        self.on_command: OnCommand | None = None
        self._database = database
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._holding: set[Bucket] = set()  # the buckets that hold points: only they can have some to return
        self._returning: asyncio.Task[None] | None = None
        self._leasing: dict[str, asyncio.Task[None]] = {}
        self._is_away = False
        self._failing: set[str] = set()  # clients whose leases have failed since the last success
        self._next_try = 0.0
        self.points = Counter[str](dict.fromkeys(clients.names, 0))
        self.unchecked = Counter[str](dict.fromkeys(clients.names, 0))
        self.leases = Counter[str](granted=0, refused=0, failed=0)

    @property
    def known(self) -> int:
        """The number of clients whose buckets are in memory."""
        return len(self._buckets)

    def charge(self, key: bytes | None, viewer: Viewer, address: str, before: int = 0) -> Charge:
        """Returns the charge for a request. Raises UnknownClientKeyError. before: see Charge."""
        kind, client = self.clients.identify(key, viewer.roles, viewer.subject, address)
        if not kind.size:  # unlimited
            return Charge(self, kind, None)
        if bucket := self._buckets.get(client):
            self._buckets.move_to_end(client)
        else:
            bucket = self._opened(kind, client)
        return Charge(self, kind, bucket, before)

    async def draw(self, bucket: Bucket, points: int) -> float | None:
        """Takes points for a request: returns a mark for `Bucket.give_back`, or None if there are too few.

        Leases points if the bucket has too few, unless the shared bucket can't have enough yet. If it can't
        be asked, requests that exceed what was leased draw from the process's own bucket.
        """
        now = monotonic()
        if mark := bucket.draw(points, now, aged=self._is_away):
            if bucket.runs_low(now):
                self.lease_ahead(bucket, now)
            return mark
        while not (self._is_away or bucket.is_alone):
            leasing, is_own = self._leasing.get(bucket.client), False
            if leasing is None:
                if not bucket.has_enough(points, now):
                    return None
                leasing, is_own = self._lease(bucket, bucket.ask(points)), True
            await asyncio.shield(leasing)
            now = monotonic()
            # A slice that was kept for less time than the lease took serves the request that asked for it.
            if mark := bucket.draw(points, now, aged=is_own or self._is_away):
                return mark
        return self._draw_alone(bucket, points, now)

    def lease_ahead(self, bucket: Bucket, now: float) -> None:
        """Leases a second slice for a bucket in the background."""
        if self._may_lease(bucket, now):
            self._lease(bucket, bucket.ask_ahead())

    async def run(self) -> None:
        """Returns points that are due to the shared buckets, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            if self._holding and not self._is_away:
                self._returning = asyncio.create_task(
                    self._give_back(partial(Bucket.returns, now=monotonic()))
                )
                await asyncio.shield(self._returning)  # close() waits for it

    async def close(self) -> None:
        """Returns all points. Must be called before the database is closed, once `run` has been cancelled.

        Takes at most _CLOSING seconds. What isn't returned by then is lost.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING):
                running = [*self._leasing.values(), *([self._returning] if self._returning else [])]
                await asyncio.gather(*running, return_exceptions=True)
                if not self._is_away:
                    await asyncio.create_task(self._give_back(Bucket.empty))

    def _opened(self, kind: BudgetClass, client: str) -> Bucket:
        bucket = self._buckets[client] = Bucket(kind, client, monotonic(), self._holding)
        if len(self._buckets) > MOST_BUCKETS:
            _, forgotten = self._buckets.popitem(last=False)
            forgotten.empty()  # so that it returns what its running requests give back
            self._holding.discard(forgotten)
        return bucket

    def _draw_alone(self, bucket: Bucket, points: int, now: float) -> float | None:
        """Takes points without asking the shared bucket, which is tried again in the background."""
        if not bucket.is_alone:
            bucket.retry_at = now
        self.lease_ahead(bucket, now)
        if not (mark := bucket.draw_alone(points, now)):
            return None
        self.unchecked[bucket.kind.name] += 1
        return mark

    def _may_lease(self, bucket: Bucket, now: float) -> bool:
        """Returns whether to lease points in the background.

        After a failure, that is once a second for the client; and for all clients if MongoDB is away.
        """
        retry_at = self._next_try if self._is_away else bucket.retry_at
        return now >= retry_at and bucket.client not in self._leasing

    def _lease(self, bucket: Bucket, terms: Terms) -> asyncio.Task[None]:
        """Starts a lease. A bucket has one at a time."""
        self._next_try = monotonic() + _RETRY
        task = asyncio.create_task(self._leased(bucket, terms))
        self._leasing[bucket.client] = task
        return task

    async def _leased(self, bucket: Bucket, terms: Terms) -> None:
        sent = monotonic()
        try:
            with self._own_scope().writing():
                lease = await budget.lease(self._database(), bucket.client, terms)
        except Exception as error:  # whatever it is, budgets never make a request fail
            bucket.retry_at = monotonic() + _RETRY
            self._failed(error, bucket.client)
        else:
            self._is_away = False
            self._failing.clear()
            self.leases["granted" if lease.granted else "refused"] += 1
            bucket.put(lease, sent, monotonic())
        finally:
            del self._leasing[bucket.client]

    async def _give_back(self, points_of: Callable[[Bucket], int]) -> None:
        """Returns points of all buckets, in commands of bounded size.

        Points whose return fails are lost. Those of later commands stay in their buckets.
        """
        due = self._due(points_of)
        while returns := list(islice(due, _MOST_RETURNS)):
            try:
                with self._own_scope().writing():
                    await budget.give_back(self._database(), returns)
            except COMMAND_ERRORS as error:
                self._failed(error)
                return

    def _due(self, points_of: Callable[[Bucket], int]) -> Iterator[Return]:
        """Takes points of the buckets, each only when its return is asked for."""
        for bucket in list(self._holding):
            points = points_of(bucket)
            if bucket.is_empty:
                self._holding.discard(bucket)
            if points:
                yield Return(bucket.client, bucket.kind.rate, bucket.kind.size, points)

    def _own_scope(self) -> Scope:
        """Gives a command of this task a deadline of its own, and no request's listeners."""
        scope = Scope(monotonic() + _LONGEST, on_command=self.on_command)
        current_scope.set(scope)
        return scope

    def _failed(self, error: Exception, client: str = "") -> None:
        """Notes that a command has failed: a client's lease, or a return of many clients' points.

        One client's failures are no reason to leave the others unchecked, whatever the client does.
        """
        if client:
            self.leases["failed"] += 1
            self._failing.add(client)
        if isinstance(error, DatabaseAwayError) or len(self._failing) >= _MOST_FAILURES:
            self._is_away = True
            self._failing.clear()
        if isinstance(error, COMMAND_ERRORS):
            _CANT_ASK.warning(reason=redacted(error))
        else:
            _UNEXPECTED.error(error)
