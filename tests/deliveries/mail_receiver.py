"""A mail server as a process of its own: `python -m tests.deliveries.mail_receiver PORT FILE SHARE`.

It records each message on disk before it accepts it. SHARE: the share of messages that it refuses for now, or
records without an answer.
"""

import asyncio
import re
import sys
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from pathlib import Path
from random import random

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.deliveries.records import Journal

_TOKEN = re.compile(r"#([\w-]{43})\s")


class Handler:
    """Takes messages, see aiosmtpd."""

    def __init__(self, journal: Journal, share: float) -> None:
        self._journal, self._share = journal, share

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        chance = random()
        if chance < self._share:
            return "451 4.3.0 try later"
        assert isinstance(envelope.content, bytes)
        email = message_from_bytes(envelope.content, policy=POLICY)
        assert isinstance(email, EmailMessage)
        body = email.get_body(("plain",))
        token = _TOKEN.search(body.get_content()) if body else None
        self._journal.append(
            {
                "id": email["Message-ID"],
                "to": envelope.rcpt_tos,
                "subject": email["Subject"],
                "token": token and token[1],
            }
        )
        if chance > 1 - self._share and server.transport:
            server.transport.close()  # without an answer
        return "250 OK"


async def main(port: int, path: Path, share: float) -> None:
    handler = Handler(Journal(path), share)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, loop=loop), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
