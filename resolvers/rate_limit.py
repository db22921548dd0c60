"""The budget of the client that sent a request, for Query.rateLimit."""

from datetime import datetime
from typing import Protocol, TypedDict


class RateLimitDoc(TypedDict):
    """The parent object that the resolvers of RateLimit's fields receive."""

    limit: int
    remaining: int
    used: int
    cost: int
    resetAt: datetime


#: Stands for "no limit", because `limit` and `remaining` are never null: the largest Int.
NO_LIMIT = 2**31 - 1


def without_limit(price: int, now: datetime) -> RateLimitDoc:
    """Returns the state for a client without a budget, or with an unlimited one."""
    return {"limit": NO_LIMIT, "remaining": NO_LIMIT, "used": 0, "cost": max(1, price), "resetAt": now}


class Budget(Protocol):
    """The budget of a request's client, such as app.budgets.Charge."""

    def state(self) -> RateLimitDoc | None:
        """Returns the state of the budget, or None if it is unlimited."""
        ...
