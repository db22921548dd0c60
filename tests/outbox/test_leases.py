"""Claims: one process at a time delivers a subject's entries, in order."""

import asyncio
from typing import Any

import pytest
from bson import ObjectId

from loaders import outbox
from loaders.mongo import Database
from loaders.outbox import EntryDoc, deliveries, leases
from tests.outbox.support import entries, noted, published

A, B, C = (ObjectId() for _ in range(3))


async def claimed(database: Database, most: int = 20) -> list[EntryDoc]:
    return await outbox.claimed(database, "crm", most=most, lease=60)


def shown(found: list[EntryDoc]) -> list[tuple[ObjectId, int]]:
    return [(one["data"]["courseId"], one["sequence"]) for one in found]


async def make_due(database: Database, **query: object) -> None:
    """Has time pass until entries are due."""
    await database["outbox"].update_many(query, [{"$set": {"dueAt": "$$NOW"}}])


async def test_what_is_due_is_claimed_once_with_each_subject_in_order(outgoing: Database) -> None:
    for course in (A, B, A, A):
        await noted(outgoing, published(course))
    found = await claimed(outgoing)
    assert sorted(shown(found)) == sorted([(A, 1), (A, 2), (A, 3), (B, 1)])
    assert [number for course, number in shown(found) if course == A] == [1, 2, 3]
    assert await claimed(outgoing) == []


async def test_two_processes_never_share_a_subject(outgoing: Database) -> None:
    for course in (A, B, C) * 5:
        await noted(outgoing, published(course))
    found = await asyncio.gather(*(claimed(outgoing) for _ in range(6)))
    batches = [
        [number for subject, number in shown(batch) if subject == course]
        for batch in found
        for course in (A, B, C)
    ]
    assert sorted(filter(None, batches)) == [[1, 2, 3, 4, 5]] * 3


