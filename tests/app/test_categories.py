"""`lectern category`."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from typer.testing import CliRunner, Result

from app import cli
from app.commands.command_error import CommandError
from loaders.category_writes import _COURSES as BATCH
from tests import factories
from tests.support import SECRET


@pytest.fixture
def database(
    mongo_uri: str, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database[dict[str, Any]]]:
    name = f"categories_{worker_id}"
    settings = {"URI": mongo_uri, "DATABASE": name}
    for key, value in settings.items():
        monkeypatch.setenv(f"LECTERN_MONGODB_{key}", value)
    monkeypatch.setenv("LECTERN_SECRET", SECRET)
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        stored = [
            factories.category("web", name="Web & Design", position=2),
            factories.category("data", position=1, oldSlugs=["databases"]),
        ]
        client[name]["categories"].insert_many(stored)
        yield client[name]
        client.drop_database(name)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["category", *arguments])


def test_categories_are_listed_in_their_order(database: Database[dict[str, Any]]) -> None:
    courses = [factories.course(categorySlug="web", status=status) for status in ("DRAFT", "PUBLISHED")]
    database["courses"].insert_many(courses)
    lines = [line.split(maxsplit=2) for line in run("list").stdout.splitlines()]
    assert lines == [["data", "0", "Data"], ["web", "2", "Web & Design"]]
    first, _ = json.loads(run("list", "--json").stdout)
    assert first == {"slug": "data", "courses": 0, "name": "Data"}
    database["categories"].delete_many({})
    assert run("list").stderr == "There are no categories.\n"


def test_a_category_is_merged_into_another(database: Database[dict[str, Any]]) -> None:
    slugs = ["data"] * (BATCH + 1) + ["databases", "web"]
    database["courses"].insert_many([factories.course(categorySlug=slug) for slug in slugs])
    result = run("merge", "data", "web")
    assert result.exception is None
    assert result.stderr == "Merged data into web.\n"
    assert database["courses"].count_documents({"categorySlug": "web"}) == len(slugs)
    (web,) = database["categories"].find()
    assert (web["slug"], web["oldSlugs"]) == ("web", ["databases", "data"])
    (entry,) = database["auditLog"].find()
    assert (entry["action"], entry["actor"]["subject"]) == ("category merge", "command line")
    assert [change["before"].get("slug") for change in entry["changes"]] == ["data", None]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("slugs", "told"),
    [
        (("web", "web"), "A category can't be merged into itself"),
        (("web", "databases"), "There is no category with the slug “databases”: `"),
        (("", "web"), "There is no category with the slug “”: `"),
    ],
)
def test_what_can_not_be_merged_is_told(slugs: tuple[str, str], told: str) -> None:
    result = run("merge", *slugs)
    assert isinstance(result.exception, CommandError)
    assert str(result.exception).startswith(told)
