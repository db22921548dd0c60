"""Settings: their table, their documentation, and the errors for invalid values."""

import re
import secrets
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from app.settings import Settings, SettingsError, load, variable

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_documentation_equals_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    expected = [(variable(name), _shown(field.default), field.description) for name, field in _fields()]
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
    monkeypatch.setenv("LECTERN_CORS_ORIGINS", "https://a.example, https://b.example,")
    monkeypatch.setenv("LECTERN_GRAPHIQL", "false")
    monkeypatch.setenv("LECTERN_SECRET", "x" * 32)
    settings = load()
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.graphiql is False
    assert "x" * 32 not in repr(settings)


def test_every_invalid_setting_is_named_and_no_value_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_SECRET", "x" * 31)
    monkeypatch.setenv("LECTERN_MONGODB_TIMEOUT", "soon")
    told = refused()
    assert [line.split()[0] for line in told.splitlines()] == ["LECTERN_MONGODB_TIMEOUT", "LECTERN_SECRET"]
    assert "x" * 31 not in told


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("", "LECTERN_SECRET is required in production (generate one: openssl rand -hex 32)"),
        (
            "correct horse battery staple hm",
            "LECTERN_SECRET must have at least 32 characters (generate one: ",
        ),
        ("changeme" * 4, "LECTERN_SECRET is too easy to guess (generate one: openssl rand -hex 32)"),
        ("0123456789abcdef" * 2, "LECTERN_SECRET is too easy to guess (generate one: "),
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
    "LECTERN_OIDC_ISSUER": "https://id.example",
    "LECTERN_OIDC_AUDIENCE": "courses",
    "LECTERN_OIDC_JWKS": "https://id.example/jwks",
}


def test_an_external_issuer_is_configured_with_its_role_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (ISSUER | {"LECTERN_OIDC_ALGORITHMS": "PS256, EdDSA"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LECTERN_OIDC_ROLES", "teacher=INSTRUCTOR, https://id.example/admin = STAFF,")
    settings = load()
    assert settings.oidc_algorithms == ("PS256", "EdDSA")
    assert settings.oidc_roles == {"teacher": "INSTRUCTOR", "https://id.example/admin": "STAFF"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"LECTERN_OIDC_AUDIENCE": ""}, "LECTERN_OIDC_AUDIENCE is required when LECTERN_OIDC_ISSUER is set"),
        ({"LECTERN_OIDC_JWKS": ""}, "LECTERN_OIDC_JWKS is required when LECTERN_OIDC_ISSUER is set"),
        (
            {"LECTERN_OIDC_ISSUER": ""},
            "LECTERN_OIDC_AUDIENCE has no effect without LECTERN_OIDC_ISSUER.\n"
            "LECTERN_OIDC_JWKS has no effect without LECTERN_OIDC_ISSUER",
        ),
        ({"LECTERN_OIDC_JWKS": "/nowhere/jwks.json"}, "LECTERN_OIDC_JWKS must be a URL or an existing file"),
        (
            {"LECTERN_OIDC_ALGORITHMS": "RS256,HS256"},
            "LECTERN_OIDC_ALGORITHMS must be one or more of ES256, ",
        ),
        ({"LECTERN_OIDC_ALGORITHMS": "none"}, "LECTERN_OIDC_ALGORITHMS must be one or more of ES256, "),
        ({"LECTERN_OIDC_ALGORITHMS": ","}, "LECTERN_OIDC_ALGORITHMS must be one or more of ES256, "),
        (
            {"LECTERN_OIDC_ROLES": "teacher=TUTOR"},
            "LECTERN_OIDC_ROLES must map each name to STUDENT, INSTRUCTOR or STAFF",
        ),
        ({"LECTERN_OIDC_ROLES": "admin=STAFF,teacher"}, "`teacher` is invalid"),
        (
            {"LECTERN_OIDC_LEEWAY": "601"},
            "LECTERN_OIDC_LEEWAY must be a number of at least 0 and at most 600, not '601'.",
        ),
    ],
)
def test_invalid_settings_of_an_external_issuer_are_named(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], told: str
) -> None:
    for name, value in (ISSUER | changed).items():
        monkeypatch.setenv(name, value)
    assert told in refused()


def test_a_key_set_in_place_of_its_path_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (ISSUER | {"LECTERN_OIDC_JWKS": '{"keys": [' + " " * 5000 + "]}"}).items():
        monkeypatch.setenv(name, value)
    assert refused() == "LECTERN_OIDC_JWKS must be a URL or an existing file."


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("LECTERN_MAX_COST", "abc", "a whole number greater than 0, not 'abc'"),
        ("LECTERN_MAX_COST", "0", "a whole number greater than 0, not '0'"),
        ("LECTERN_MAX_COST", "", "a whole number greater than 0, not ''"),
        ("LECTERN_MAX_COST", "9" * 5000, f"a whole number greater than 0, not '{'9' * 40}…'"),
        ("LECTERN_MAX_ALIASES", "1.5", "a whole number of at least 0, not '1.5'"),
        ("LECTERN_MONGODB_TIMEOUT", "inf", "a number greater than 0, not 'inf'"),
        ("LECTERN_REQUEST_TIMEOUT", "5 s", "a number greater than 0 and at most 300, not '5 s'"),
        ("LECTERN_DRAIN_DELAY", "nan", "a number of at least 0 and at most 600, not 'nan'"),
        ("LECTERN_METRICS", "maybe", "true or false, not 'maybe'"),
        ("LECTERN_OPERATIONS", "all", "any, persisted or trusted, not 'all'"),
        ("LECTERN_ENV", "prod", "development or production, not 'prod'"),
        ("LECTERN_OIDC_SOURCE", "", "text with 1 or more characters, not ''"),
        (
            "LECTERN_MONGODB_DATABASE",
            "x" * 64,
            f"text with 1 or more characters and at most 63, not '{'x' * 40}…'",
        ),
    ],
)
def test_a_wrong_value_is_shown_beside_the_values_that_are_valid(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    assert refused() == f"{name} must be {told}."


def test_the_mode_persisted_needs_persisted_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_PERSISTED_QUERIES", "false")
    assert not load().persisted_queries
    monkeypatch.setenv("LECTERN_OPERATIONS", "trusted")
    assert not load().persisted_queries
    monkeypatch.setenv("LECTERN_OPERATIONS", "persisted")
    assert refused() == (
        "LECTERN_PERSISTED_QUERIES must be true with LECTERN_OPERATIONS=persisted, or no text could be "
        "registered; for trusted operations only, use LECTERN_OPERATIONS=trusted."
    )


@pytest.mark.parametrize("url", ["https://courses.example/reset", "courses.example/{token}"])
def test_a_reset_url_must_contain_the_token(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("LECTERN_RESET_URL", url)
    assert "LECTERN_RESET_URL must be a URL with {token} in it" in refused()


def refused() -> str:
    with pytest.raises(SettingsError) as error:
        load()
    return str(error.value)


@pytest.mark.parametrize("given", ["10.0.0.0/8, ::1", "*", ""])
def test_proxies_are_addresses_and_networks(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("LECTERN_FORWARDED_ALLOW_IPS", given)
    assert ", ".join(load().forwarded_allow_ips) == given


@pytest.mark.parametrize("given", ["proxy.example", "10.0.0.1/8", "*,10.0.0.1"])
def test_invalid_proxies_prevent_the_start(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("LECTERN_FORWARDED_ALLOW_IPS", given)
    assert "LECTERN_FORWARDED_ALLOW_IPS must be addresses and networks, or `*` alone: " in refused()
