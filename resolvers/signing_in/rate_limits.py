"""Limits on how often something may be tried, and their refusals."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from loaders.accounts import give_back_attempts, spend_attempt
from loaders.mongo import Database, now
from resolvers.context import Context
from resolvers.errors import RefusedError, rate_limited
from resolvers.networks import shares_of

_MINUTES = 90  # up to this number of minutes, a wait is given in minutes


class Limit(NamedTuple):
    """A limit on the number of attempts within a time window.

    name: what the metrics call the limit. key: what is counted. reason: what a refusal says.
    """

    name: str
    key: str
    most: int
    within: timedelta
    reason: str = "Too many attempts"

    def by_network(self, address: str) -> list["Limit"]:
        """Returns the limit for each network that a client's address is in, the smallest first."""
        return [
            self._replace(key=f"{self.key} {network}", most=times * self.most)
            for network, times in shares_of(address).items()
        ]


async def spend(ctx: Context, limits: Sequence[Limit]) -> list[int]:
    """Counts an attempt against each limit in turn. Raises RefusedError if any limit is exceeded.

    Returns the number of attempts within the window of each limit.

    A refused attempt doesn't count against any limit. Otherwise, a client that has reached one limit would
    use up the other limits too, which also apply to other clients.
    """
    numbers: list[int] = []
    for limit in limits:
        attempt = await spend_attempt(ctx.loaders.database, limit.key, most=limit.most, within=limit.within)
        if attempt.refused_until is not None:
            await give_back(ctx.loaders.database, limits[: len(numbers)])
            raise _refusal(ctx, limit, attempt.refused_until)
        numbers.append(attempt.number)
    return numbers


async def is_within(ctx: Context, limit: Limit) -> bool:
    """Counts an attempt against a limit, and returns whether the limit allows it."""
    attempt = await spend_attempt(ctx.loaders.database, limit.key, most=limit.most, within=limit.within)
    return attempt.refused_until is None


async def give_back(database: Database, limits: Iterable[Limit]) -> None:
    """Takes back an attempt that has been counted against some limits."""
    await give_back_attempts(database, [limit.key for limit in limits])


def note_refusal(ctx: Context, limit: str) -> None:
    """Notifies the listener of a refusal."""
    if ctx.sign_in_limits.on_refusal is not None:
        ctx.sign_in_limits.on_refusal(limit)


def _refusal(ctx: Context, limit: Limit, until: datetime) -> RefusedError:
    """Returns the refusal of an attempt that exceeds a limit, and notifies the listener.

    until: when the next attempt is allowed.
    """
    note_refusal(ctx, limit.name)
    seconds = max(1, ceil((until - now()).total_seconds()))
    minutes = ceil(seconds / 60)
    wait = f"{minutes} min." if minutes <= _MINUTES else f"{ceil(minutes / 60)} hours."
    return rate_limited(f"{limit.reason}: try again in {wait}", seconds)
