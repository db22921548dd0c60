"""What one request takes from its client's budget."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Protocol

from starlette.exceptions import HTTPException

from app.budget_classes import BudgetClass
from app.budgets.bucket import Bucket
from app.error_codes import RATE_LIMITED
from app.protection import TooLargeError, over
from app.security_headers import Fields
from resolvers.rate_limit import RateLimitDoc

#: The key in an ASGI scope for the points that a client has already paid for the request (see Charge).
PAID_BEFORE = "lectern.paid_before"

#: The setting that limits what a charge can take.
BUDGETS = "LECTERN_BUDGETS"


class RateLimitedError(HTTPException):
    """The client's budget has too few points left. retry_after: the seconds until it has restored enough."""

    code, limit = RATE_LIMITED, BUDGETS

    def __init__(self, price: int, retry_after: int) -> None:
        super().__init__(
            429,
            f"Your budget has too few points left: this request costs {price:,}. "
            f"Try again in {retry_after:,} s.",
            {"retry-after": str(retry_after)},
        )
        self.extensions = {"retryAfter": retry_after}


class Ledger(Protocol):
    """The part of app.budgets.Budgets that a charge needs."""

    points: Counter[str]

    async def draw(self, bucket: Bucket, points: int) -> float | None: ...

    def lease_ahead(self, bucket: Bucket, now: float) -> None: ...


class Charge:
    """What a request takes from the budget of its client.

    bucket: None if the client's budget is unlimited. before: the points that each attempt pays outside of
    this charge. spent: the points taken and not given back. is_settled: whether `settle` was called after
    points were taken. is_shown: whether the response shows the state of the budget.
    """

    __slots__ = (
        "_before", "_bucket", "_kind", "_least", "_ledger", "_mark", "_most", "is_settled", "is_shown",
        "spent",
    )  # fmt: skip

    def __init__(self, ledger: Ledger, kind: BudgetClass, bucket: Bucket | None, before: int = 0) -> None:
        self._ledger, self._kind, self._bucket, self._before = ledger, kind, bucket, before
        self._most = max(kind.size - before, 1)  # a request that isn't run pays one point
        self._least, self.spent = 1, 0
        self._mark = 0.0
        self.is_settled = self.is_shown = False

    async def take(self, price: int) -> None:
        """Takes the price of work, at least 1, before it is done. What was taken before counts towards it.

        Raises RateLimitedError; or TooLargeError if the work costs more than the budget can ever hold.
        """
        if self.take_held(price) or (bucket := self._bucket) is None:
            return
        if price > self._most:
            raise self._never(price)
        missing = (price or 1) - self.spent
        mark = await self._ledger.draw(bucket, missing)
        if mark is None:
            # The next attempt pays for everything again.
            again = (price or 1) + self._before
            raise RateLimitedError(price or 1, bucket.seconds_until(again, monotonic()))
        self._mark = mark
        self.spent += missing

    def take_held(self, price: int) -> bool:
        """Takes the price like `take`, if this process holds enough points. Returns whether it does."""
        missing = (price or 1) - self.spent
        if missing <= 0:
            return True
        if (bucket := self._bucket) is not None:
            now = monotonic()
            if price > self._most or not (mark := bucket.draw_held(missing, now)):
                return False
            self._mark = mark
            if bucket.held < bucket.low and bucket.runs_low(now):  # the comparison spares most calls
                self._ledger.lease_ahead(bucket, now)
        self.spent += missing
        return True

    def keep(self) -> None:
        """Keeps what has been taken so far: it is never given back."""
        self._least = max(1, self.spent)

    def due(self, actual: int) -> int:
        """Returns what the request pays in the end, given the price of what it really did."""
        if actual >= self.spent:
            return self.spent
        return actual if actual > self._least else self._least

    def settle(self, actual: int) -> None:
        """Gives back the difference to what is due. Later calls do nothing."""
        if self.is_settled or not (taken := self.spent):
            return
        self.is_settled = True
        self.spent = due = self.due(actual)
        if taken > due and self._bucket is not None:
            self._bucket.give_back(taken - due, self._mark, monotonic())
        self._ledger.points[self._kind.name] += due

    def state(self, actual: int | None = None) -> RateLimitDoc | None:
        """Returns the state of the budget, for the fields of RateLimit; None if it is unlimited.

        actual: the price that the request is going to be settled at, if that is known.
        """
        self.is_shown = True
        if (bucket := self._bucket) is None:
            return None
        limit, left = self._kind.size, int(bucket.available(monotonic()))
        if actual is not None:
            left = min(limit, left + self.spent - self.due(actual))
        seconds = (limit - left) / self._kind.rate
        return {
            "limit": limit,
            "remaining": left,
            "used": limit - left,
            "cost": self.spent,
            "resetAt": datetime.now(UTC) + timedelta(seconds=seconds),
        }

    def fields(self) -> Fields:
        """Returns the header fields `RateLimit-Policy` and `RateLimit`; none if the budget is unlimited."""
        if (bucket := self._bucket) is None:
            return ()
        kind, left = self._kind, bucket.available(monotonic())
        return kind.full_fields if left >= kind.size else kind.fields(int(left))

    def _never(self, price: int) -> TooLargeError:
        before = f" and its message {self._before:,}" if self._before else ""
        return over(
            f"The operation costs up to {price:,}{before}",
            self._kind.size,
            BUDGETS,
            f"A budget of the class `{self._kind.name}` never holds more. Request less at once.",
        )
