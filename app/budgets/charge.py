"""What one request takes from its client's budget."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import ceil
from time import monotonic
from typing import Protocol

from starlette.exceptions import HTTPException

from app.budget_classes import BudgetClass
from app.budgets.bucket import Bucket
from app.error_codes import RATE_LIMITED
from app.protection import TooLargeError, over
from resolvers.rate_limit import RateLimitDoc

_SETTING = "LECTERN_BUDGETS"


class RateLimitedError(HTTPException):
    """The client has spent its budget. retry_after: the seconds until it has restored enough."""

    code, limit = RATE_LIMITED, _SETTING

    def __init__(self, price: int, retry_after: int) -> None:
        super().__init__(
            429,
            f"Your budget is spent: this operation costs {price:,}. Try again in {retry_after:,} s.",
            {"retry-after": str(retry_after)},
        )
        self.extensions = {"retryAfter": retry_after}


class Ledger(Protocol):
    """The part of app.budgets.Budgets that a charge needs."""

    points: Counter[str]

    async def draw(self, bucket: Bucket, points: int) -> float | None: ...


class Charge:
    """What a request takes from the budget of its client.

    bucket: None if the client's budget is unlimited. spent: the points taken and not given back. is_shown:
    whether the response shows the state of the budget.
    """

    __slots__ = ("_bucket", "_is_settled", "_kind", "_ledger", "_mark", "_price", "is_shown", "spent")

    def __init__(self, ledger: Ledger, kind: BudgetClass, bucket: Bucket | None) -> None:
        self._ledger, self._kind, self._bucket = ledger, kind, bucket
        self._price = self.spent = 0
        self._mark = 0.0
        self._is_settled = self.is_shown = False

    async def take(self, price: int) -> None:
        """Takes the maximum price of an operation, at least 1, before it runs.

        Raises RateLimitedError; or TooLargeError if the operation costs more than the budget can ever hold.
        """
        price, bucket = max(1, price), self._bucket
        if bucket is not None:
            if price > self._kind.size:
                raise self._never(price)
            mark = await self._ledger.draw(bucket, price)
            if mark is None:
                raise RateLimitedError(price, bucket.seconds_until(price, monotonic()))
            self._mark = mark
        self._price = self.spent = price

    def settle(self, actual: int) -> None:
        """Gives back the difference to the actual price, which is at least 1. Later calls do nothing."""
        if self._is_settled or not self._price:
            return
        self._is_settled = True
        self.spent = min(self._price, max(1, actual))
        self._give_back(self._price - self.spent)
        self._ledger.points[self._kind.name] += self.spent

    def state(self) -> RateLimitDoc | None:
        """Returns the state of the budget, for the fields of RateLimit; None if it is unlimited."""
        self.is_shown = True
        if (bucket := self._bucket) is None:
            return None
        limit, left = self._kind.size, bucket.remaining(monotonic())
        seconds = (limit - left) / self._kind.rate
        return {
            "limit": limit,
            "remaining": left,
            "used": limit - left,
            "cost": self.spent,
            "resetAt": datetime.now(UTC) + timedelta(seconds=seconds),
        }

    def headers(self) -> Mapping[str, str]:
        """Returns the header fields `RateLimit-Policy` and `RateLimit`; none if the budget is unlimited."""
        kind, bucket = self._kind, self._bucket
        if bucket is None:
            return {}
        left = bucket.remaining(monotonic())
        return {
            "ratelimit-policy": kind.policy,
            "ratelimit": f'"{kind.name}";r={left};t={ceil((kind.size - left) / kind.rate)}',
        }

    def _never(self, price: int) -> TooLargeError:
        return over(
            f"The operation costs up to {price:,}",
            self._kind.size,
            _SETTING,
            f"A budget of the class `{self._kind.name}` never holds more. Request smaller pages with"
            " `first`, or fewer fields.",
        )

    def _give_back(self, points: int) -> None:
        # A request that was let through unchecked took nothing.
        if points and self._mark and self._bucket is not None:
            self._bucket.give_back(points, self._mark, monotonic())
