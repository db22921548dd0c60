"""The ways in which messages reach people, and the one that the settings ask for."""

from collections.abc import Callable
from typing import Protocol

from app.delivery.messages.composing import Composed
from app.delivery.messages.dev_transport import DevTransport
from app.delivery.sender import Outcome
from app.settings import Settings, smtp_server
from loaders.mongo import Database


class Transport(Protocol):
    """Carries messages to where people read them. timeout: seconds for one message."""

    timeout: float

    async def carry(self, message: Composed) -> Outcome:
        """Hands a message over. It can be called again with a message that has been handed over."""
        ...

    async def close(self) -> None:
        """Closes its connections. It is not used afterwards."""
        ...


def configured_transport(settings: Settings, database: Callable[[], Database]) -> Transport:
    """Returns the transport for messages. database: see app.request.Services."""
    if url := settings.smtp_url.get_secret_value():
        from app.delivery.messages.smtp_transport import SmtpTransport  # noqa: PLC0415 # only where it is needed

        return SmtpTransport(smtp_server(url))
    if url := settings.messages_url.get_secret_value():
        from app.delivery.messages.http_transport import HttpTransport  # noqa: PLC0415 # only where it is needed

        return HttpTransport(url, settings.messages_secret.get_secret_value())
    return DevTransport(database)
