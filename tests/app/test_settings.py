"""Settings: their table, their documentation, and the errors for invalid values."""

import re
import secrets
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from app.settings import Settings, SettingsError, load

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_documentation_equals_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    expected = [(name.upper(), _shown(field.default), field.description) for name, field in _fields()]
    assert [(name, default.strip("`"), text) for name, default, text in rows] == expected


def _fields() -> list[tuple[str, FieldInfo]]:
    return list(Settings.model_fields.items())


def _shown(default: object) -> str:
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, tuple | dict):
        return ",".join(default)
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example,")
    monkeypatch.setenv("GRAPHIQL", "false")
    monkeypatch.setenv("LECTERN_SECRET", "x" * 32)
    settings = load()
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.graphiql is False
    assert "x" * 32 not in repr(settings)


def test_every_invalid_setting_is_named_and_no_value_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_SECRET", "x" * 31)
    monkeypatch.setenv("MONGODB_TIMEOUT", "soon")
    told = refused()
    assert [line.split(":")[0] for line in told.splitlines()] == ["MONGODB_TIMEOUT", "LECTERN_SECRET"]
    assert "x" * 31 not in told


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("", "LECTERN_SECRET: is required in production (generate one: openssl rand -hex 32)"),
        (
            "correct horse battery staple hm",
            "LECTERN_SECRET: must have at least 32 characters (generate one: ",
        ),
        ("changeme" * 4, "LECTERN_SECRET: is too easy to guess (generate one: openssl rand -hex 32)"),
        ("0123456789abcdef" * 2, "LECTERN_SECRET: is too easy to guess (generate one: "),
    ],
)
def test_production_requires_a_strong_secret(monkeypatch: pytest.MonkeyPatch, secret: str, told: str) -> None:
    monkeypatch.setenv("LECTERN_ENV", "production")
    monkeypatch.setenv("LECTERN_SECRET", secret)
    assert told in refused()


def test_production_accepts_a_secret_made_as_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_ENV", "production")
    monkeypatch.setenv("LECTERN_SECRET", secrets.token_hex(32))
    assert load().lectern_env == "production"


def test_development_accepts_no_secret_or_a_simple_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_SECRET", "")
    assert load().lectern_secret.get_secret_value() == ""
    monkeypatch.setenv("LECTERN_SECRET", "x" * 32)
    assert load().lectern_secret.get_secret_value() == "x" * 32


ISSUER = {
    "OIDC_ISSUER": "https://id.example",
    "OIDC_AUDIENCE": "courses",
    "OIDC_JWKS": "https://id.example/jwks",
}


def test_an_external_issuer_is_configured_with_its_role_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (ISSUER | {"OIDC_ALGORITHMS": "PS256, EdDSA"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OIDC_ROLES", "teacher=INSTRUCTOR, https://id.example/admin = STAFF,")
    settings = load()
    assert settings.oidc_algorithms == ("PS256", "EdDSA")
    assert settings.oidc_roles == {"teacher": "INSTRUCTOR", "https://id.example/admin": "STAFF"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"OIDC_AUDIENCE": ""}, "OIDC_AUDIENCE: is required when OIDC_ISSUER is set"),
        ({"OIDC_JWKS": ""}, "OIDC_JWKS: is required when OIDC_ISSUER is set"),
        (
            {"OIDC_ISSUER": ""},
            "OIDC_AUDIENCE: has no effect without OIDC_ISSUER\nOIDC_JWKS: has no effect without OIDC_ISSUER",
        ),
        ({"OIDC_JWKS": "/nowhere/jwks.json"}, "OIDC_JWKS: must be a URL or an existing file"),
        ({"OIDC_ALGORITHMS": "RS256,HS256"}, "OIDC_ALGORITHMS: must be one or more of ES256, "),
        ({"OIDC_ALGORITHMS": "none"}, "OIDC_ALGORITHMS: must be one or more of ES256, "),
        ({"OIDC_ALGORITHMS": ","}, "OIDC_ALGORITHMS: must be one or more of ES256, "),
        ({"OIDC_ROLES": "teacher=TUTOR"}, "OIDC_ROLES: must map each name to STUDENT, INSTRUCTOR or STAFF"),
        ({"OIDC_ROLES": "admin=STAFF,teacher"}, "`teacher` is invalid"),
        ({"OIDC_LEEWAY": "601"}, "OIDC_LEEWAY: Input should be less than or equal to 600"),
    ],
)
def test_invalid_settings_of_an_external_issuer_are_named(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], told: str
) -> None:
    for name, value in (ISSUER | changed).items():
        monkeypatch.setenv(name, value)
    assert told in refused()


@pytest.mark.parametrize("url", ["https://courses.example/reset", "courses.example/{token}"])
def test_a_reset_url_must_contain_the_token(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("RESET_URL", url)
    assert "RESET_URL: must be a URL with {token} in it" in refused()


def refused() -> str:
    with pytest.raises(SettingsError) as error:
        load()
    return str(error.value)


@pytest.mark.parametrize("given", ["10.0.0.0/8, ::1", "*", ""])
def test_proxies_are_addresses_and_networks(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", given)
    assert ", ".join(load().forwarded_allow_ips) == given


@pytest.mark.parametrize("given", ["proxy.example", "10.0.0.1/8", "*,10.0.0.1"])
def test_invalid_proxies_prevent_the_start(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", given)
    assert "FORWARDED_ALLOW_IPS: must be addresses and networks, or `*` alone: " in refused()
