"""A process's part of one client's budget. It knows no clock, no MongoDB and no other process.

A process leases a slice of the budget, and requests draw from it. What is left of a slice after a fortieth of
the time in which the budget restores is returned to the shared bucket, or dropped after a twentieth. In that
time, the shared bucket can't restore more than a twentieth of its size. So the slices of all processes and
the shared bucket together never hold more than 105 % of it, however many processes there are.
"""

from math import ceil

from app.budget_classes import BudgetClass
from loaders.budget import Lease, Terms


class Bucket:
    """Points that this process holds for one client, and what it knows about the shared bucket.

    Times are in seconds on any clock that doesn't go back. client: identifies the shared bucket.

    There are up to two slices. The second is leased before the first is used up, so that no request waits.
    """

    __slots__ = (
        "_expires", "_held", "_known", "_known_at", "_returned", "_spare", "_spare_expires", "client", "kind",
    )  # fmt: skip

    def __init__(self, kind: BudgetClass, client: str, now: float) -> None:
        self.kind, self.client = kind, client
        self._held = self._spare = self._returned = 0
        self._expires = self._spare_expires = 0.0
        self._known, self._known_at = float(kind.size), now

    def draw(self, points: int, now: float, *, aged: bool = False) -> float:
        """Takes points from a slice. Returns a mark for `give_back`; 0.0 if the slices don't have enough.

        aged: whether to draw from slices that have expired too.
        """
        if points <= self._held and now < self._expires:  # most requests
            self._held -= points
            return self._expires
        if not aged:
            self._expire(now)
        if points > self._held and points <= self._spare:
            self._returned += self._held
            self._held, self._expires, self._spare = self._spare, self._spare_expires, 0
        if points > self._held:
            return 0.0
        self._held -= points
        return self._expires

    def give_back(self, points: int, mark: float, now: float) -> None:
        """Puts points back. mark: what `draw` returned for them."""
        if mark == self._expires and now < self._expires:
            self._held += points
        else:  # they may be older than a slice may be
            self._returned += points

    def has_enough(self, points: int, now: float) -> bool:
        """Returns whether a lease for a request of this many points can succeed.

        After a refusal, that is not before the shared bucket has restored enough.
        """
        return self._available(now) >= self._least(points)

    def seconds_until(self, points: int, now: float) -> int:
        """Returns the seconds until `has_enough`, rounded up; at least 1."""
        return max(1, ceil((self._least(points) - self._available(now)) / self.kind.rate))

    def runs_low(self, now: float) -> bool:
        """Returns whether it is time to lease a second slice: less than a quarter is left of the first.

        Only as long as the shared bucket has plenty, because other processes need it too.
        """
        kind = self.kind
        is_low = self._held < kind.slice // 4 and not self._spare
        return is_low and self._shared(now) >= 4 * kind.slice

    def ask(self, points: int) -> Terms:
        """Begins a lease for a request of this many points. Whatever the bucket holds is returned with it."""
        self._returned += self._held + self._spare
        self._held = self._spare = 0
        return self._terms(points)

    def ask_ahead(self) -> Terms:
        """Begins the lease of a second slice."""
        return self._terms(1)

    def put(self, lease: Lease, sent: float, now: float) -> None:
        """Ends a lease. sent: when it was asked for; a slice is no younger."""
        self._known, self._known_at = lease.level, now
        if not lease.granted:
            return
        if self._held:
            self._spare, self._spare_expires = lease.granted, sent + self.kind.kept
        else:
            self._held, self._expires = lease.granted, sent + self.kind.kept

    def returns(self, now: float) -> int:
        """Takes the points that are due to be returned to the shared bucket."""
        self._expire(now)
        return self._taken()

    def empty(self) -> int:
        """Takes all points."""
        self._returned += self._held + self._spare
        self._held = self._spare = 0
        return self._taken()

    def remaining(self, now: float) -> int:
        """Returns the points that the client has left, as far as this process knows."""
        return int(self._available(now))

    def _taken(self) -> int:
        points, self._returned = self._returned, 0
        self._known += points
        return points

    def _terms(self, points: int) -> Terms:
        kind, returned = self.kind, self._taken()
        return Terms(kind.rate, kind.size, returned, self._least(points), kind.slice, kind.least)

    def _least(self, points: int) -> int:
        return max(points, self.kind.least)

    def _available(self, now: float) -> float:
        """Returns the points of the shared bucket and of this process. A lease returns the latter before."""
        return min(float(self.kind.size), self._shared(now) + self._held + self._spare)

    def _shared(self, now: float) -> float:
        """Returns the most that the shared bucket has, unless other processes have returned points to it."""
        restored = self._known + (now - self._known_at) * self.kind.rate + self._returned
        return min(float(self.kind.size), restored)

    def _expire(self, now: float) -> None:
        if self._held and now >= self._expires:
            self._end(self._held, self._expires, now)
            self._held = 0
        if self._spare and now >= self._spare_expires:
            self._end(self._spare, self._spare_expires, now)
            self._spare = 0

    def _end(self, points: int, expired: float, now: float) -> None:
        """Returns the rest of a slice, or drops it if the shared bucket may be full again."""
        if now < expired + self.kind.kept:
            self._returned += points
