"""`lectern operations push --tools`, and the setting that turns tools on."""

import json
from pathlib import Path

import pytest

from app.settings import SettingsError, load, operation_settings
from loaders.mongo import Database
from loaders.persisted import StoredTool, VersionKey, versions
from tests.persisted.test_commands import MANIFEST, PUSH, Run, run

__all__ = ["run"]

TOOLS = """
[A]
description = "All categories."
name = "categories"

[B]
description = "Some courses."
variables.first = "How many."
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(MANIFEST))
    return path


def tools_file(directory: Path, text: str) -> Path:
    path = directory / "tools.toml"
    path.write_text(text)
    return path


async def test_tools_are_stored_with_the_version(
    run: Run, database: Database, manifest: Path, tmp_path: Path
) -> None:
    expected = [
        StoredTool("categories", "a", "All categories.", {}),
        StoredTool("B", "sha256:b", "Some courses.", {"first": "How many."}),
    ]
    path = tools_file(tmp_path, TOOLS)
    assert run("push", manifest, *PUSH, "--tools", path).stderr == (
        "web 1 has 2 operations and 2 tools; 2 new.\n"
    )
    assert run("push", manifest, *PUSH, "--tools", path).stderr == (
        "web 1 already has these 2 operations and 2 tools.\n"
    )
    assert run("push", manifest, *PUSH).stderr == "web 1 already has these 2 operations.\n"
    (version,) = await versions(database)
    assert (version.key, version.tools) == (VersionKey("web", "1"), expected)
    assert run("push", manifest, *PUSH, "--tools", tools_file(tmp_path, "")).returncode == 0
    (version,) = await versions(database)
    assert version.tools == []


async def test_all_problems_are_listed_and_nothing_is_stored(
    run: Run, database: Database, manifest: Path, tmp_path: Path
) -> None:
    path = tools_file(tmp_path, "[C]\ndescription = 'c'\n[B]\ndescription = 'b'\nvariables.last = 'l'")
    done = run("push", manifest, *PUSH, "--tools", path)
    assert (done.returncode, done.stderr) == (
        1,
        f"{path}: nothing was stored, because of these problems:\n"
        "  [C]: the manifest has no operation with this name.\n"
        "  [B]: the operation has no variable `last`.",
    )
    assert await versions(database) == []
    done = run("push", manifest, *PUSH, "--tools", tmp_path / "none.toml")
    assert (done.returncode, done.stderr) == (
        1,
        f"{tmp_path / 'none.toml'}: it can't be read: No such file or directory.",
    )


async def test_a_name_of_another_clients_tool_is_refused(
    run: Run, database: Database, manifest: Path, tmp_path: Path
) -> None:
    path = tools_file(tmp_path, TOOLS)
    assert run("push", manifest, *PUSH, "--tools", path).returncode == 0
    done = run("push", manifest, "--client", "desk", "--version", "1", "--tools", path)
    assert (done.returncode, done.stderr) == (
        1,
        "Nothing was stored, because another client has a tool named `categories`: web 1. Give the tool "
        "another name in the file of tools.",
    )


def test_the_setting_needs_the_protocols_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_MCP", "true")
    assert load().mcp
    monkeypatch.setattr(operation_settings, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"LECTERN_MCP needs the protocol's package: run pip install"):
        load()
