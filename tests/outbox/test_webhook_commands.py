"""`lectern webhooks`: what operators see of the events, and do with them."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeAlias

import pytest
from bson import ObjectId
from typer.testing import CliRunner, Result

from app import cli
from app.commands import CommandError
from app.settings import Settings
from loaders import outbox
from loaders.mongo import Database, Destinations, Transaction, transaction
from loaders.outbox import EntryDoc, Message
from resolvers.relay import encode_id
from tests.outbox.processes import webhook_variables
from tests.outbox.receiver import Receiver, Reply
from tests.outbox.support import entries, noted, published
from tests.storm.gateways import environment

A, B = ObjectId(), ObjectId()

Run: TypeAlias = Callable[..., "Done"]


class Done(NamedTuple):
    """How a command ended, as its process would show it."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(settings: Settings, outgoing: Database, receiver: Receiver) -> Run:
    """`run("list", …)`: runs a command in a thread, because it has an event loop of its own."""
    variables = environment(settings) | webhook_variables(receiver)

    def invoke(*arguments: Any) -> Result:
        return CliRunner(env=variables).invoke(cli.app, ["webhooks", *map(str, arguments)])

    def webhooks(*arguments: Any) -> Done:
        with ThreadPoolExecutor(1) as thread:
            result = thread.submit(invoke, *arguments).result()
        if isinstance(result.exception, CommandError):  # which `cli.main` prints
            return Done(1, result.stdout, str(result.exception))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return webhooks


async def parked(database: Database, course: ObjectId) -> EntryDoc:
    """Parks a course's first event, of two for the webhook `crm`."""
    for _ in range(2):
        await noted(database, published(course))
    first, *_ = await outbox.claimed(database, "crm", most=20, lease=60)
    await outbox.park(database, first, "HTTP 400", days=7)
    return first


async def test_events_are_listed_with_their_states(run: Run, outgoing: Database) -> None:
    assert run("list") == Done(0, "", "There are no events.\n")
    entry = await parked(outgoing, A)
    rows = json.loads(run("list", "--webhook", "crm", "--json").stdout)
    assert len(rows) == 2
    row = next(row for row in rows if row["id"] == str(entry["_id"]))
    assert row | {"written": None} == {
        "id": str(entry["_id"]),
        "webhook": "crm",
        "event": "course.published",
        "subject": encode_id("Course", {"_id": A}),
        "sequence": 1,
        "state": "parked",
        "written": None,
        "delivered": None,
        "failed": 1,
        "lastError": "HTTP 400",
        "next": None,
    }
    assert len(json.loads(run("list", "--json").stdout)) == 4  # with those of `cdn`, which no gateway knows
    assert len(json.loads(run("list", "--limit", 1, "--json").stdout)) == 1


async def test_parked_events_are_listed_for_scripts(run: Run, outgoing: Database) -> None:
    assert run("list", "--parked") == Done(0, "", "No event is parked.\n")
    entry = await parked(outgoing, A)
    done = run("list", "--parked")
    assert done.returncode == 1
    assert str(entry["_id"]) in done.stdout
    assert "HTTP 400" in done.stdout


async def test_an_event_is_shown_with_its_body(run: Run, outgoing: Database) -> None:
    entry = await parked(outgoing, A)
    shown = run("show", entry["_id"]).stdout
    assert "\nstate       parked\n" in shown
    assert "\nlast error  HTTP 400\n" in shown
    body = json.loads(shown[shown.index("{") :])
    assert body["data"] == {"courseId": encode_id("Course", {"_id": A})}


async def test_events_are_posted_again(run: Run, outgoing: Database) -> None:
    """With what waits for them. Those that were delivered too, if they are named."""
    one, two = await parked(outgoing, A), await parked(outgoing, B)
    assert run("resend", one["_id"]).stderr == "1 event will be posted.\n"
    found = await outbox.claimed(outgoing, "crm", most=20, lease=60)
    assert {entry["subject"] for entry in found} == {f"Course:{A}"}
    assert [entry["sequence"] for entry in found] == [1, 2]
    assert found[0]["attempts"] == 0
    await outbox.sent(outgoing, found[0], days=7)
    assert run("resend", "--parked", "--webhook", "crm").stderr == "1 event will be posted.\n"
    assert run("resend", "--parked").stderr == "No event is parked.\n"
    found = await outbox.claimed(outgoing, "crm", most=20, lease=60)
    assert {entry["subject"] for entry in found} == {f"Course:{B}"}
    assert [entry["sequence"] for entry in found] == [1, 2]
    assert found[0]["_id"] == two["_id"]
    assert run("resend", one["_id"]).stderr == "1 event will be posted.\n"
    (again,) = await outbox.claimed(outgoing, "crm", most=20, lease=60)
    assert (again["_id"], again["deleteAt"]) == (one["_id"], None)


async def test_a_dropped_event_lets_go_what_waits_for_it(run: Run, outgoing: Database) -> None:
    entry = await parked(outgoing, A)
    assert await outbox.claimed(outgoing, "crm", most=20, lease=60) == []
    assert run("drop", entry["_id"]).stderr == "1 event deleted.\n"
    (found,) = await outbox.claimed(outgoing, "crm", most=20, lease=60)
    assert found["sequence"] == 2


async def test_the_events_of_a_webhook_that_is_gone_are_dropped(run: Run, outgoing: Database) -> None:
    await noted(outgoing, published(A), published(B))
    assert run("drop", "--webhook", "cdn").stderr == "2 events deleted.\n"
    assert run("drop", "--webhook", "cdn").stderr == "No event for cdn waits or is parked.\n"
    assert {entry["destination"] for entry in await entries(outgoing)} == {"crm"}


async def test_messages_to_people_are_none_of_its_business(run: Run, outgoing: Database) -> None:
    outgoing.destinations = Destinations(has_messages=True)

    async def work(tx: Transaction) -> None:
        outbox.send(tx, Message("verify_email", to="a@b.example"))

    await transaction(outgoing, work)
    (entry,) = await entries(outgoing)
    assert run("list").stderr == "There are no events.\n"
    for command in ("show", "resend", "drop"):
        assert f"There is no event {entry['_id']}" in run(command, entry["_id"]).stderr
    assert run("drop", "--webhook", "mail").returncode == 1
    assert len(await entries(outgoing)) == 1


async def test_an_event_can_be_posted_as_a_test(run: Run, receiver: Receiver) -> None:
    assert run("test", "crm") == Done(0, "", "crm has accepted the event.\n")
    assert receiver.events[0]["type"] == "lectern.test"
    receiver.reply = lambda _: Reply(401)
    assert run("test", "crm") == Done(1, "", "crm did not accept the event: HTTP 401.")
    assert run("test", "cdn").stderr == (
        "LECTERN_WEBHOOKS has no webhook `cdn`: it has crm.\n"
        "Run this command with the settings of your gateways."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["resend"], "Give ids, or --parked"),
        (["resend", str(A), "--parked"], "Give ids, or --parked"),
        (["resend", "--webhook", "crm"], "Give ids, or --parked"),
        (["drop"], "Give ids, or --webhook"),
        (["drop", str(A), "--webhook", "crm"], "Give ids, or --webhook"),
        (["show", "x"], "is not an id, which has 24 hexadecimal digits"),
    ],
)
def test_wrong_usage_says_what_to_give(run: Run, arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.replace("│", " ").split())
