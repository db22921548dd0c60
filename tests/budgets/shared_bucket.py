"""A model of the bucket that processes share: what MongoDB computes, in Python."""

from math import floor

from loaders.budget import Lease, Terms


class SharedBucket:
    """A bucket that is full at the time 0."""

    def __init__(self, rate: int, size: int) -> None:
        self.rate, self.size = rate, size
        self.level, self.at = float(size), 0.0

    def give_back(self, points: int, now: float) -> None:
        self.level = min(self.size, self.level + (now - self.at) * self.rate + points)
        self.at = now

    def lease(self, terms: Terms, now: float) -> Lease:
        self.give_back(terms.returned, now)
        granted = self._granted(terms)
        self.level -= granted
        return Lease(granted, self.level)

    def _granted(self, terms: Terms) -> int:
        available = floor(self.level)
        if available < terms.least:
            return 0
        taken = max(terms.least, min(terms.usual, available // 2))
        return available if available - taken < terms.left else taken
