"""Carries messages to a program of the operator's own, which sends them."""

import orjson

from app.delivery.messages.composing import Composed
from app.delivery.sender import Outcome
from app.delivery.webhook_sender import WebhookSender
from app.settings import Webhook, webhook_key


class HttpTransport:
    """Posts messages to a URL, signed like events. See Transport."""

    timeout = WebhookSender.timeout

    def __init__(self, url: str, secret: str) -> None:
        self._webhook = WebhookSender(Webhook("messages", url), [webhook_key(secret)])

    async def carry(self, message: Composed) -> Outcome:
        return await self._webhook.post(message.id, body_of(message))

    async def close(self) -> None:
        await self._webhook.close()


def body_of(message: Composed) -> bytes:
    """Returns the body of a message, which is the same for each attempt."""
    return orjson.dumps(
        {
            "type": f"message.{message.kind}",
            "data": {
                "from": message.sender._asdict(),
                "to": message.address,
                "language": message.language,
                "subject": message.subject,
                "text": message.plain,
                "html": message.html,
                "fields": message.values,
            },
        }
    )
