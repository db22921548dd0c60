"""Carries messages to a mail server."""

import ssl

import aiosmtplib
from aiosmtplib import SMTPResponseException

from app.delivery.messages.composing import Composed, as_email
from app.delivery.sender import Failed, Outcome, Sent
from app.settings import SmtpServer


class SmtpTransport:
    """Hands messages to a mail server, each over a connection of its own. See Transport."""

    timeout = 30.0

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._tls = ssl.create_default_context()

    async def carry(self, message: Composed) -> Outcome:
        server = self._server
        try:
            await aiosmtplib.send(
                as_email(message),
                sender=message.sender.address,
                recipients=[message.address],
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password if server.user else None,
                use_tls=server.encryption == "tls",
                start_tls=server.encryption == "starttls",
                tls_context=self._tls,
                timeout=self.timeout,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            return _failure(error)
        return Sent()

    async def close(self) -> None: ...


def _failure(error: Exception) -> Failed:
    """Describes an error without its text, which can quote the address.

    A server that refuses the recipient or the message for good will do so again. One that refuses the sender
    or the password is configured wrongly, and will take the message once it isn't.
    """
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if not isinstance(error, SMTPResponseException):
        return Failed(type(error).__name__)
    is_about_message = isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError)
    return Failed(f"SMTP {error.code}", is_final=is_about_message and error.code >= 500)
