"""Guesses of passwords: so many within a time, and no more."""

from asyncio import gather
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import IPv6Network, ip_address
from math import ceil

from loaders.accounts import forget_attempts, give_back_attempt, spend_attempt
from loaders.mongo import Database, now
from resolvers.context import Context
from resolvers.errors import RefusedError, refusal

_WITHIN = timedelta(minutes=15)
#: Wrong ones within that time: of an account from one address, from an address, of an account.
MOST_OF_PAIR, MOST_OF_ADDRESS, MOST_OF_ACCOUNT = 10, 100, 50


@asynccontextmanager
async def guess(ctx: Context, email: str) -> AsyncIterator[None]:
    """A guess of an account's password, whether or not there is such an account. It counts where what is done
    with it raises RefusedError; one that was right makes those from the same address forgotten.

    Raises RefusedError when there were too many.
    """
    database, client = ctx.loaders.database, _client(ctx.address)
    pair, address, account = f"pair {client} {email}", f"address {client}", f"account {email}"
    limits = {pair: MOST_OF_PAIR, address: MOST_OF_ADDRESS, account: MOST_OF_ACCOUNT}
    await _spend(database, limits)
    try:
        yield
    except RefusedError:
        raise
    except BaseException:  # of our side: it was no guess
        await _give_back(database, limits)
        raise
    await gather(forget_attempts(database, pair), _give_back(database, (address, account)))


async def forgive(ctx: Context, email: str) -> None:
    """Who may set the password anew is not kept out by guesses of the old one."""
    pair, account = f"pair {_client(ctx.address)} {email}", f"account {email}"
    await gather(*(forget_attempts(ctx.loaders.database, key) for key in (pair, account)))


async def _spend(database: Database, limits: Mapping[str, int]) -> None:
    """Counts a guess for each key, one after the other. One that is refused counts for none: who is kept out
    by one limit doesn't use up the next, which others share.
    """
    spent: list[str] = []
    for key, most in limits.items():
        spent.append(key)
        if until := await spend_attempt(database, key, most=most, within=_WITHIN):
            await _give_back(database, spent)
            minutes = max(1, ceil((until - now()).total_seconds() / 60))
            raise refusal("RATE_LIMITED", f"Too many attempts: try again in {minutes} min.")


async def _give_back(database: Database, keys: Iterable[str]) -> None:
    await gather(*(give_back_attempt(database, key) for key in keys))


def _client(address: str) -> str:
    """Who sends from an address: with IPv6, everyone has a network of 2^64 of them."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return address
    return str(ip.ipv4_mapped or IPv6Network((int(ip), 64), strict=False))
