"""`lectern student`."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database
from typer.testing import CliRunner, Result

from app import cli
from app.commands.command_error import CommandError
from resolvers.relay import encode_id
from tests import factories
from tests.factories import T0
from tests.support import SECRET

ADA = factories.student("Ada", email="ada@example.org", bio="I write.")


@pytest.fixture
def database(
    mongo_uri: str, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database[dict[str, Any]]]:
    name = f"students_{worker_id}"
    for key, value in {"URI": mongo_uri, "DATABASE": name}.items():
        monkeypatch.setenv(f"LECTERN_MONGODB_{key}", value)
    monkeypatch.setenv("LECTERN_SECRET", SECRET)
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        account = factories.account(studentId=ADA["_id"], passwordHash="a hash")
        course = factories.course()
        client[name]["students"].insert_one(ADA)
        client[name]["accounts"].insert_one(account)
        client[name]["courses"].insert_one(course)
        review = factories.review(course, ADA, body="Good.", flagCount=1, flagRound=2)
        client[name]["reviews"].insert_one(review)
        id_ = {"reviewId": ObjectId(), "subject": str(account["_id"])}
        client[name]["flags"].insert_one({"_id": id_, "studentId": ADA["_id"], "at": T0, "round": 0})
        yield client[name]
        client.drop_database(name)


def run(*arguments: str, input: str = "") -> Result:
    return CliRunner().invoke(cli.app, ["student", *arguments], input=input)


def test_everything_is_exported_without_secrets(database: Database[dict[str, Any]]) -> None:
    rows = [json.loads(line) for line in run("export", encode_id("Student", ADA)).stdout.splitlines()]
    assert [row["collection"] for row in rows] == ["students", "reviews", "flags", "accounts"]
    assert (rows[0]["bio"], rows[1]["body"], rows[3]["email"]) == ("I write.", "Good.", "ada@example.org")
    assert rows[1].keys().isdisjoint(("flagCount", "flagRound"))
    assert all("passwordHash" not in row for row in rows)


def test_links_flags_keys_and_messages_by_address_are_exported(database: Database[dict[str, Any]]) -> None:
    account = database["accounts"].find_one({})
    assert account
    former = {"email": "old@example.org"}
    changed = {"collection": "accounts", "documentId": str(account["_id"]), "before": former, "after": {}}
    actor: dict[str, Any] = {"subject": "staff", "roles": [], "studentId": None, "instructorId": None}
    database["auditLog"].insert_one(
        {"at": T0, "action": "x", "actor": actor, "address": "", "changes": [changed]}
    )
    link = {"accountId": account["_id"], "purpose": "CHANGE_EMAIL", "email": "new@example.org"}
    database["accountTokens"].insert_one({"_id": "a digest", **link})
    message = {"destination": "mail", "state": "PENDING", "people": []}
    for number, to in enumerate(("ada@example.org", "old@example.org", "new@example.org", "bob@example.org")):
        database["outbox"].insert_one({**message, "sequence": number, "subject": to, "to": to})
        database["devMail"].insert_one({"address": to, "plain": "https://a.example/verify#a-token"})
    key = {"viewer": str(account["_id"]), "key": "k"}
    database["idempotencyKeys"].insert_one({"_id": key, "action": "enroll", "digest": b"d"})
    database["flags"].insert_one(
        {"_id": {"reviewId": ADA["_id"], "subject": key["viewer"]}, "studentId": None}
    )

    printed = run("export", encode_id("Student", ADA)).stdout
    rows = [json.loads(line) for line in printed.splitlines()]
    assert [row["to"] for row in rows if row["collection"] == "outbox"] == [
        "ada@example.org", "old@example.org", "new@example.org",
    ]  # fmt: skip
    assert len([row for row in rows if row["collection"] == "devMail"]) == 3
    (shown,) = [row for row in rows if row["collection"] == "accountTokens"]
    assert (shown["purpose"], shown["email"]) == ("CHANGE_EMAIL", "new@example.org")
    assert {row["collection"] for row in rows} >= {"flags", "idempotencyKeys", "auditLog"}
    assert "a digest" not in printed
    assert "a-token" not in printed


def test_an_export_has_nothing_about_others_from_the_audit_log(database: Database[dict[str, Any]]) -> None:
    account, review = database["accounts"].find_one({}), database["reviews"].find_one({})
    assert account
    assert review
    staff = {"subject": str(ObjectId()), "roles": ["STAFF"], "studentId": None, "instructorId": None}
    herself = {**staff, "subject": str(account["_id"]), "studentId": ADA["_id"]}
    external = {**herself, "subject": "https://issuer.example|ada"}
    nobody = {**staff, "subject": ""}

    def change(collection: str, id: object, **after: object) -> dict[str, Any]:
        return {"collection": collection, "documentId": str(id), "before": None, "after": after}

    of_others = [
        change("students", ObjectId(), name="Bob Other"),
        change("enrollments", ObjectId(), studentId=str(ObjectId()), notes="of Other"),
        change("accounts", ObjectId(), email="other@example.org"),
    ]
    of_hers = [
        change("students", ADA["_id"], name="Ada"),
        change("enrollments", ObjectId(), studentId=str(ADA["_id"])),
        change("reviews", review["_id"], status="HIDDEN"),
        change("courses", ObjectId(), title="Algebra"),
    ]
    for number, actor in enumerate((staff, herself, external, nobody)):
        entry = {"at": T0, "action": "x", "actor": actor, "address": f"192.0.2.{number}"}
        database["auditLog"].insert_one({**entry, "changes": [*of_others, *of_hers]})

    printed = run("export", encode_id("Student", ADA)).stdout
    assert "other" not in printed.lower()
    entries = [row for line in printed.splitlines() if (row := json.loads(line))["collection"] == "auditLog"]
    assert [entry["address"] for entry in entries] == ["", "192.0.2.1", "192.0.2.2", ""]
    for entry in entries:
        assert [one["documentId"] for one in entry["changes"]] == [
            one["documentId"] for one in (*of_others, *of_hers)
        ]
        assert entry["changes"][len(of_others) :] == of_hers


def test_a_student_is_erased_after_a_confirmation(database: Database[dict[str, Any]]) -> None:
    id_ = encode_id("Student", ADA)
    assert "reviews" in run("erase", id_, "--dry-run").stderr
    refused = run("erase", id_, input="n\n")
    assert refused.exit_code == 1
    assert "Erase Ada (ada@example.org)? This can't be undone." in refused.stderr
    assert database["students"].find_one({"name": "Ada"})
    result = run("erase", id_, input="y\n")
    assert result.exception is None, result.stderr
    database["reviews"].update_one({}, {"$set": {"body": "written meanwhile"}})
    assert run("erase", id_, "--yes").exception is None
    (student,) = database["students"].find()
    assert (student["name"], student["email"], student["bio"]) == ("Deleted student", None, None)
    assert database["accounts"].count_documents({}) == 0
    assert [review["body"] for review in database["reviews"].find()] == [""]
    entries = list(database["auditLog"].find())
    assert {entry["action"] for entry in entries} == {"student erase"}
    assert {entry["actor"]["subject"] for entry in entries} == {"command line"}


@pytest.mark.usefixtures("database")
def test_students_are_found_by_name_and_by_address() -> None:
    (row,) = json.loads(run("list", "--search", "ad", "--json").stdout)
    assert (row["id"], row["name"], row["email"]) == (encode_id("Student", ADA), "Ada", "ada@example.org")
    assert run("list", "--search", "ADA@example.org").stdout.startswith(row["id"])
    assert run("list", "--search", "grace").stderr == "There is no such student.\n"


@pytest.mark.usefixtures("database")
def test_more_students_than_are_listed(database: Database[dict[str, Any]]) -> None:
    database["students"].insert_one(factories.student("Grace"))
    listed = run("list", "--limit", "1")
    assert len(listed.stdout.splitlines()) == 1
    assert listed.stderr == "These are 1 of 2 students: use --search or --limit.\n"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("command", ["export", "erase"])
def test_an_id_that_no_student_has(command: str) -> None:
    error = run(command, encode_id("Student", factories.student("Grace"))).exception
    assert isinstance(error, CommandError)
    assert str(error).endswith("lectern student list` lists them.")
