"""The budgets of a process: a bucket for each client, and the leases that fill the buckets."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable
from functools import partial
from time import monotonic

from pymongo.errors import PyMongoError

from app.budget_classes import BudgetClass
from app.budgets.bucket import Bucket
from app.budgets.charge import Charge
from app.budgets.clients import Clients
from app.observing import Throttled, redacted
from loaders import budget
from loaders.budget import Return, Terms
from loaders.mongo import Database, DatabaseAwayError, DeadlineError, OnCommand, Scope, current_scope
from resolvers.context import Viewer

#: The maximum number of buckets in memory. Beyond that, the least recently used are forgotten, with the
#: points that they hold. A bucket takes less than 1 kB.
MOST_BUCKETS = 10_000

_LONGEST = 1.0  # timeout of a command, in seconds
_RETRY = 1.0  # while MongoDB is away, seconds between two leases
_EVERY = 0.25  # seconds between two returns of points
_MOST_RETURNS = 1_000  # maximum number of buckets to which points are returned in one command

_FAILURES = (PyMongoError, DatabaseAwayError, DeadlineError)
_AWAY = Throttled("budgets can't be read or written: requests are let through unchecked")


class Budgets:
    """The budgets of all clients, as this process knows them. Used on one event loop.

    database: see app.request.Services. on_command: a listener for the commands; they don't belong to the
    requests that need them.

    points, unchecked: the points spent, and the requests let through unchecked, by class. leases: the leases,
    by outcome.
    """

    def __init__(self, clients: Clients, database: Callable[[], Database]) -> None:
        self.clients = clients
        self.on_command: OnCommand | None = None
        self._database = database
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._leasing: dict[str, asyncio.Task[None]] = {}
        self._is_away = False
        self._next_try = 0.0
        self.points = Counter[str](dict.fromkeys(clients.names, 0))
        self.unchecked = Counter[str](dict.fromkeys(clients.names, 0))
        self.leases = Counter[str](granted=0, refused=0, failed=0)

    @property
    def known(self) -> int:
        """The number of clients whose buckets are in memory."""
        return len(self._buckets)

    def charge(self, key: bytes | None, viewer: Viewer, address: str) -> Charge:
        """Returns the charge for a request. Raises UnknownClientKeyError."""
        kind, client = self.clients.identify(key, viewer, address)
        return Charge(self, kind, None if kind.is_unlimited else self._bucket(kind, client))

    async def draw(self, bucket: Bucket, points: int) -> float | None:
        """Takes points for a request: returns a mark for `Bucket.give_back`, or None if there are too few.

        Leases points if the bucket has too few, unless the shared bucket can't have enough yet. A mark of 0.0
        means that the request is let through unchecked, because MongoDB is away.
        """
        now = monotonic()
        if mark := bucket.draw(points, now, aged=self._is_away):
            if bucket.runs_low(now) and bucket.client not in self._leasing and not self._is_away:
                self._lease(bucket, bucket.ask_ahead())
            return mark
        while not self._is_away:
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
        return self._unchecked(bucket, points, now)

    async def run(self) -> None:
        """Returns points that are due to the shared buckets, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            if not self._is_away:
                await self._give_back(partial(Bucket.returns, now=monotonic()))

    async def close(self) -> None:
        """Returns all points. Must be called before the database is closed."""
        await asyncio.gather(*self._leasing.values(), return_exceptions=True)  # they have a timeout
        if not self._is_away:
            await asyncio.create_task(self._give_back(Bucket.empty))

    def _bucket(self, kind: BudgetClass, client: str) -> Bucket:
        if (bucket := self._buckets.get(client)) is None:
            bucket = self._buckets[client] = Bucket(kind, client, monotonic())
            if len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(client)
        return bucket

    def _unchecked(self, bucket: Bucket, points: int, now: float) -> float:
        """Lets a request through while MongoDB is away. Once a second, tries to lease points."""
        self.unchecked[bucket.kind.name] += 1
        if now >= self._next_try and bucket.client not in self._leasing:
            self._next_try = now + _RETRY
            self._lease(bucket, bucket.ask(points))
        return 0.0

    def _lease(self, bucket: Bucket, terms: Terms) -> asyncio.Task[None]:
        """Starts a lease. A bucket has one at a time."""
        task = asyncio.create_task(self._leased(bucket, terms))
        self._leasing[bucket.client] = task
        return task

    async def _leased(self, bucket: Bucket, terms: Terms) -> None:
        sent = monotonic()
        try:
            with self._own_scope().writing():
                lease = await budget.lease(self._database(), bucket.client, terms)
        except _FAILURES as error:
            self._failed(error)
        else:
            self._is_away = False
            self.leases["granted" if lease.granted else "refused"] += 1
            bucket.put(lease, sent, monotonic())
        finally:
            del self._leasing[bucket.client]

    async def _give_back(self, points_of: Callable[[Bucket], int]) -> None:
        """Returns points of all buckets, in commands of bounded size. Points whose return fails are lost."""
        returns = [
            Return(bucket.client, bucket.kind.rate, bucket.kind.size, points)
            for bucket in self._buckets.values()
            if (points := points_of(bucket))
        ]
        try:
            with self._own_scope().writing():
                for start in range(0, len(returns), _MOST_RETURNS):
                    await budget.give_back(self._database(), returns[start : start + _MOST_RETURNS])
        except _FAILURES as error:
            self._failed(error)

    def _own_scope(self) -> Scope:
        """Gives the commands of this task a deadline of their own, and no request's listeners."""
        scope = Scope(monotonic() + _LONGEST, on_command=self.on_command)
        current_scope.set(scope)
        return scope

    def _failed(self, error: Exception) -> None:
        self.leases["failed"] += 1
        self._is_away, self._next_try = True, monotonic() + _RETRY
        _AWAY.warning(reason=redacted(error))
