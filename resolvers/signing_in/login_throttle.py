"""The login throttle: limits wrong passwords, so that nobody can lock an account's owner out.

A client that has signed in to the account before has a limit of its own, which others can't use up. All
other clients share a limit for the account. The more a site has tried, the sooner that limit applies to it,
so a few sites can't use it up for the rest. docs/identity.md explains the choice.
"""

from asyncio import gather
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from bson import ObjectId

from loaders.accounts import forget_attempts, is_remembered, remember
from loaders.model import AccountDoc
from resolvers.context import Context
from resolvers.errors import RefusedError
from resolvers.networks import site_of
from resolvers.signing_in.rate_limits import Limit, give_back, is_within, spend

_WINDOW = timedelta(minutes=15)
_STRANGERS_WINDOW = timedelta(hours=1)
_KNOWN = timedelta(days=30)

#: The number of wrong passwords that a client with its own limit may send within 15 minutes: one with a
#: device token, one at a site from which the account was signed in to before, and one in a session.
MAX_PER_DEVICE = MAX_PER_KNOWN_SITE = MAX_PER_SESSION = 10
#: The number of wrong passwords from one network for all accounts where it isn't known, within 15 minutes.
MAX_PER_NETWORK = 100
#: The number of uses of a right reset link, within 15 minutes. Each computes a hash, but only one succeeds.
MAX_PER_LINK = 10
#: The number of wrong reset links from one network, within 15 minutes.
MAX_WRONG_LINKS = 100
#: The number of wrong passwords from one unknown site for one account, within an hour.
MAX_PER_SITE = 10
#: The number of wrong passwords for one account from all unknown sites, within an hour: for a site's first
#: attempt, for its second and third attempts, and for further ones.
MAX_PER_ACCOUNT = (100, 60, 30)


@asynccontextmanager
async def attempt(
    ctx: Context, email: str, account: AccountDoc | None, device_token: str | None = None
) -> AsyncIterator[ObjectId | None]:
    """Limits the number of failed attempts to sign in. Wrap each attempt in `async with attempt(...)`.

    Yields the id of the client's device, or None if the client has no valid device token, or its device has
    used up its attempts. account: the account with the e-mail address, if there is one.

    The attempt counts as failed if the block raises RefusedError. If the block raises no error, the client's
    earlier failed attempts for the same e-mail address are forgotten, and its site is known from then on.

    Raises RefusedError after too many failed attempts.
    """
    device, limits = await _admitted(ctx, email, account, device_token)
    async with _counted(ctx, limits):
        yield device
    if account is not None:
        await remember_site(ctx, account)


@asynccontextmanager
async def attempt_in_session(ctx: Context, session_id: ObjectId) -> AsyncIterator[None]:
    """Like `attempt`, but for a password that is asked for within a session.

    The limit belongs to the session, so that a thief of its tokens can't lock the owner out of others.
    """
    limits = [Limit("sign_in.session", f"session {session_id}", MAX_PER_SESSION, _WINDOW)]
    await spend(ctx, limits)
    async with _counted(ctx, limits):
        yield


@asynccontextmanager
async def attempt_with_link(ctx: Context, digest: str) -> AsyncIterator[None]:
    """Like `attempt`, but for a right reset link. An account has at most three at a time.

    The link works once, so what is limited are uses of it at the same time. digest: that of its token.
    """
    limits = [Limit("reset_password.link", f"link {digest}", MAX_PER_LINK, _WINDOW)]
    await spend(ctx, limits)
    async with _counted(ctx, limits):
        yield


async def count_wrong_link(ctx: Context) -> None:
    """Counts a wrong reset link. Raises RefusedError after too many from a network."""
    limit = Limit("reset_password.network", "wrong links", MAX_WRONG_LINKS, _WINDOW)
    await spend(ctx, limit.by_network(ctx.address))


async def remember_site(ctx: Context, account: AccountDoc) -> None:
    """Remembers that an account's owner has signed in from the client's site, until the password changes."""
    await remember(ctx.loaders.database, _known(ctx, account["email"], account), _KNOWN)


async def forget_failures(ctx: Context, account: AccountDoc) -> None:
    """Forgets an account's failed attempts, so that its owner isn't locked out after a password reset.

    The limit for all accounts from one network still applies.
    """
    email = account["email"]
    limits = _of_known_site(ctx, email), _of_site(ctx, email), _of_account(email, 1)
    await forget_attempts(ctx.loaders.database, [limit.key for limit in limits])
    await remember_site(ctx, account)


async def _admitted(
    ctx: Context, email: str, account: AccountDoc | None, device_token: str | None
) -> tuple[ObjectId | None, Sequence[Limit]]:
    """Counts an attempt. Returns the client's device, see `attempt`, and the limits that the attempt counts
    against: first the client's own.
    """
    password_hash = account["passwordHash"] if account else None
    device = ctx.tokens.read_device(device_token, password_hash) if device_token and password_hash else None
    if device is not None:
        of_device = Limit("sign_in.device", f"device {device} {email}", MAX_PER_DEVICE, _WINDOW)
        if await is_within(ctx, of_device):
            return device, [of_device]
        # As OWASP advises, the client is from now on treated like one without a device token.
    if await is_remembered(ctx.loaders.database, _known(ctx, email, account)):
        of_site = _of_known_site(ctx, email)
        await spend(ctx, [of_site])
        return None, [of_site]
    return None, await _admitted_stranger(ctx, email)


async def _admitted_stranger(ctx: Context, email: str) -> Sequence[Limit]:
    networks = Limit("sign_in.network", "network", MAX_PER_NETWORK, _WINDOW).by_network(ctx.address)
    site = _of_site(ctx, email)
    # Networks come first, so that one that is refused can't have counts stored for many e-mail addresses.
    *_, number = await spend(ctx, [*networks, site])
    account = _of_account(email, number)
    try:
        await spend(ctx, [account])
    except RefusedError:
        await give_back(ctx.loaders.database, [*networks, site])
        raise
    return [site, *networks, account]


@asynccontextmanager
async def _counted(ctx: Context, limits: Sequence[Limit]) -> AsyncIterator[None]:
    """Takes an attempt back unless it fails. limits: those it was counted against, first the client's own."""
    database, (own, *shared) = ctx.loaders.database, limits
    try:
        yield
    except RefusedError:
        raise
    except BaseException:  # the gateway failed, so the attempt doesn't count against the client
        await give_back(database, limits)
        raise
    await gather(forget_attempts(database, [own.key]), give_back(database, shared))


def _known(ctx: Context, email: str, account: AccountDoc | None) -> str:
    """Returns a key that changes with the password, so that nobody stays known who knew only the old one."""
    return f"known {site_of(ctx.address)} {email} {account and account['passwordHash']}"


def _of_known_site(ctx: Context, email: str) -> Limit:
    return Limit(
        "sign_in.known_site", f"from known {site_of(ctx.address)} {email}", MAX_PER_KNOWN_SITE, _WINDOW
    )


def _of_site(ctx: Context, email: str) -> Limit:
    return Limit("sign_in.site", f"site {site_of(ctx.address)} {email}", MAX_PER_SITE, _STRANGERS_WINDOW)


def _of_account(email: str, number: int) -> Limit:
    """Returns the limit for an account. number: how many attempts the client's site has made."""
    first, second, rest = MAX_PER_ACCOUNT
    most = first if number == 1 else second if number <= 3 else rest
    return Limit("sign_in.account", f"account {email}", most, _STRANGERS_WINDOW)
