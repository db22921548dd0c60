"""A process's part of one client's budget. It knows no clock, no MongoDB and no other process.

A process leases a slice of the budget, and requests draw from it. What is left of a slice after a fortieth of
the time in which the budget restores is returned to the shared bucket, or dropped after a twentieth. In that
time, the shared bucket can't restore more than a twentieth of its size. So the slices of all processes and
the shared bucket together never hold more than 105 % of it, however many processes there are.

While the shared bucket can't be asked, requests that exceed the slices draw from a bucket of the process's
own, which has the same rate and size.
"""

from math import ceil

from app.budget_classes import BudgetClass
from loaders.budget import Lease, Terms

_OWN = -1.0  # the mark of points of the process's own bucket; other marks are times


class Bucket:
    """Points that this process holds for one client, and what it knows about the shared bucket.

    Times are in seconds on any clock that doesn't go back. client: identifies the shared bucket.

    There are up to two slices. The second is leased before the first is used up, so that no request waits.

    holding: the buckets that hold points of shared buckets. This one adds itself when it gets some.
    held: the points of the first slice. low: a quarter of a slice.
    retry_at: when to ask the shared bucket again, after it couldn't be asked; 0.0 if it could.
    """

    __slots__ = (
        "_expires", "_known", "_known_at", "_own", "_own_at", "_returned", "_spare",
        "_spare_expires", "client", "held", "holding", "kind", "low", "retry_at",
    )  # fmt: skip

    def __init__(self, kind: BudgetClass, client: str, now: float, holding: set["Bucket"]) -> None:
        self.kind, self.client, self.holding, self.low = kind, client, holding, kind.slice // 4
        self.held = self._spare = self._returned = 0
        self._expires = self._spare_expires = 0.0
        self._known, self._known_at = float(kind.size), now
        self._own, self._own_at, self.retry_at = float(kind.size), now, 0.0

    @property
    def is_empty(self) -> bool:
        """Whether the bucket holds no points of the shared one."""
        return not (self.held or self._spare or self._returned)

    @property
    def is_alone(self) -> bool:
        """Whether the last lease failed, so that requests use the process's own bucket."""
        return self.retry_at > 0.0

    def draw_held(self, points: int, now: float) -> float:
        """Takes points from the first slice, unless it has expired. Returns like `draw`.

        Most requests need no more.
        """
        if points > self.held or now >= self._expires:
            return 0.0
        self.held -= points
        return self._expires

    def draw(self, points: int, now: float, *, aged: bool = False) -> float:
        """Takes points from a slice. Returns a mark for `give_back`; 0.0 if the slices don't have enough.

        aged: whether to draw from slices that have expired too.
        """
        if not aged:
            self._expire(now)
        if points > self.held and points <= self._spare:
            self._returned += self.held
            self.held, self._expires, self._spare = self._spare, self._spare_expires, 0
        if points > self.held:
            return 0.0
        self.held -= points
        return self._expires

    def draw_alone(self, points: int, now: float) -> float:
        """Takes points from the process's own bucket. Returns like `draw`."""
        own = self._own_level(now)
        if points > own:
            return 0.0
        self._own, self._own_at = own - points, now
        return _OWN

    def give_back(self, points: int, mark: float, now: float) -> None:
        """Puts points back. mark: what `draw` or `draw_alone` returned for them."""
        if mark == _OWN:
            self._own += points
            return
        if not self.held:  # a bucket that holds points is in `holding` already
            self.holding.add(self)
        if mark == self._expires and now < self._expires:
            self.held += points
        else:  # they may be older than a slice may be, and the shared bucket may be full again without them
            self._returned += min(points, int(self.kind.size - self._shared(now)))

    def has_enough(self, points: int, now: float) -> bool:
        """Returns whether a lease for a request of this many points can succeed.

        After a refusal, that is not before the shared bucket has restored enough.
        """
        return self.available(now) >= self._least(points)

    def seconds_until(self, points: int, now: float) -> int:
        """Returns the seconds until `has_enough`, rounded up; at least 1."""
        return max(1, ceil((self._least(points) - self.available(now)) / self.kind.rate))

    def runs_low(self, now: float) -> bool:
        """Returns whether it is time to lease a second slice: less than `low` is left of the first.

        Only as long as the shared bucket has plenty, because other processes need it too.
        """
        return self.held < self.low and not self._spare and self._shared(now) >= 4 * self.kind.slice

    def ask(self, points: int) -> Terms:
        """Begins a lease for a request of this many points. Whatever the bucket holds is returned with it."""
        self._returned += self.held + self._spare
        self.held = self._spare = 0
        return self._terms(points)

    def ask_ahead(self) -> Terms:
        """Begins the lease of a second slice. If there already is one, it is returned."""
        self._returned, self._spare = self._returned + self._spare, 0
        return self._terms(1)

    def put(self, lease: Lease, sent: float, now: float) -> None:
        """Ends a lease. sent: when it was asked for; a slice is no younger."""
        self._known, self._known_at, self.retry_at = lease.level, now, 0.0
        if not lease.granted:
            return
        self.holding.add(self)
        if self.held:
            self._spare, self._spare_expires = lease.granted, sent + self.kind.kept
        else:
            self.held, self._expires = lease.granted, sent + self.kind.kept

    def returns(self, now: float) -> int:
        """Takes the points that are due to be returned to the shared bucket."""
        self._expire(now)
        return self._taken()

    def empty(self) -> int:
        """Takes all points."""
        self._returned += self.held + self._spare
        self.held = self._spare = 0
        return self._taken()

    def available(self, now: float) -> float:
        """Returns the points that the client has left, as far as this process knows.

        They include the points that this process holds, because a lease first returns those to the shared
        bucket.
        """
        if self.retry_at > 0.0:  # it is alone
            return self._own_level(now)
        kind = self.kind
        restored = self._known + (now - self._known_at) * kind.rate
        points = restored + self._returned + self.held + self._spare
        return points if points < kind.size else float(kind.size)

    def _taken(self) -> int:
        points, self._returned = self._returned, 0
        self._known += points
        return points

    def _terms(self, points: int) -> Terms:
        kind, returned = self.kind, self._taken()
        return Terms(kind.rate, kind.size, returned, self._least(points), kind.slice, kind.least)

    def _least(self, points: int) -> int:
        return max(points, self.kind.least)

    def _shared(self, now: float) -> float:
        """Returns the most that the shared bucket has, unless other processes have returned points to it."""
        restored = self._known + (now - self._known_at) * self.kind.rate + self._returned
        return min(float(self.kind.size), restored)

    def _own_level(self, now: float) -> float:
        return min(float(self.kind.size), self._own + (now - self._own_at) * self.kind.rate)

    def _expire(self, now: float) -> None:
        if self.held and now >= self._expires:
            self._end(self.held, self._expires, now)
            self.held = 0
        if self._spare and now >= self._spare_expires:
            self._end(self._spare, self._spare_expires, now)
            self._spare = 0

    def _end(self, points: int, expired: float, now: float) -> None:
        """Returns the rest of a slice, or drops it if the shared bucket may be full again."""
        if now < expired + self.kind.kept:
            self._returned += points
