"""Events are written to the outbox with what they tell about, and numbered in the order of the commits."""

import asyncio
from datetime import timedelta

import pytest
from bson import ObjectId

from loaders.mongo import Database, Destinations, Transaction, now, transaction, utc
from loaders.mongo.transactions import transaction_commands
from loaders.outbox import Event, Message, claimed, note, send
from tests.outbox.conftest import DESTINATIONS
from tests.outbox.support import entries, noted, published

A, B = ObjectId(), ObjectId()


def changed(run: ObjectId) -> Event:
    return Event("course_run.changed", "CourseRun", run, {"runId": run})


async def test_an_event_is_written_for_each_webhook_that_takes_its_kind(outgoing: Database) -> None:
    before = now()
    await noted(outgoing, published(A), changed(B))
    found = await entries(outgoing)
    assert [(one["destination"], one["kind"], one["subject"], one["sequence"]) for one in found] == [
        ("cdn", "course.published", f"Course:{A}", 1),
        ("crm", "course.published", f"Course:{A}", 1),
        ("crm", "course_run.changed", f"CourseRun:{B}", 1),
    ]
    assert {one["state"] for one in found} == {"PENDING"}
    assert found[0]["data"] == {"courseId": A}
    assert before - timedelta(seconds=1) < utc(found[0]["dueAt"]) <= now()


async def test_each_destination_has_its_own_numbers_without_gaps(outgoing: Database) -> None:
    """What a webhook doesn't take leaves no gap in its numbers."""
    for kind in ("course.published", "course_run.changed", "course.published"):
        await noted(outgoing, Event(kind, "Course", A, {}))
    numbers = [(one["destination"], one["sequence"]) for one in await entries(outgoing)]
    assert numbers == [("cdn", 1), ("cdn", 2), ("crm", 1), ("crm", 2), ("crm", 3)]


async def test_several_events_of_a_subject_in_one_transaction_are_in_order(outgoing: Database) -> None:
    async def work(tx: Transaction) -> None:
        note(tx, Event("course_run.changed", "CourseRun", A, {"n": 1}))
        await tx.insert("things", {"n": 1})
        note(tx, Event("course_run.changed", "CourseRun", A, {"n": 2}))

    await transaction(outgoing, work)
    assert [(one["sequence"], one["data"]["n"]) for one in await entries(outgoing)] == [(1, 1), (2, 2)]


async def test_the_numbers_follow_the_order_of_the_commits(outgoing: Database) -> None:
    """All transactions have begun before any commits: the later ones are retried with the next number."""
    begun, commits = [asyncio.Event() for _ in range(5)], list[int]()

    async def run(number: int) -> None:
        async def work(tx: Transaction) -> None:
            await tx.find_one("things", {})  # this fixes the snapshot that it reads
            begun[number].set()
            await asyncio.gather(*(event.wait() for event in begun))
            note(tx, Event("course_run.changed", "CourseRun", A, {"n": number}))

        await transaction(outgoing, work)
        commits.append(number)

    await asyncio.gather(*(run(number) for number in range(5)))
    found = await entries(outgoing)
    assert [one["sequence"] for one in found] == [1, 2, 3, 4, 5]
    assert sorted(one["data"]["n"] for one in found) == [0, 1, 2, 3, 4]
    numbers = await outgoing["outboxSequences"].find_one({})
    assert numbers == {"_id": f"CourseRun:{A}", "last": {"crm": 5}}


