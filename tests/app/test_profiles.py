"""The profiles: what LECTERN_ENV changes, and what the start's line says about it."""

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import PRODUCTION, Settings, load, shown_to_everyone, variable

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"
LECTERN = Path(sys.executable).with_name("lectern")


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_ENV", "production")
    monkeypatch.setenv("LECTERN_SECRET", secrets.token_hex(32))


def test_the_documentation_equals_the_profiles() -> None:
    (section,) = re.findall(r"^## Profiles\n(.*?)^## ", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\|.*\| `(LECTERN_\w+)` \| `?(.*?)`? \| `(.*?)` \|$", section, re.MULTILINE)
    expected = {
        variable(name): (_shown(Settings.model_fields[name].default), _shown(value))
        for name, value in PRODUCTION.items()
    }
    assert {name: (development, production) for name, development, production in rows} == expected


def _shown(value: object) -> str:
    """A value as the environment has it."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()


@pytest.mark.usefixtures("production")
def test_production_has_defaults_of_its_own() -> None:
    settings = load()
    found = {name: _shown(getattr(settings, name)) for name in PRODUCTION}
    assert found == {name: _shown(value) for name, value in PRODUCTION.items()}


def test_every_default_of_production_differs_from_that_of_development() -> None:
    settings = load()
    assert settings.lectern_env == "development"
    same = [name for name, value in PRODUCTION.items() if _shown(getattr(settings, name)) == _shown(value)]
    assert same == []


@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("name", PRODUCTION)
def test_an_explicit_setting_applies_in_production(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    default = Settings.model_fields[name].default
    monkeypatch.setenv(variable(name), _shown(default))
    assert getattr(load(), name) == default


@pytest.mark.usefixtures("production")
def test_an_old_name_or_a_file_is_explicit_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "graphiql").write_text("true\n")
    monkeypatch.setenv("LECTERN_GRAPHIQL_FILE", str(tmp_path / "graphiql"))
    monkeypatch.setenv("INTROSPECTION", "true")
    settings = load()
    assert (settings.graphiql, settings.introspection, settings.trace_commands) == (True, True, False)


@pytest.mark.usefixtures("production")
def test_production_shows_nothing_to_everyone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown_to_everyone(load().model_dump()) == []
    for name in ("GRAPHIQL", "INTROSPECTION", "TRACE_COMMANDS", "TRACE_PLAN", "METRICS"):
        monkeypatch.setenv(f"LECTERN_{name}", "true")
    monkeypatch.setenv("LECTERN_CORS_ORIGINS", "*")
    assert shown_to_everyone(load().model_dump()) == [
        "GraphiQL",
        "introspection",
        "traces",
        "plans",
        "metrics",
        "pages of any origin",
    ]


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({}, ("development", "GraphiQL + introspection + traces", "any", "none")),
        (
            {
                "LECTERN_ENV": "production",
                "LECTERN_OPERATIONS": "trusted",
                "LECTERN_BUDGETS": "public=10:100,partner=unlimited",
            },
            ("production", "nothing", "trusted", "public + partner"),
        ),
        (
            {
                "LECTERN_ENV": "production",
                "LECTERN_GRAPHIQL": "true",
                "LECTERN_OPERATIONS": "persisted",
                "LECTERN_OPERATIONS_REPORT": "true",
            },
            ("production", "GraphiQL", "persisted (only reported)", "none"),
        ),
    ],
)
def test_the_line_of_the_start_says_what_is_open_and_what_may_run(
    mongo_uri: str, changed: dict[str, str], shown: tuple[str, ...]
) -> None:
    own = {"LECTERN_MONGODB_URI": mongo_uri, "LECTERN_SECRET": secrets.token_hex(32)}
    environment = os.environ | own | {"LECTERN_LOG_FORMAT": "json"} | changed
    command = [str(LECTERN), "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        line = next(json.loads(line) for line in process.stderr if "is serving" in line)
        process.kill()
    assert tuple(line[name] for name in ("profile", "open_to_everyone", "operations", "budgets")) == shown


def test_people_read_it_below_the_line_of_the_start(mongo_uri: str) -> None:
    own = {"LECTERN_MONGODB_URI": mongo_uri, "LECTERN_SECRET": secrets.token_hex(32)}
    environment = os.environ | own | {"LECTERN_LOG_FORMAT": "console", "LECTERN_ENV": "production"}
    command = [str(LECTERN), "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "profile" in line)
        process.kill()
    assert line.endswith("profile: production, open to everyone: nothing, operations: any, budgets: none\n")