async def test_what_another_process_has_claimed_meanwhile_is_left_to_it(
    outgoing: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It claims everything after this process has seen it, and before it claims."""
    for course in (A, A, B):
        await noted(outgoing, published(course))
    look, other = leases._heads, list[EntryDoc]()

    async def look_slowly(*arguments: Any) -> Any:
        heads = await look(*arguments)
        monkeypatch.setattr(leases, "_heads", look)
        other.extend(await claimed(outgoing))
        return heads

    monkeypatch.setattr(leases, "_heads", look_slowly)
    assert await claimed(outgoing) == []
    assert len(other) == 3
    stored = await entries(outgoing, destination="crm")
    assert {one["claim"] for one in stored} == {other[0]["claim"]}


async def test_what_follows_waits_while_its_head_is_in_flight(outgoing: Database) -> None:
    await noted(outgoing, published(A))
    (first,) = await claimed(outgoing)
    await noted(outgoing, published(A))
    assert await claimed(outgoing) == []
    await outbox.sent(outgoing, first, days=7)
    await make_due(outgoing, state="PENDING")
    assert shown(await claimed(outgoing)) == [(A, 2)]


async def test_a_failed_entry_is_due_later_with_what_was_claimed_behind_it(outgoing: Database) -> None:
    for course in (A, A, B):
        await noted(outgoing, published(course))
    first = next(one for one in await claimed(outgoing) if shown([one]) == [(A, 1)])
    await outbox.retry(outgoing, first, "HTTP 503", pause=60)
    one, two = await entries(outgoing, destination="crm", subject=f"Course:{A}")
    assert (one["attempts"], one["lastError"], one["claim"]) == (1, "HTTP 503", None)
    assert (two["attempts"], two["lastError"], two["claim"]) == (0, None, None)
    assert abs((one["dueAt"] - two["dueAt"]).total_seconds()) < 5
    assert await claimed(outgoing) == []
    await make_due(outgoing, subject=f"Course:{A}")
    assert shown(await claimed(outgoing)) == [(A, 1), (A, 2)]


async def test_what_waits_for_a_parked_entry_leaves_room_for_others(outgoing: Database) -> None:
    """However much waits, other subjects are found. What is new for the subject waits too."""
    for course in (A,) * 6 + (B,):
        await noted(outgoing, published(course))
    (head,) = await claimed(outgoing, most=1)
    await outbox.park(outgoing, head, "HTTP 410", days=7)
    found: list[EntryDoc] = []
    for _ in range(4):
        found += await claimed(outgoing, most=2)
    assert shown(found) == [(B, 1)]
    await noted(outgoing, published(A))
    assert await claimed(outgoing) == []


@pytest.mark.parametrize(("end", "numbers"), [("resend", [1, 2, 3]), ("delete", [2, 3])])
async def test_what_waited_for_a_parked_entry_is_found_at_once_though_it_was_just_being_postponed(
    outgoing: Database, monkeypatch: pytest.MonkeyPatch, end: str, numbers: list[int]
) -> None:
    """An operator ends the wait after this process has seen the head parked, and before it postpones."""
    for _ in range(3):
        await noted(outgoing, published(A))
    (head,) = await claimed(outgoing, most=1)
    await outbox.park(outgoing, head, "HTTP 410", days=7)
    look = leases._heads

    async def look_slowly(*arguments: Any) -> Any:
        heads = await look(*arguments)
        monkeypatch.setattr(leases, "_heads", look)
        assert await getattr(deliveries, end)(outgoing, [head]) == 1
        return heads

    monkeypatch.setattr(leases, "_heads", look_slowly)
    assert shown(await claimed(outgoing)) == [(A, number) for number in numbers]


async def test_however_much_waits_others_are_found_at_the_first_look(outgoing: Database) -> None:
    """Of many subjects, each with a parked head, and of one subject with a long queue behind it."""
    parked = [ObjectId() for _ in range(12)]
    await noted(outgoing, *(published(course) for course in parked for _ in range(2)))
    await noted(outgoing, *(published(A) for _ in range(30)))
    heads = {"destination": "crm", "sequence": 1}
    await outgoing["outbox"].update_many(heads, {"$set": {"state": "PARKED"}})
    await noted(outgoing, published(B))
    assert shown(await claimed(outgoing, most=3)) == [(B, 1)]
    assert await outgoing["outbox"].count_documents({"destination": "crm", "state": "PENDING"}) == 42


async def test_what_is_postponed_while_its_head_is_being_claimed_is_claimed_with_it(
    outgoing: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process sees the head claimed, and postpones what follows, before this one has claimed it."""
    for _ in range(3):
        await noted(outgoing, published(A))
    take, taken = leases._take, list[int]()

    async def take_slowly(*arguments: Any, **conditions: Any) -> None:
        await take(*arguments, **conditions)
        taken.append(1)
        if len(taken) == 1:
            assert await claimed(outgoing) == []

    monkeypatch.setattr(leases, "_take", take_slowly)
    assert [number for _, number in shown(await claimed(outgoing))] == [1, 2, 3]
    stored = await entries(outgoing, destination="crm")
    assert len({one["claim"] for one in stored}) == 1
    assert stored[0]["claim"] is not None


async def test_a_claim_that_has_expired_is_taken_over_and_its_outcome_is_ignored(outgoing: Database) -> None:
    await noted(outgoing, published(A))
    (lost,) = await claimed(outgoing)
    await make_due(outgoing, _id=lost["_id"])
    (own,) = await claimed(outgoing)
    assert own["_id"] == lost["_id"]
    await outbox.park(outgoing, lost, "late", days=7)
    await outbox.sent(outgoing, lost, days=7)
    await outbox.drop(outgoing, lost)
    (stored,) = await entries(outgoing, destination="crm")
    assert (stored["state"], stored["claim"], stored["lastError"]) == ("PENDING", own["claim"], None)
    await outbox.sent(outgoing, own, days=7)
    (stored,) = await entries(outgoing, destination="crm")
    assert (stored["state"], stored["claim"]) == ("SENT", None)


async def test_a_dropped_entry_lets_the_next_one_go(outgoing: Database) -> None:
    for _ in range(2):
        await noted(outgoing, published(A))
    one, _ = await claimed(outgoing)
    await outbox.drop(outgoing, one)
    await make_due(outgoing)
    assert shown(await claimed(outgoing)) == [(A, 2)]


async def test_looking_for_what_is_due_uses_the_index(outgoing: Database) -> None:
    """Also though the time is that of MongoDB's own clock."""
    await noted(outgoing, *(published(ObjectId()) for _ in range(50)))
    await outgoing["outbox"].update_many({}, [{"$set": {"dueAt": {"$add": ["$$NOW", 60_000]}}}])
    query = {"destination": "crm", "state": "PENDING", "$expr": {"$lte": ["$dueAt", "$$NOW"]}}
    command = {
        "explain": {"find": "outbox", "filter": query, "sort": {"dueAt": 1, "_id": 1}, "limit": 20},
        "verbosity": "executionStats",
    }
    found = await outgoing.driver.command(command)
    assert found["executionStats"]["totalKeysExamined"] <= 1, found["executionStats"]


async def test_looking_in_vain_takes_one_command(outgoing: Database, mongo_commands: list[str]) -> None:
    assert await claimed(outgoing) == []
    assert mongo_commands == ["find outbox"]


async def test_a_delivered_entry_is_deleted_after_some_days_and_its_address_at_once(
    outgoing: Database,
) -> None:
    await noted(outgoing, published(A))
    await outgoing["outbox"].update_many({}, {"$set": {"to": "a@b.example"}})
    (one,) = await claimed(outgoing)
    await outbox.sent(outgoing, one, days=3)
    (stored,) = await entries(outgoing, destination="crm")
    assert stored["to"] == ""  # so that `lectern messages resend` knows that there was one
    assert stored["sentAt"] is not None
    assert stored["deleteAt"] is not None
    assert (stored["deleteAt"] - stored["sentAt"]).days == 3
    indexes = await outgoing["outbox"].index_information()
    assert indexes["deleteAt_1"]["expireAfterSeconds"] == 0


async def test_counting_what_waits_looks_at_nothing_that_was_delivered(outgoing: Database) -> None:
    await noted(outgoing, *(published(ObjectId()) for _ in range(50)))
    await outgoing["outbox"].update_many({"destination": "crm"}, {"$set": {"state": "SENT"}})
    await outgoing["outbox"].delete_many({"destination": "cdn"})
    await noted(outgoing, published(A))
    found = await outbox.backlogs(outgoing)
    assert [(one.destination, one.pending) for one in found] == [("cdn", 1), ("crm", 1)]
    match = {"destination": {"$gt": ""}, "state": {"$in": ["PENDING", "PARKED"]}}
    assert deliveries._OF_ANY.items() <= match.items()
    explained = await outgoing.driver.command(
        {"explain": {"find": "outbox", "filter": match}, "verbosity": "executionStats"}
    )
    assert explained["executionStats"]["totalDocsExamined"] == 2, explained["executionStats"]


async def test_an_entry_whose_claim_has_expired_can_be_sent_again_at_once(outgoing: Database) -> None:
    """Its process has died. One that is being delivered is left alone."""
    await noted(outgoing, published(A))
    (own,) = await claimed(outgoing)
    assert await outbox.resend(outgoing, [own]) == 0
    await make_due(outgoing, _id=own["_id"])
    assert await outbox.resend(outgoing, [own]) == 1
    (stored,) = await entries(outgoing, destination="crm")
    assert stored["claim"] is None
