"""Carries messages to a mail server."""

import asyncio
import re
import ssl
from contextlib import suppress

import aiosmtplib
from aiosmtplib import SMTPResponseException

from app.delivery.messages.composing import Composed, as_email
from app.delivery.sender import Failed, Outcome, Sent
from app.settings import SmtpServer

_GOODBYE = 1.0  # seconds for the end of a connection, whose outcome doesn't matter

#: Enhanced status codes (RFC 3463) at the start of a reply: about policy, such as a server that relays for
#: nobody it doesn't know, or about the sender's address.
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b", re.ASCII)
_ABOUT_GATEWAY = re.compile(r"5\.(?:7\.\d+|1\.[78])", re.ASCII)
_NO_ACCESS = frozenset((530, 535, 538))  # the server wants a password, or another one, or encryption
_OVERLOADED = frozenset((421, 452))  # the server takes no message now, whoever gets it


class SmtpTransport:
    """Hands messages to a mail server, each over a connection of its own. See Transport."""

    timeout = 30.0

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._tls = ssl.create_default_context()

    async def carry(self, message: Composed) -> Outcome:
        client = self._client()
        try:
            outcome = await self._handed_over(client, message)
            with suppress(aiosmtplib.SMTPException, OSError):
                async with asyncio.timeout(_GOODBYE):
                    await client.quit()
        finally:
            client.close()
        return outcome

    async def close(self) -> None: ...

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password if server.user else None,
            use_tls=server.encryption == "tls",
            start_tls=server.encryption == "starttls",
            tls_context=self._tls,
            timeout=self.timeout,
        )

    async def _handed_over(self, client: aiosmtplib.SMTP, message: Composed) -> Outcome:
        try:
            email = as_email(message)
            async with asyncio.timeout(self.timeout - _GOODBYE):
                await client.connect()
                await client.send_message(email, sender=message.sender.address, recipients=[message.address])
        except (aiosmtplib.SMTPException, OSError) as error:
            return _failure(error)
        except ValueError:  # the address can't be written in a header, or in a command
            return Failed("InvalidAddress", is_final=True)
        return Sent()


def _failure(error: Exception) -> Failed:
    """Describes an error without its text, which can quote the address.

    A server that refuses the recipient or the message for good will do so again. One that refuses the sender,
    the password, or by its policy, will take the message once the settings or its records are right.
    """
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if not isinstance(error, SMTPResponseException):
        return Failed(type(error).__name__)
    found = _ENHANCED.match(error.message)
    enhanced = found[0] if found else ""
    is_about_entry = (
        isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError)
        and error.code not in _OVERLOADED | _NO_ACCESS
    )
    return Failed(
        f"SMTP {error.code} {enhanced}".rstrip(),
        is_final=is_about_entry and error.code >= 500 and not _ABOUT_GATEWAY.fullmatch(enhanced),
        is_about_entry=is_about_entry,
    )
