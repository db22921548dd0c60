"""The login throttle: limits the number of wrong passwords per account and per network address."""

from asyncio import gather
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from math import ceil

from loaders.accounts import forget_attempts, give_back_attempt, spend_attempt
from loaders.mongo import Database, now
from resolvers.context import Context
from resolvers.errors import RefusedError, refusal
from resolvers.networks import network_of

_WINDOW = timedelta(minutes=15)
#: The number of wrong passwords allowed within the window: for one account from one address, for all accounts
#: from one address, and for one account from all addresses.
MAX_PER_PAIR, MAX_PER_ADDRESS, MAX_PER_ACCOUNT = 10, 100, 50


@asynccontextmanager
async def attempt(ctx: Context, email: str) -> AsyncIterator[None]:
    """Limits the number of failed attempts to use a password. Wrap each attempt in `async with attempt(...)`.

    The attempt counts as failed if the block raises RefusedError. If the block raises no error, earlier
    failed attempts for the same e-mail address from the same network address are forgotten. The e-mail
    address need not belong to an account.

    Raises RefusedError after too many failed attempts.
    """
    database, client = ctx.loaders.database, network_of(ctx.address)
    pair, address, account = f"pair {client} {email}", f"address {client}", f"account {email}"
    limits = {pair: MAX_PER_PAIR, address: MAX_PER_ADDRESS, account: MAX_PER_ACCOUNT}
    await _spend(database, limits)
    try:
        yield
    except RefusedError:
        raise
    except BaseException:  # the gateway failed, so the attempt doesn't count against the client
        await _give_back(database, limits)
        raise
    await gather(forget_attempts(database, pair), _give_back(database, (address, account)))


async def forget_failures(ctx: Context, email: str) -> None:
    """Forgets an account's failed attempts, so that its owner isn't locked out after a password reset.

    The limit for all accounts from one address still applies.
    """
    pair, account = f"pair {network_of(ctx.address)} {email}", f"account {email}"
    await gather(*(forget_attempts(ctx.loaders.database, key) for key in (pair, account)))


async def _spend(database: Database, limits: Mapping[str, int]) -> None:
    """Counts an attempt against each limit in turn. Raises RefusedError if any limit is exceeded.

    A refused attempt doesn't count against any limit. Otherwise, a client that has reached one limit would
    use up the other limits too, which also apply to other clients.
    """
    spent: list[str] = []
    for key, most in limits.items():
        spent.append(key)
        if until := await spend_attempt(database, key, most=most, within=_WINDOW):
            await _give_back(database, spent)
            minutes = max(1, ceil((until - now()).total_seconds() / 60))
            raise refusal("RATE_LIMITED", f"Too many attempts: try again in {minutes} min.")


async def _give_back(database: Database, keys: Iterable[str]) -> None:
    await gather(*(give_back_attempt(database, key) for key in keys))
