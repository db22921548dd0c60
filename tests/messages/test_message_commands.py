"""`lectern messages`: what waits, what is parked, and trying the settings."""

import json
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from typer.testing import CliRunner, Result

from app import cli
from app.commands import CommandError
from app.settings import Settings
from loaders.mongo import Database, now
from tests.factories import store
from tests.messages.examples import entry
from tests.messages.mail_server import mail_server

PAGES = {
    "LECTERN_VERIFY_URL": "https://a.example/#{token}",
    "LECTERN_RESET_URL": "https://a.example/#{token}",
}


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("LECTERN_MONGODB_URI", settings.mongodb_uri.get_secret_value())
    monkeypatch.setenv("LECTERN_MONGODB_DATABASE", settings.mongodb_database)
    return monkeypatch


async def run(*arguments: str) -> Result:
    """Runs `lectern messages` in a thread, because this one has a running event loop."""
    from asyncio import to_thread

    return await to_thread(CliRunner().invoke, cli.app, ["messages", *arguments])


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code in {0, 1}, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def undelivered(state: str, **fields: Any) -> dict[str, Any]:
    own = ObjectId()
    made = entry("verify_email", _id=own, subject=f"Message:{own}", state=state, claim=None, **fields)
    return dict(made)


@pytest.mark.usefixtures("environment")
async def test_messages_are_listed_without_addresses(database: Database) -> None:
    assert (await run("list")).output == "There are no messages.\n"
    assert (await run("list", "--parked")).exit_code == 0
    parked = undelivered("PARKED", to="ada@example.org", lastError="SMTP 550", attempts=1)
    event = {**undelivered("PARKED"), "destination": "crm", "kind": "course.published"}
    await store(database, outbox=[parked, undelivered("PENDING"), event])
    listed = await run("list", "--json")
    assert {(row["message"], row["state"]) for row in rows(listed)} == {
        ("verify_email", "parked"), ("verify_email", "pending"),
    }  # fmt: skip
    assert "ada" not in listed.output
    only = await run("list", "--parked", "--json")
    assert only.exit_code == 1
    assert [row["lastError"] for row in rows(only)] == ["SMTP 550"]


@pytest.mark.usefixtures("environment")
async def test_parked_messages_are_sent_again_or_dropped(database: Database) -> None:
    one, two, three = (undelivered("PARKED", lastError="SMTP 550") for _ in range(3))
    await store(database, outbox=[one, two, three])
    assert "1 message will be sent." in (await run("resend", str(one["_id"]))).output
    assert "1 message deleted." in (await run("drop", str(two["_id"]))).output
    states = {own["_id"]: own["state"] async for own in database["outbox"].find({})}
    assert states == {one["_id"]: "PENDING", three["_id"]: "PARKED"}
    assert "1 message will be sent." in (await run("resend", "--parked")).output
    assert await database["outbox"].count_documents({"state": "PENDING"}) == 2
    assert await database["outbox"].count_documents({"deleteAt": {"$gt": now() + timedelta(days=29)}}) == 2
    await database["outbox"].update_one({"_id": one["_id"]}, {"$set": {"state": "PARKED"}})
    assert "1 message deleted." in (await run("drop", "--parked")).output
    assert await database["outbox"].count_documents({}) == 1


@pytest.mark.usefixtures("environment", "database")
async def test_that_nothing_is_parked_is_said() -> None:
    for command in ("resend", "drop"):
        answer = await run(command, "--parked")
        assert (answer.exit_code, answer.output) == (0, "No message is parked.\n")


@pytest.mark.usefixtures("environment")
async def test_a_message_whose_address_was_deleted_cannot_be_sent_again(database: Database) -> None:
    """Also if the account is known: a message to its former address would go to the present one."""
    forgotten = undelivered("SENT", to="", people=[ObjectId()])
    kept = undelivered("SENT", people=[ObjectId()])
    await store(database, outbox=[forgotten, kept])
    refused = await run("resend", str(forgotten["_id"]))
    assert str(refused.exception) == f"The address of message {forgotten['_id']} was deleted after sending."
    assert "1 message will be sent." in (await run("resend", str(kept["_id"]))).output


@pytest.mark.usefixtures("environment", "database")
async def test_wrong_ids_are_named() -> None:
    unknown = str(ObjectId())
    for command in ("resend", "drop"):
        refused = await run(command, unknown)
        assert str(refused.exception) == f"There is no message {unknown}: see `lectern messages list`."
        assert "Give ids, or --parked." in (await run(command)).output
        assert "Give ids, or --parked." in (await run(command, unknown, "--parked")).output
        assert "'x' is not an id" in (await run(command, "x")).output


async def test_an_example_is_sent_to_try_the_settings(environment: pytest.MonkeyPatch) -> None:
    refused = await run("test", "ada@example.org")
    assert isinstance(refused.exception, CommandError)
    assert "neither LECTERN_SMTP_URL nor LECTERN_MESSAGES_URL is set" in str(refused.exception)
    async with mail_server() as server:
        environment.setenv("LECTERN_SMTP_URL", f"smtp://127.0.0.1:{server.port}?starttls=off")
        environment.setenv("LECTERN_MAIL_FROM", "courses@example.org")
        for name, value in PAGES.items():
            environment.setenv(name, value)
        sent = await run("test", "ada@example.org", "--message", "moved_up", "--language", "de")
        assert "The message was accepted. Check that it arrives at ada@example.org." in sent.output
        (mail,) = server.mails
        assert mail.email["Subject"] == "Sie haben einen Platz: Statistics & Probability"
        server.answers["RCPT"] = "550 <{}>: no such user"
        refused = await run("test", "ada@example.org")
        assert str(refused.exception) == "The message was not accepted: SMTP 550."
        unknown = await run("test", "ada@example.org", "--message", "welcome")
        assert "'welcome' is not one of" in unknown.output
