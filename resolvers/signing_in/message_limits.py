"""Limits on the messages that clients have sent to addresses: per request, per network and per address.

They keep a gateway from being used to fill mailboxes.
"""

from collections.abc import Sequence
from datetime import timedelta

from loaders.outbox import MessageKind
from resolvers.context import Context
from resolvers.errors import RefusedError, rate_limited, refusal
from resolvers.networks import site_of
from resolvers.signing_in.rate_limits import Limit, note_refusal, spend
from resolvers.values import mailbox

#: The number of messages that one request can ask for.
MAX_MESSAGES = 5
#: The number of messages that one network can ask for, within an hour.
MAX_PER_NETWORK = 20
#: The number of messages of a kind to one address, within an hour and within a day.
MAX_PER_HOUR, MAX_PER_DAY = 3, 10
#: The number of those of a day that one site can ask for.
MAX_PER_SITE = 5

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_REASON = "Your network has asked for too many messages"


def require_few_messages(ctx: Context) -> None:
    """Counts a mutation that sends a message.

    Raises RefusedError if the request has too many, or if the gateway sends no messages at all.
    """
    if not ctx.loaders.database.destinations.has_messages:
        message = (
            "This gateway sends no messages, because neither LECTERN_SMTP_URL nor LECTERN_MESSAGES_URL is"
            " set: ask those who run it for a link."
        )
        raise refusal("FORBIDDEN", message)
    ctx.identity.messages += 1
    if ctx.identity.messages > MAX_MESSAGES:
        note_refusal(ctx, "messages.request")
        message = f"A request can ask for at most {MAX_MESSAGES} messages: send the rest in another request."
        raise rate_limited(message, 1)


async def may_be_sent(ctx: Context, kind: MessageKind, email: str) -> bool:
    """Counts a message to an address, and returns whether the limits of the address allow it.

    Each kind of message has limits of its own, so that a stranger can't use up the password resets of an
    address by asking for something else.

    An address that gets no more messages is counted whether or not it has an account, and the client isn't
    told. Raises RefusedError if the client's network has asked for too many messages.
    """
    network = Limit("messages.network", "messages", MAX_PER_NETWORK, _HOUR, _REASON)
    await spend(ctx, network.by_network(ctx.address))
    try:
        await spend(ctx, _of_address(kind, mailbox(email), site_of(ctx.address)))
    except RefusedError:
        return False
    return True


def _of_address(kind: MessageKind, to: str, site: str) -> Sequence[Limit]:
    """Returns the limits of an address.

    The site's own comes first, so that a site that has used it up can't use up those that it shares.
    """
    return [
        Limit("messages.site", f"{kind} of a day {to} from {site}", MAX_PER_SITE, _DAY),
        Limit("messages.address", f"{kind} of an hour {to}", MAX_PER_HOUR, _HOUR),
        Limit("messages.address", f"{kind} of a day {to}", MAX_PER_DAY, _DAY),
    ]
