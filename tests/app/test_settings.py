"""Settings: the table, its documentation, and what a wrong value is told."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from app.settings import Settings, SettingsError, load

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_documentation_is_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    expected = [(name.upper(), _shown(field.default), field.description) for name, field in _fields()]
    assert [(name, default.strip("`"), text) for name, default, text in rows] == expected


def _fields() -> list[tuple[str, FieldInfo]]:
    return list(Settings.model_fields.items())


def _shown(default: object) -> str:
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if default == ():
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_they_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example,")
    monkeypatch.setenv("GRAPHIQL", "false")
    monkeypatch.setenv("LECTERN_SECRET", "x" * 32)
    settings = load()
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.graphiql is False
    assert "x" * 32 not in repr(settings)


def test_every_wrong_value_is_named_and_none_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_SECRET", "x" * 31)
    monkeypatch.setenv("MONGODB_TIMEOUT", "soon")
    with pytest.raises(SettingsError) as error:
        load()
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["MONGODB_TIMEOUT", "LECTERN_SECRET"]
    assert "x" * 31 not in str(error.value)
