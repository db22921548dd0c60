"""Sends messages to people: the sender of the outbox's destination for messages."""

import asyncio
from collections.abc import Callable

from bson import ObjectId

from app.auth import SessionTokens
from app.delivery.messages.address_limits import may_get
from app.delivery.messages.composing import Recipient, compose
from app.delivery.messages.message_kinds import FIELDS
from app.delivery.messages.recipients import Recipients
from app.delivery.messages.templates import Templates
from app.delivery.messages.transports import configured_transport
from app.delivery.sender import Failed, Outcome, Unneeded
from app.settings import Settings, mail_address
from loaders.mongo import COMMAND_ERRORS, Database, take_time
from loaders.outbox import EntryDoc, MessageKind

_LOOKING_UP = 5.0  # timeout of finding out who gets a message, in seconds


class MessageSender:
    """Looks up who gets a message, composes it, and hands it to a transport. See app.delivery.Sender.

    tokens, database: see app.request.Services. Raises SettingsError if a text of a message can't be used.
    """

    def __init__(self, settings: Settings, tokens: SessionTokens, database: Callable[[], Database]) -> None:
        self._database = database
        self._recipients = Recipients(settings, tokens, database)
        self._templates, self._from = Templates.of(settings), mail_address(settings.mail_from)
        self._transport = configured_transport(settings, database)
        self.timeout = _LOOKING_UP + self._transport.timeout

    async def send(self, entry: EntryDoc) -> Outcome:
        take_time(_LOOKING_UP)
        try:
            recipient = await self._recipients.of(entry)
            is_within = recipient is None or await may_get(self._database(), entry, recipient.address)
        except COMMAND_ERRORS as error:
            return Failed(type(error).__name__)
        if recipient is None or not is_within:
            return Unneeded()
        message = compose(self._templates, self._from, str(entry["_id"]), recipient)
        return await self._transport.carry(message)

    async def close(self) -> None:
        await self._transport.close()


async def sent_example(
    settings: Settings, database: Database, kind: MessageKind, language: str | None, address: str
) -> Outcome:
    """Sends a message with example values to an address, to try the settings and the texts.

    Raises SettingsError if a text of a message can't be used.
    """
    templates, sender = Templates.of(settings), mail_address(settings.mail_from)
    transport = configured_transport(settings, lambda: database)
    recipient = Recipient(address, kind, FIELDS[kind], language)
    try:
        async with asyncio.timeout(transport.timeout):
            return await transport.carry(compose(templates, sender, str(ObjectId()), recipient))
    except TimeoutError as error:
        return Failed(type(error).__name__)
    finally:
        await transport.close()
