"""Limits on the messages that clients cause without asking for them: by signing up, or changing a password.

The messages that clients ask for are limited before they are written to the outbox
(resolvers/signing_in/message_limits.py). An account's address may be a stranger's until it is verified. So
whatever its owner can do again and again would otherwise fill the stranger's mailbox.
"""

from datetime import timedelta
from typing import NamedTuple

from app.observing import Throttled
from loaders.accounts import spend_attempt
from loaders.mongo import Database
from loaders.outbox import MESSAGE, EntryDoc
from resolvers.values import mailbox

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)

_REFUSED = Throttled("a message was not sent, because its address has had too many of the kind")


class _Most(NamedTuple):
    """The number of messages of a kind to one address, within an hour and within a day."""

    per_hour: int
    per_day: int


#: The kinds that the owner of an account can cause. Each has limits of its own, which nobody else can use
#: up: so the owner is told of a new password whatever else was sent. What only staff cause has no limit.
LIMITS = {
    "verify_email": _Most(3, 10),  # after a sign-up
    "email_changed": _Most(3, 10),
    "password_changed": _Most(3, 10),
    "account_deleted": _Most(3, 10),
    "moved_up": _Most(10, 30),
}


async def may_get(database: Database, entry: EntryDoc, address: str) -> bool:
    """Counts a message, and returns whether the limits of its address allow it.

    Further attempts at sending it are not counted, nor are messages that were asked for.
    """
    kind = entry["kind"].removeprefix(MESSAGE)
    limit = LIMITS.get(kind)
    if limit is None or entry["attempts"] or (kind == "verify_email" and entry["to"]):
        return True
    key = f"unasked {kind} {mailbox(address)}"
    for most, within in ((limit.per_hour, _HOUR), (limit.per_day, _DAY)):
        attempt = await spend_attempt(database, f"{key} {within}", most=most, within=within)
        if attempt.refused_until is not None:
            _REFUSED.warning(kind=kind)
            return False
    return True
