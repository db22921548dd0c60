"""LECTERN_WEBHOOKS and LECTERN_WEBHOOK_SECRETS: what they accept, and what their errors say."""

import pytest

from app.settings import SettingsError, Webhook, about_unencrypted, load
from loaders.outbox import EVENT_KINDS
from tests.outbox.receiver import SECRET


def test_webhooks_are_read_with_their_kinds_and_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    webhooks = (
        "crm=https://user:password@crm.example/hook?token=1, cdn=http://cdn/#course.published+review.held"
    )
    monkeypatch.setenv("LECTERN_WEBHOOKS", webhooks)
    monkeypatch.setenv("LECTERN_WEBHOOK_SECRETS", f"crm={SECRET},cdn=whsec_{'A' * 32},crm=whsec_{'B' * 32}")
    settings = load()
    assert settings.webhooks == (
        Webhook("crm", "https://user:password@crm.example/hook?token=1"),
        Webhook("cdn", "http://cdn/", frozenset({"course.published", "review.held"})),
    )
    assert [len(settings.webhook_secrets[name]) for name in ("crm", "cdn")] == [2, 1]
    assert settings.destinations.webhooks == {
        "crm": EVENT_KINDS,
        "cdn": frozenset({"course.published", "review.held"}),
    }
    assert "password" not in repr(settings)
    assert SECRET.removeprefix("whsec_") not in repr(settings)
    assert "webhook_secrets" not in repr(settings)


@pytest.mark.parametrize(
    ("webhooks", "secrets", "message"),
    [
        ("https://crm.example/", "", "must be webhooks such as `crm=https://crm.example/hook`"),
        ("crm=https://a/,https://user:hunter2@crm.example/", "", "number 2 is not valid"),
        ("CRM=https://crm.example/", "", "number 1 is not valid"),
        ("mail=https://crm.example/", "", "and not `mail`"),
        ("crm=ftp://crm.example/", "", "number 1 is not valid"),
        ("crm=https://", "", "number 1 is not valid"),
        ("crm=https://[/", "", "number 1 is not valid"),
        ("crm=https://a/,crm=https://b/", "", "must name each webhook once; `crm` is repeated"),
        ("crm=https://a/#course.deleted", "", "names the kind of event `course.deleted` for `crm`"),
        (",".join(f"w{n}=https://a/" for n in range(21)), "", "must have at most 20 webhooks"),
        ("crm=https://a/", "", "must have a secret for the webhook `crm` (make one: echo whsec_$(openssl"),
        ("", f"crm={SECRET}", "has a secret for `crm`, which LECTERN_WEBHOOKS doesn't have"),
        ("crm=https://a/", "crm=hunter2hunter2hunter2hunter2", "each with 24 to 64 bytes in base64"),
        ("crm=https://a/", "crm=whsec_c2hvcnQ=", "number 1 is not valid"),
        ("crm=https://a/", f"crm={SECRET},whsec_hunter2hunter2hunter2hunter2hu", "number 2 is not valid"),
        ("crm=https://a/", "crm=whsec_***", "number 1 is not valid"),
    ],
)
def test_errors_say_what_is_wrong_without_the_secret(
    monkeypatch: pytest.MonkeyPatch, webhooks: str, secrets: str, message: str
) -> None:
    monkeypatch.setenv("LECTERN_WEBHOOKS", webhooks)
    monkeypatch.setenv("LECTERN_WEBHOOK_SECRETS", secrets)
    with pytest.raises(SettingsError) as caught:
        load()
    error = str(caught.value)
    assert message in error
    assert "hunter2" not in error
    assert "\n" not in error


def test_a_webhook_without_encryption_is_warned_of() -> None:
    urls = ("https://crm.example/", "http://crm.example/", "http://127.0.0.1:9000/", "http://localhost/")
    warnings = list(about_unencrypted(Webhook(f"w{n}", url) for n, url in enumerate(urls)))
    assert warnings == ["Events for the webhook w1 are not encrypted: use https in LECTERN_WEBHOOKS."]


@pytest.mark.parametrize(("number", "is_valid"), [(20, True), (21, False)])
def test_there_are_at_most_twenty_webhooks(number: int, is_valid: bool) -> None:
    from app.settings.webhooks import read_webhooks

    text = ",".join(f"w{n}=https://a/" for n in range(number))
    if is_valid:
        assert len(read_webhooks(text)) == number
    else:
        with pytest.raises(ValueError, match="at most 20"):
            read_webhooks(text)
