"""Limits on creating accounts: the number per network, and the number of passwords per request."""

from collections.abc import Sequence
from datetime import timedelta

from resolvers.context import Context
from resolvers.errors import rate_limited
from resolvers.signing_in.rate_limits import Limit, note_refusal

#: The number of mutations with passwords in one request. Each computes at most two hashes.
MAX_PASSWORDS = 5
_REASON = "Too many people have signed up from your network"


def limits_of(ctx: Context) -> Sequence[Limit]:
    """Returns the limits on the accounts that the client's networks create."""
    limits, hour, day = ctx.sign_in_limits, timedelta(hours=1), timedelta(days=1)
    all_limits = (
        Limit("LECTERN_SIGN_UPS_PER_HOUR", "sign-ups by hour", limits.sign_ups_per_hour, hour, _REASON),
        Limit("LECTERN_SIGN_UPS_PER_DAY", "sign-ups by day", limits.sign_ups_per_day, day, _REASON),
    )
    return [own for limit in all_limits if limit.most for own in limit.by_network(ctx.address)]


def require_few_passwords(ctx: Context) -> None:
    """Counts a mutation that uses a password. Raises RefusedError if the request has too many."""
    ctx.identity.passwords += 1
    if ctx.identity.passwords > MAX_PASSWORDS:
        note_refusal(ctx, "sign_in.request")
        message = f"A request can use at most {MAX_PASSWORDS} passwords: send the rest in another request."
        raise rate_limited(message, 1)
