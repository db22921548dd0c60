"""The settings of messages: what they need, and what prevents the start."""

import pytest

from app.commands.serve import _about_messages
from app.settings import MailAddress, Settings, SettingsError, SmtpServer, load, mail_address, smtp_server
from tests.outbox.receiver import SECRET

SMTP = "smtp://lectern:hunter2@mail.example"
NEEDED = {
    "LECTERN_MAIL_FROM": "Example Institute <courses@example.org>",
    "LECTERN_VERIFY_URL": "https://a.example/#{token}",
    "LECTERN_RESET_URL": "https://a.example/#{token}",
}
BY_HTTP = {"LECTERN_MESSAGES_URL": "https://m.example/", "LECTERN_MESSAGES_SECRET": SECRET}


def loaded(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load()


def refused(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    with pytest.raises(SettingsError) as error:
        loaded(monkeypatch, **variables)
    return str(error.value)


def test_by_default_nothing_is_sent() -> None:
    assert not load().sends_messages
    assert not load().destinations.has_messages


@pytest.mark.parametrize("way", [{"LECTERN_SMTP_URL": SMTP}, BY_HTTP, {"LECTERN_DEV_MAIL": "true"}])
def test_each_way_of_sending_needs_a_sender_and_pages(
    monkeypatch: pytest.MonkeyPatch, way: dict[str, str]
) -> None:
    first = next(iter(way))
    assert refused(monkeypatch, **way).splitlines() == [
        f"{name} is required with {first}." for name in NEEDED
    ]
    settings = loaded(monkeypatch, **NEEDED)
    assert settings.sends_messages
    assert settings.destinations.has_messages
    assert "hunter2" not in repr(settings)
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("other", [BY_HTTP, {"LECTERN_DEV_MAIL": "true"}])
def test_messages_are_sent_in_one_way(monkeypatch: pytest.MonkeyPatch, other: dict[str, str]) -> None:
    told = refused(monkeypatch, LECTERN_SMTP_URL=SMTP, **NEEDED, **other)
    assert told.startswith(next(iter(other)))
    assert "together with LECTERN_SMTP_URL: messages are sent in one way." in told


def test_the_page_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    told = refused(monkeypatch, LECTERN_ENV="production", LECTERN_DEV_MAIL="true", **NEEDED)
    assert (
        "LECTERN_DEV_MAIL must be false in production, because /dev/mail shows messages to everyone." in told
    )


@pytest.mark.parametrize("secret", ["", "whsec_c2hvcnQ=", SECRET.removeprefix("whsec_"), "whsec_ü"])
def test_a_url_needs_a_secret_that_is_never_shown(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    told = refused(monkeypatch, **NEEDED, **{**BY_HTTP, "LECTERN_MESSAGES_SECRET": secret})
    assert told == (
        "LECTERN_MESSAGES_SECRET must be a secret `whsec_…` for LECTERN_MESSAGES_URL (make one: echo "
        "whsec_$(openssl rand -base64 32))."
    )


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"LECTERN_MESSAGES_SECRET": SECRET}, "MESSAGES_SECRET has no effect without LECTERN_MESSAGES_URL."),
        (
            {**BY_HTTP, "LECTERN_MESSAGES_URL": "ftp://m.example"},
            "MESSAGES_URL must be a URL, such as https://",
        ),
        ({"LECTERN_VERIFY_URL": "https://a.example"}, "VERIFY_URL must be a URL with {token} in it"),
        (
            {"LECTERN_MAIL_FROM": "Example Institute"},
            "MAIL_FROM must be an address, such as Example Institute <",
        ),
    ],
)
def test_other_values_are_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str
) -> None:
    assert f"LECTERN_{told}" in refused(monkeypatch, **{**NEEDED, **variables})


def test_messages_over_plain_http_are_worth_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not loaded(monkeypatch, **NEEDED, **BY_HTTP).has_readable_messages
    assert loaded(monkeypatch, LECTERN_MESSAGES_URL="http://m.example/").has_readable_messages
    assert not loaded(monkeypatch, LECTERN_MESSAGES_URL="http://localhost:9000/").has_readable_messages


@pytest.mark.parametrize(
    ("url", "is_readable"),
    [
        ("smtp://mail.example", False),
        ("smtps://mail.example", False),
        ("smtp://mail.example?starttls=off", True),
        ("smtp://10.0.0.1:25?starttls=off", True),
        ("smtp://localhost?starttls=off", False),
        ("smtp://127.0.0.1:2525?starttls=off", False),
        ("smtp://[::1]?starttls=off", False),
    ],
)
def test_an_unencrypted_connection_to_another_machine_is_worth_a_warning(
    monkeypatch: pytest.MonkeyPatch, url: str, is_readable: bool
) -> None:
    settings = loaded(monkeypatch, **{**NEEDED, "LECTERN_SMTP_URL": url})
    assert settings.has_readable_messages is is_readable
    warning = "Messages and the links in them are not encrypted: use LECTERN_SMTP_URL without ?starttls=off."
    assert list(_about_messages(settings)) == ([warning] if is_readable else [])


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://m.example", SmtpServer("m.example", 587, None, "", "starttls")),
        ("smtp://u:p%40%2F@m.example:25", SmtpServer("m.example", 25, "u", "p@/", "starttls")),
        ("smtps://u:p@m.example/", SmtpServer("m.example", 465, "u", "p", "tls")),
        ("smtp://localhost?starttls=off", SmtpServer("localhost", 25, None, "", "none")),
    ],
)
def test_the_url_of_a_mail_server(url: str, server: SmtpServer) -> None:
    assert smtp_server(url) == server


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mail.example:587", "must be a URL, such as smtp://"),
        ("https://mail.example", "must be a URL, such as smtp://"),
        ("smtp://u:hunter2@:587", "must be a URL, such as smtp://"),
        ("smtp://u:hunter2@m.example:x", "must be a URL, such as smtp://"),
        ("smtp://u:hunter2@m.example/path", "must be a URL, such as smtp://"),
        ("smtp://u:hunter2/@m.example", "must be a URL, such as smtp://"),
        ("smtp://m.example?starttls=on", "can only have the option ?starttls=off, with smtp://"),
        ("smtps://m.example?starttls=off", "can only have the option ?starttls=off, with smtp://"),
        ("smtp://u:hunter2@m.example?starttls=off", "must not have a password with ?starttls=off"),
    ],
)
def test_another_url_prevents_the_start_and_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, url: str, told: str
) -> None:
    line = refused(monkeypatch, LECTERN_SMTP_URL=url, **NEEDED)
    assert line.startswith(f"LECTERN_SMTP_URL {told}")
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("courses@example.org", MailAddress("courses@example.org", "courses@example.org")),
        ("<courses@example.org>", MailAddress("courses@example.org", "courses@example.org")),
        ("Institut für Statistik <k@e.de>", MailAddress("Institut für Statistik", "k@e.de")),
        ('"Ada, Grace & Co." <lectern@localhost>', MailAddress("Ada, Grace & Co.", "lectern@localhost")),
    ],
)
def test_a_sender_has_a_name_and_an_address(value: str, address: MailAddress) -> None:
    assert mail_address(value) == address


@pytest.mark.parametrize(
    "value",
    [
        "Ada",
        "Ada <ada>",
        "a@b.c, d@e.f",
        "Ada <a@b.c\r\nBcc: d@e.f>",
        "Group: a@b.c;",
        "<>",
        "a@b c",
        "A <a@b.c",
    ],
)
def test_anything_else_is_no_sender(value: str) -> None:
    with pytest.raises(ValueError, match="must be an address, such as Example Institute"):
        mail_address(value)
