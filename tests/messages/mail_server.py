"""A mail server that receives: aiosmtpd, on a port of its own."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "lectern", "a password, with / and @"


@dataclass(frozen=True)
class Mail:
    """A message that the server has taken. is_encrypted: whether the connection was."""

    sender: str
    to: list[str]
    data: bytes
    is_encrypted: bool

    @property
    def email(self) -> EmailMessage:
        found = message_from_bytes(self.data, policy=POLICY)
        assert isinstance(found, EmailMessage)
        return found

    def text(self, kind: str = "plain") -> str:
        body = self.email.get_body((kind,))
        assert body is not None
        text: str = body.get_content()
        return text


@dataclass
class MailServer:
    """What a server has received, and what it answers.

    answers: by command, instead of accepting. is_encrypted: whether all connections are. hangs_at_data,
    hangs_at_quit: whether it doesn't answer the end of a message, or of a connection.
    """

    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    is_encrypted: bool = False
    hangs_at_data: bool = False
    hangs_at_quit: bool = False

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK").format(address)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.hangs_at_data:
            await asyncio.Event().wait()
        if refusal := self.answers.get("DATA"):
            return refusal
        assert isinstance(envelope.content, bytes)
        assert envelope.mail_from is not None
        is_encrypted = self.is_encrypted or session.ssl is not None
        self.mails.append(Mail(envelope.mail_from, envelope.rcpt_tos, envelope.content, is_encrypted))
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.hangs_at_quit:
            await asyncio.Event().wait()
        return "221 Bye"


def _authenticated(_: SMTP, __: Session, ___: Envelope, ____: str, given: Any) -> AuthResult:
    assert isinstance(given, LoginPassword)
    is_right = given == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)


@asynccontextmanager
async def mail_server(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, with_password: bool = False
) -> AsyncIterator[MailServer]:
    """A running server. tls: for encrypted connections. starttls: for those that are encrypted when asked."""
    own = MailServer(is_encrypted=tls is not None)
    options: dict[str, Any] = {"tls_context": starttls, "require_starttls": starttls is not None}
    if with_password:
        options |= {"auth_required": True, "auth_require_tls": tls is None, "authenticator": _authenticated}
    loop = asyncio.get_running_loop()

    def connection() -> SMTP:
        with warnings.catch_warnings(action="ignore"):  # it doesn't see that `tls` encrypts the connection
            return SMTP(own, loop=loop, **options)

    server = await loop.create_server(connection, "127.0.0.1", 0, ssl=tls)
    own.port = server.sockets[0].getsockname()[1]
    try:
        yield own
    finally:
        server.close()


def certificate(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """Makes a certificate for 127.0.0.1. Returns its file, and the context of a server that uses it."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "m")]),
    )
    began = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public, private = directory / "certificate.pem", directory / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    return public, context
