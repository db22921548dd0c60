"""The senders that the settings ask for."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import orjson

from app.auth import SessionTokens
from app.delivery.messages import MessageSender
from app.delivery.sender import Failed, Outcome, Sender
from app.settings import Settings
from loaders.mongo import Database, now
from loaders.outbox import MAIL

TEST = "lectern.test"  # the kind of an event that tells of nothing


def configured_senders(
    settings: Settings, tokens: SessionTokens, database: Callable[[], Database]
) -> dict[str, Sender]:
    """Returns the sender for each destination, by its name. tokens, database: see app.request.Services.

    Raises SettingsError if a text of a message can't be used.
    """
    senders: dict[str, Sender] = {}
    if settings.webhooks:
        from app.delivery.webhook_sender import WebhookSender  # noqa: PLC0415 # httpx, only where it is needed

        for webhook in settings.webhooks:
            senders[webhook.name] = WebhookSender(webhook, settings.webhook_secrets[webhook.name])
    if settings.sends_messages:
        senders[MAIL] = MessageSender(settings, tokens, database)
    return senders


async def posted_test(settings: Settings, name: str) -> Outcome:
    """Posts a test event to a webhook."""
    from app.delivery.webhook_sender import WebhookSender  # noqa: PLC0415 # httpx, only where it is needed

    (webhook,) = [webhook for webhook in settings.webhooks if webhook.name == name]
    sender = WebhookSender(webhook, settings.webhook_secrets[name])
    body = orjson.dumps({"type": TEST, "timestamp": f"{now():%Y-%m-%dT%H:%M:%SZ}", "data": {}})
    try:
        async with asyncio.timeout(sender.timeout):
            return await sender.post(str(uuid4()), body)
    except TimeoutError as error:
        return Failed(type(error).__name__)
    finally:
        await sender.close()