@pytest.mark.parametrize("earlier", [0, 1])
async def test_what_another_transaction_has_numbered_meanwhile_is_a_write_conflict(
    outgoing: Database, earlier: int
) -> None:
    """Also if it was the subject's first number."""
    for _ in range(earlier):
        await noted(outgoing, published(A))
    attempts = 0

    async def work(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await tx.find_one("things", {})
        if attempts == 1:
            await noted(outgoing, published(A))
        note(tx, published(A))

    await transaction(outgoing, work)
    assert attempts == 2
    assert [one["sequence"] for one in await entries(outgoing, destination="crm")] == [*range(1, earlier + 3)]


async def test_a_transaction_that_is_rolled_back_sends_nothing(outgoing: Database) -> None:
    async def work(tx: Transaction) -> None:
        note(tx, published(A))
        await tx.insert("things", {"n": 1})
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await transaction(outgoing, work)
    assert await entries(outgoing) == []
    assert await outgoing["outboxSequences"].count_documents({}) == 0


async def test_what_the_last_work_does_fails_with_the_transaction(outgoing: Database) -> None:
    async def fail(tx: Transaction, items: object) -> None:
        raise ValueError(f"{items}")

    async def work(tx: Transaction) -> None:
        await tx.insert("things", {"n": 1})
        tx.before_commit(fail, 1)
        tx.before_commit(fail, 2, 3)

    with pytest.raises(ValueError, match=r"\[1, 2, 3\]"):
        await transaction(outgoing, work)
    assert await outgoing["things"].count_documents({}) == 0


async def test_events_take_three_commands_and_nothing_without_a_webhook(
    outgoing: Database, mongo_commands: list[str]
) -> None:
    async def work(tx: Transaction) -> None:
        for course in (A, B, ObjectId()):
            note(tx, published(course))

    await transaction(outgoing, work)
    assert mongo_commands == [
        "find outboxSequences",
        "update outboxSequences",
        "update outbox",
        "commitTransaction 1",
    ]
    mongo_commands.clear()
    for destinations in (Destinations(), Destinations({"cdn": frozenset({"review.held"})})):
        outgoing.destinations = destinations
        await noted(outgoing, published(A))
    assert mongo_commands == []


async def test_whoever_delivers_is_told_once_the_entries_are_committed(outgoing: Database) -> None:
    seen: list[int] = []
    counted = asyncio.Event()

    async def count() -> None:
        seen.append(await outgoing["outbox"].count_documents({}))
        counted.set()

    def wake() -> None:
        asyncio.get_running_loop().create_task(count())

    outgoing.destinations = DESTINATIONS._replace(on_written=wake)
    await noted(outgoing, published(A))
    await asyncio.wait_for(counted.wait(), 10)
    assert seen == [2]


async def test_messages_take_one_command_and_each_is_a_subject_of_its_own(
    outgoing: Database, mongo_commands: list[str]
) -> None:
    async def work(tx: Transaction) -> None:
        send(tx, Message("verify_email", account_id=A, language="de", expires_on=now()))
        send(tx, Message("reset_password", to="a@b.example", data={"courseId": B}))

    outgoing.destinations = Destinations(has_messages=True)
    await transaction(outgoing, work)
    assert mongo_commands == ["update outbox", "commitTransaction 1"]
    one, two = sorted(await entries(outgoing), key=lambda entry: entry["kind"], reverse=True)
    assert (one["destination"], one["kind"], one["people"]) == ("mail", "message.verify_email", [A])
    assert one["data"] == {"accountId": A, "studentId": None}
    assert (one["to"], one["language"]) == (None, "de")
    assert (two["kind"], two["to"], two["people"]) == ("message.reset_password", "a@b.example", [])
    assert [entry["subject"] for entry in (one, two)] == [f"Message:{entry['_id']}" for entry in (one, two)]
    mongo_commands.clear()
    outgoing.destinations = Destinations()
    await transaction(outgoing, work)
    assert mongo_commands == []


async def test_a_retry_of_the_same_request_writes_no_second_message(outgoing: Database) -> None:
    outgoing.destinations = Destinations(has_messages=True)

    async def work(tx: Transaction) -> None:
        send(tx, Message("reset_password", to="a@b.example", dedupe="key reset a@b.example"))

    for _ in range(2):
        await transaction(outgoing, work)
    assert len(await entries(outgoing)) == 1


@pytest.mark.parametrize("hours", [-5, 5])
async def test_what_a_gateway_with_a_wrong_clock_writes_is_due_at_once(
    outgoing: Database, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claims go by MongoDB's clock, which gateways share."""
    moment = now() + timedelta(hours=hours)
    monkeypatch.setattr(transaction_commands, "now", lambda: moment)
    outgoing.destinations = DESTINATIONS._replace(has_messages=True)

    async def work(tx: Transaction) -> None:
        note(tx, published(A))
        send(tx, Message("verify_email", account_id=A))

    await transaction(outgoing, work)
    monkeypatch.undo()
    for name in ("crm", "mail"):
        (entry,) = await claimed(outgoing, name, most=9, lease=60)
        assert abs(utc(entry["dueAt"]) - now()) < timedelta(minutes=1)


async def test_a_message_that_nobody_can_send_is_deleted_in_the_end(outgoing: Database) -> None:
    """For instance because no gateway has a mail server any more. It may have a stranger's address."""
    outgoing.destinations = DESTINATIONS._replace(has_messages=True)

    async def work(tx: Transaction) -> None:
        send(tx, Message("reset_password", to="a@b.example"))
        note(tx, published(A))

    await transaction(outgoing, work)
    (message,), (event,) = [await entries(outgoing, destination=name) for name in ("mail", "crm")]
    assert message["deleteAt"] is not None
    assert (message["deleteAt"] - message["at"]).days == 30
    assert event["deleteAt"] is None
