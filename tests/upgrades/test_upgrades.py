"""An upgrade from each earlier release: its database, and what the changelog says under "Upgrading"."""

import asyncio
import gzip
import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from bson import json_util
from pymongo import MongoClient
from pymongo.database import Database
from typer.testing import CliRunner, Result

from app.cli import app
from app.settings import Settings
from loaders.collections import COLLECTIONS
from loaders.model import Document
from tests.storm.gateways import environment
from tests.upgrades.record import FOLDER, PASSWORD, RELEASES, STAFF
from tests.writes.support import served

ROOT = Path(__file__).parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")

#: What people ask of a course that has been renamed, and of one whose slug was made by other rules.
QUERY = """
query {
  renamed: course(slug: "フロクラミンク") { title slug reviews { totalCount } runs { nodes { seatsLeft } } }
  new: course(slug: "データ分析入門") { slug category { slug } }
  former: course(slug: "テータ分析入門") { slug category { slug } }
  found: courses(filter: { search: "データ" }) { nodes { title category { name } } }
  sorted: courses(orderBy: { field: TITLE, direction: ASC }) { nodes { title } }
}
"""
#: Collections to which an upgrade adds nothing, and from which MongoDB deletes nothing with time.
UNCHANGED = COLLECTIONS.keys() - {"migrations", "auditLog", "sessions", "attempts", "idempotencyKeys"}
SIGN_IN = "mutation($i: SignInInput!) { signIn(input: $i) { viewer { roles } errors { code } } }"


def sections() -> dict[str, str]:
    """The text of each release in the changelog, the newest first."""
    parts = re.split(r"^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$", CHANGELOG, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_changelog_has_every_release_and_how_to_upgrade_to_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    newest, *earlier = sections()
    assert newest == project["version"]
    assert earlier == list(RELEASES)
    for text in sections().values():
        assert text.lstrip().startswith("### Upgrading\n")


def test_the_installed_version_is_the_newest() -> None:
    newest, *_ = sections()
    assert metadata.version("lectern") == newest
    assert CliRunner().invoke(app, ["--version"]).stdout == f"lectern {newest}\n"


@pytest.fixture(params=RELEASES)
def recorded(
    request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Settings for a database that an earlier release wrote, also in the environment."""
    own = settings.model_copy(update={"mongodb_database": f"upgraded_{uuid4().hex}"})
    for name, value in environment(own).items():
        monkeypatch.setenv(name, value)
    with MongoClient[Document](own.mongodb_uri.get_secret_value()) as client:
        load(client[own.mongodb_database], request.param)
        yield own
        client.drop_database(own.mongodb_database)


def load(database: Database[Document], release: str) -> None:
    """Inserts what `tests.upgrades.record` recorded."""
    with gzip.open(FOLDER / f"{release}.json.gz", "rt", encoding="utf-8") as file:
        for line in file:
            recorded = json_util.loads(line)
            if "document" in recorded:
                database[recorded["collection"]].insert_one(recorded["document"])
            else:
                database.command("createIndexes", recorded["collection"], indexes=[recorded["index"]])


def contents(settings: Settings) -> dict[str, dict[str, Document]]:
    """The documents of each collection by `_id`, without the fields that are computed."""
    with MongoClient[Document](settings.mongodb_uri.get_secret_value()) as client:
        database = client[settings.mongodb_database]
        return {name: {str(d["_id"]): kept(name, d) for d in database[name].find()} for name in COLLECTIONS}


def kept(name: str, document: Document) -> Document:
    changed = COLLECTIONS[name].derived | {"search", "slug", "oldSlugs", "categorySlug"}
    changed |= {"name"} if name == "accounts" else set()  # the name of the account's student or instructor
    return {key: value for key, value in document.items() if key not in changed}


def run(command: str, directory: Path) -> Result:
    arguments = command.split()[1:] + ([str(directory / "backup")] if "--all" in command else [])
    return CliRunner().invoke(app, arguments)


def test_the_steps_of_the_changelog_upgrade_the_database(recorded: Settings, tmp_path: Path) -> None:
    before = contents(recorded)
    upgrading = next(iter(sections().values())).partition("### Added")[0]
    commands = re.findall(r"`(lectern [^`]+)`", upgrading)
    assert commands == [
        "lectern export --all", "lectern migrate up", "lectern migrate up --again", "lectern check",
        "lectern indexes check",
    ]  # fmt: skip
    for command in commands:
        done = run(command, tmp_path)
        assert done.exit_code == 0, (command, done.output, done.exception)
    obsolete = re.findall(r"`(\w+\.search\.\w+)`", upgrading)
    assert re.findall(r"^(\S+) is obsolete", done.stdout, re.MULTILINE) == obsolete
    assert run("lectern recount", tmp_path).exit_code == 0
    after = contents(recorded)
    for name in UNCHANGED:
        assert after[name] == before[name], name
    assert before["auditLog"].items() <= after["auditLog"].items()
    asyncio.run(answers(recorded))


async def answers(settings: Settings) -> None:
    """People find the courses, and sign in."""
    async with served(settings) as gateway:
        data = await gateway.ask(QUERY)
        session = await gateway.ask(SIGN_IN, {"i": {"email": STAFF, "password": PASSWORD}})
    assert data["renamed"]["title"] == "Learn Go: Überblick"
    assert data["renamed"]["reviews"]["totalCount"] == 2
    assert data["renamed"]["runs"]["nodes"] == [{"seatsLeft": 0}]
    assert data["new"] == data["former"] == {"slug": "データ分析入門", "category": {"slug": "データ"}}
    assert data["found"]["nodes"] == [{"title": "データ分析入門", "category": {"name": "データ"}}]
    titles = [course["title"] for course in data["sorted"]["nodes"]]
    assert titles == [
        "C++ & C# for beginners", "Learn Go: Überblick", "Łódź: a city", "Ημερολόγιο", "データ分析入門",
    ]  # fmt: skip
    assert session["signIn"] == {"viewer": {"roles": ["STAFF"]}, "errors": []}


def test_a_backup_of_the_earlier_release_is_restored_and_upgraded(
    recorded: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("lectern export --all", tmp_path).exit_code == 0
    before = contents(recorded)
    target = recorded.model_copy(update={"mongodb_database": f"{recorded.mongodb_database}_again"})
    monkeypatch.setenv("LECTERN_MONGODB_DATABASE", target.mongodb_database)
    commands: Any = ("restore", str(tmp_path / "backup")), ("migrate", "up"), ("check",), ("recount",)
    for arguments in commands:
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, (arguments, done.output, done.exception)
    after = contents(target)
    for name in UNCHANGED:
        assert after[name] == before[name], name
    asyncio.run(answers(target))
    with MongoClient[Document](target.mongodb_uri.get_secret_value()) as client:
        client.drop_database(target.mongodb_database)
