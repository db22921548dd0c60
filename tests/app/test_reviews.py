"""`lectern review`."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from typer.testing import CliRunner, Result

from app import cli
from app.commands.command_error import CommandError
from resolvers.relay import encode_id
from tests import factories
from tests.support import SECRET

COURSE = factories.course()
PENDING = factories.review(COURSE, body="Waits.", status="PENDING")
FLAGGED = factories.review(COURSE, body="x" * 100, flagCount=2)


@pytest.fixture
def database(
    mongo_uri: str, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database[dict[str, Any]]]:
    name = f"moderation_{worker_id}"
    for key, value in {"URI": mongo_uri, "DATABASE": name}.items():
        monkeypatch.setenv(f"LECTERN_MONGODB_{key}", value)
    monkeypatch.setenv("LECTERN_SECRET", SECRET)
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client[name]["courses"].insert_one(COURSE)
        client[name]["reviews"].insert_many([PENDING, FLAGGED])
        yield client[name]
        client.drop_database(name)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["review", *arguments])


@pytest.mark.usefixtures("database")
def test_reviews_are_listed_by_status_and_flags() -> None:
    ids = {name: encode_id("Review", one) for name, one in (("pending", PENDING), ("flagged", FLAGGED))}
    assert [line.split()[0] for line in run("list").stdout.splitlines()] == [ids["flagged"], ids["pending"]]
    (line,) = run("list", "--status", "pending").stdout.splitlines()
    assert line.startswith(f"{ids['pending']}  PENDING  0")
    (line,) = run("list", "--flagged").stdout.splitlines()
    assert line.startswith(f"{ids['flagged']}  PUBLISHED  2")
    assert "x" * 61 not in line
    (row,) = json.loads(run("list", "--flagged", "--json").stdout)
    assert (row["text"], row["flags"]) == ("x" * 100, 2)
    (line,) = run("list", "--search", "WAITS").stdout.splitlines()
    assert line.startswith(ids["pending"])
    assert run("list", "--search", "waits", "--flagged").stderr == "There is no such review.\n"
    assert run("list", "--limit", "1").stderr.startswith("These are 1 of 2 reviews")
    assert run("list", "--status", "rejected").stderr == "There is no such review.\n"
    assert run("list", "--status", "nice").exit_code == 2


def test_a_title_is_listed_apart_from_the_text(database: Database[dict[str, Any]]) -> None:
    database["reviews"].update_one({"_id": PENDING["_id"]}, {"$set": {"title": "Hm"}})
    assert "Hm: Waits." in run("list", "--search", "hm").stdout
    (row,) = json.loads(run("list", "--search", "hm", "--json").stdout)
    assert (row["title"], row["text"]) == ("Hm", "Waits.")


def test_a_review_is_moderated(database: Database[dict[str, Any]]) -> None:
    done = run("moderate", encode_id("Review", FLAGGED), "--status", "rejected", "--reason", "Rude.")
    assert done.exception is None
    assert done.stderr == "The review is now REJECTED.\n"
    stored = database["reviews"].find_one({"_id": FLAGGED["_id"]}) or {}
    assert (stored["status"], stored["moderationReason"], stored["flagCount"]) == ("REJECTED", "Rude.", 0)
    (entry,) = database["auditLog"].find()
    assert (entry["action"], entry["actor"]["subject"]) == ("review moderate", "command line")


@pytest.mark.usefixtures("database")
def test_a_review_that_does_not_exist() -> None:
    gone = encode_id("Review", factories.review(COURSE))
    assert isinstance(run("moderate", gone, "--status", "PUBLISHED").exception, CommandError)
    assert run("moderate", gone, "--status", "PUBLISHED", "--reason", "x" * 2_001).exit_code == 2
