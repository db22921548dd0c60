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


class Budget(Protocol):
    """The budget of a request's client, such as app.budgets.Charge."""

    def state(self) -> RateLimitDoc | None:
        """Returns the state of the budget, or None if it is unlimited."""
        ...
