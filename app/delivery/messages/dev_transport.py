"""Keeps messages for the page /dev/mail, and names them on the console, instead of sending them."""

from collections.abc import Callable

import structlog
from bson import ObjectId

from app.delivery.messages.composing import Composed
from app.delivery.messages.message_kinds import LINK
from app.delivery.sender import Outcome, Sent
from loaders import outbox
from loaders.mongo import Database, now, take_time

_log = structlog.get_logger("lectern")


class DevTransport:
    """Keeps messages in the database. See Transport."""

    timeout = 10.0

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = database

    async def carry(self, message: Composed) -> Outcome:
        take_time(self.timeout)
        await outbox.keep(
            self._database(),
            {
                "_id": ObjectId(message.id), "at": now(), "kind": message.kind, "language": message.language,
                "sender": str(message.sender), "address": _kept_address(message), "subject": message.subject,
                "plain": message.plain, "html": message.html, "link": message.values.get(LINK),
            },
        )  # fmt: skip
        link = {LINK: message.values[LINK]} if LINK in message.values else {}
        _log.info("message kept", subject=message.subject, to=masked(message.address), **link)
        return Sent()

    async def close(self) -> None: ...


def _kept_address(message: Composed) -> str:
    """Returns whom a message was for. Whoever has deleted their account leaves no address behind."""
    return "a deleted account" if message.kind == "account_deleted" else message.address


def masked(address: str) -> str:
    """Returns an address with only the first character before the @, such as `a…@example.org`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"
