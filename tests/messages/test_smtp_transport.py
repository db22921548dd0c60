"""Messages on their way to a real mail server: encryption, passwords, and what its answers mean."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from urllib.parse import quote

import pytest

from app.delivery import Failed, Outcome, Sent
from app.delivery.messages.smtp_transport import SmtpTransport
from app.settings import smtp_server
from tests.messages.examples import ID, composed
from tests.messages.mail_server import PASSWORD, USER, MailServer, certificate, mail_server

WITH_PASSWORD = f"{USER}:{quote(PASSWORD, safe='')}@"


@pytest.fixture
async def plain() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture
def server_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The context of a server whose certificate this process trusts."""
    public, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    return context


async def carry(url: str, address: str = "ada@example.org") -> Outcome:
    transport = SmtpTransport(smtp_server(url))
    try:
        return await transport.carry(composed(address=address, language="de"))
    finally:
        await transport.close()


def unencrypted(server: MailServer) -> str:
    return f"smtp://127.0.0.1:{server.port}?starttls=off"


async def test_a_message_arrives_as_text_and_html(plain: MailServer) -> None:
    assert await carry(unencrypted(plain)) == Sent()
    (mail,) = plain.mails
    assert mail.sender == "courses@example.org"
    assert mail.to == ["ada@example.org"]
    assert mail.email["Subject"] == "Ihr Passwort wurde geändert"
    assert mail.email["Message-ID"] == f"<{ID}@example.org>"
    assert "wurde am 2. März 2026, 09:30 UTC geändert." in mail.text()
    assert "<h1>Ihr Passwort wurde geändert</h1>" in mail.text("html")
    assert mail.data.isascii()


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
async def test_a_password_is_sent_over_an_encrypted_connection(
    server_context: ssl.SSLContext, scheme: str
) -> None:
    way = "tls" if scheme == "smtps" else "starttls"
    async with mail_server(with_password=True, **{way: server_context}) as server:
        assert await carry(f"{scheme}://{WITH_PASSWORD}127.0.0.1:{server.port}") == Sent()
        (mail,) = server.mails
        assert mail.is_encrypted
        wrong = await carry(f"{scheme}://{USER}:wrong@127.0.0.1:{server.port}")
        assert wrong == Failed("SMTP 535 5.7.8")
        assert len(server.mails) == 1


async def test_a_server_without_encryption_gets_nothing(plain: MailServer) -> None:
    assert await carry(f"smtp://127.0.0.1:{plain.port}") == Failed("SMTPException")
    assert plain.mails == []


async def test_a_server_with_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    _, context = certificate(tmp_path)
    async with mail_server(starttls=context) as server:
        outcome = await carry(f"smtp://127.0.0.1:{server.port}")
        assert isinstance(outcome, Failed)
        assert not outcome.is_final
        assert server.mails == []


@pytest.mark.parametrize(
    ("command", "answer", "outcome"),
    [
        ("RCPT", "451 <{}>: try later", Failed("SMTP 451", is_about_entry=True)),
        ("RCPT", "450 4.2.0 <{}>: greylisted", Failed("SMTP 450 4.2.0", is_about_entry=True)),
        ("RCPT", "452 4.3.1 full", Failed("SMTP 452 4.3.1")),
        ("RCPT", "550 <{}>: no such user", Failed("SMTP 550", is_final=True, is_about_entry=True)),
        ("RCPT", "550 5.1.1 <{}>: unknown", Failed("SMTP 550 5.1.1", is_final=True, is_about_entry=True)),
        ("RCPT", "554 5.7.1 <{}>: relay access denied", Failed("SMTP 554 5.7.1", is_about_entry=True)),
        ("RCPT", "550 5.1.8 domain of sender not found", Failed("SMTP 550 5.1.8", is_about_entry=True)),
        ("RCPT", "530 authentication required", Failed("SMTP 530")),
        ("DATA", "452 full", Failed("SMTP 452")),
        ("DATA", "554 looks like spam", Failed("SMTP 554", is_final=True, is_about_entry=True)),
        ("DATA", "550 5.7.26 neither SPF nor DKIM", Failed("SMTP 550 5.7.26", is_about_entry=True)),
        ("MAIL", "421 too busy", Failed("SMTP 421")),
        ("MAIL", "553 not your address", Failed("SMTP 553")),  # the settings are wrong, not the recipient
    ],
)
async def test_a_refusal_of_the_recipient_or_the_message_is_final_if_the_server_says_so(
    plain: MailServer, command: str, answer: str, outcome: Failed
) -> None:
    plain.answers[command] = answer
    assert await carry(unencrypted(plain)) == outcome
    plain.answers.clear()
    assert await carry(unencrypted(plain)) == Sent()


@pytest.mark.parametrize("address", ["a..b@example.org", ".a@example.org", "a.@example.org"])
async def test_addresses_that_only_browsers_take_for_valid_get_their_mail(
    plain: MailServer, address: str
) -> None:
    """Sign-up takes such addresses, as browsers do."""
    assert await carry(unencrypted(plain), address) == Sent()
    (mail,) = plain.mails
    assert mail.to == [address]
    assert f"To: {address}\r\n".encode() in mail.data


async def test_an_address_that_mail_programs_read_as_another_one_is_refused_for_good(
    plain: MailServer,
) -> None:
    assert await carry(unencrypted(plain), "=?utf-8?q?x?=@example.org") == Failed(
        "InvalidAddress", is_final=True
    )
    assert plain.mails == []


async def test_a_message_that_was_taken_is_sent_however_the_connection_ends(plain: MailServer) -> None:
    """A server that never says goodbye would otherwise get the message again and again."""
    plain.hangs_at_quit = True
    began = monotonic()
    assert await carry(unencrypted(plain)) == Sent()
    assert monotonic() - began < SmtpTransport.timeout / 2
    assert len(plain.mails) == 1


async def test_a_server_that_hangs_is_given_up_in_time(
    plain: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SmtpTransport, "timeout", 1.5)
    plain.hangs_at_data = True
    assert await carry(unencrypted(plain)) == Failed("TimeoutError")


async def test_a_server_that_is_away_is_tried_again() -> None:
    async with mail_server() as server:
        url = unencrypted(server)
    assert await carry(url) == Failed("SMTPConnectError")
