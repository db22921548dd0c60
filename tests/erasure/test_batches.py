"""Erasures that take several transactions, or are interrupted, or refused."""

from typing import Any

import pytest
from bson import ObjectId
from pymongo.errors import OperationFailure

from loaders.mongo import Database, Transaction, now, transaction
from loaders.people import (
    audit_erasure,
    due_erasure_step,
    erase_student,
    erased_person,
    erasure_steps,
    finish_erasures,
    unfinished_erasures,
)
from loaders.recounting import recount
from tests import factories
from tests.erasure.marks import EMAIL, MARKER, PASSWORD, found
from tests.erasure.person import Person
from tests.writes.support import review_of, run_of, stored

ADA = factories.student(f"Ada {MARKER}", email=EMAIL, externalId={"source": MARKER, "id": MARKER})
STAFF = {"subject": "staff", "roles": ["STAFF"], "studentId": None, "instructorId": None}
ENTRY = {"at": now(), "action": "x", "address": "", "changes": [], "actor": STAFF}


async def begin(database: Database) -> None:
    async def work(tx: Transaction) -> None:
        await erase_student(tx, await tx.get("students", ADA["_id"]))

    await transaction(database, work)


async def nothing_is_left(database: Database) -> None:
    assert await found(database) == set()
    assert await unfinished_erasures(database) == 0
    assert [one async for one in recount(database, fix=False)] == []


async def test_what_more_than_one_batch_holds_is_erased(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure_steps, "MOST_ERASED", 2)
    monkeypatch.setattr(erasure_steps, "_MOST_PLACES", 2)
    monkeypatch.setattr(audit_erasure, "MOST_CLEARED", 2)
    monkeypatch.setattr(erased_person, "_PAGE", 2)
    courses = [factories.course() for _ in range(7)]
    runs = [run_of(course, seats=1) for course in courses[:5]]
    reviews = [review_of(course, ADA, rating=3, title=MARKER, body=MARKER) for course in courses]
    places = [factories.enrollment(of, ADA, runId=run["_id"]) for of, run in zip(courses, runs, strict=False)]
    await stored(
        database, students=[ADA], courses=courses, courseRuns=runs, reviews=reviews, enrollments=places
    )
    own = {"subject": f"https://{MARKER}|7", "roles": [], "studentId": ADA["_id"], "instructorId": None}
    about = [_change("reviews", one["_id"], body=MARKER) for one in reviews]
    merged, former = [ObjectId() for _ in range(5)], ObjectId()
    into = [_change("students", one, mergedInto=str(ADA["_id"])) for one in merged]
    into.append(_change("students", former, mergedInto=str(merged[0])))  # by way of another one
    names = [_change("students", one, name=MARKER) for one in (*merged, former)]
    of_former = {**own, "studentId": former}
    entries: list[dict[str, Any]] = [
        {"actor": own},
        {"actor": of_former},
        *({"changes": [one]} for one in about + into + names),
    ]
    await database["auditLog"].insert_many([{**ENTRY, **entry} for entry in entries])
    keys = [
        {"_id": {"viewer": own["subject"], "key": str(key)}, "at": now(), "studentId": student_id}
        for key, student_id in enumerate([ADA["_id"]] * 5 + [former])
    ]
    await database["idempotencyKeys"].insert_many(keys)
    await begin(database)
    await finish_erasures(database, "recount")
    await nothing_is_left(database)
    assert await database["enrollments"].distinct("status") == ["CANCELLED"]


def _change(collection: str, id: ObjectId, **after: Any) -> dict[str, Any]:
    return {"collection": collection, "documentId": str(id), "before": None, "after": after}


async def test_an_interrupted_erasure_is_finished_by_a_command(database: Database) -> None:
    course = factories.course()
    await stored(
        database, students=[ADA], courses=[course], reviews=[review_of(course, ADA, rating=2, body=MARKER)]
    )
    await begin(database)
    assert await found(database) == {"reviews.body"}
    assert await unfinished_erasures(database) == 1
    await finish_erasures(database, "recount")
    await nothing_is_left(database)
    (waiting,) = await database["erasures"].find().to_list(None)
    assert waiting["isRepeated"]


async def test_an_erasure_that_no_gateway_has_repeated_for_long_is_told_and_finished(
    database: Database,
) -> None:
    await stored(database, students=[ADA])
    await begin(database)
    await finish_erasures(database, "recount")
    await database["erasures"].update_many({}, [{"$set": {"since": {"$subtract": ["$since", 1_000_000]}}}])
    assert await unfinished_erasures(database) == 1
    await finish_erasures(database, "recount")
    assert await database["erasures"].count_documents({}) == 0


async def test_an_erasure_that_always_fails_holds_up_no_other(database: Database) -> None:
    await stored(database, students=[ADA])
    broken = {"studentId": ObjectId(), "accountId": None, "messageIds": 7, "since": now()}
    await database["erasures"].insert_one(broken)
    await begin(database)
    earlier = {"$dateSubtract": {"startDate": "$since", "unit": "hour", "amount": 1}}
    await database["erasures"].update_many({}, [{"$set": {"since": earlier}}])
    refused = 0
    while await database["erasures"].find_one({"studentId": ADA["_id"], "isRepeated": False}):
        try:
            await due_erasure_step(database)
        except OperationFailure:  # "$in needs an array"
            refused += 1
        assert refused < 200
    assert await found(database) == set()
    assert await database["erasures"].count_documents({}) == 2


async def test_a_merge_into_the_student_is_finished_first(database: Database) -> None:
    """What it moves would otherwise come after the erasure; the log of it has what the other was called."""
    course = factories.course()
    goes = factories.student(f"A. {MARKER}", mergedInto=ADA["_id"], bio=MARKER)
    await stored(
        database, students=[ADA, goes], courses=[course],
        reviews=[review_of(course, goes, rating=4, title=MARKER, body=MARKER)],
    )  # fmt: skip
    marked = {**_change("students", goes["_id"], mergedInto=str(ADA["_id"])), "before": {"email": EMAIL}}
    await database["auditLog"].insert_one({**ENTRY, "changes": [marked]})
    await begin(database)
    await finish_erasures(database, "recount")
    await nothing_is_left(database)
    assert await database["students"].count_documents({}) == 1


async def test_the_last_staff_stays(person: Person, database: Database) -> None:
    await database["accounts"].update_many({}, {"$set": {"roles": ["STAFF", "STUDENT"]}})
    query = "mutation($i: DeleteAccountInput!) { deleteAccount(input: $i) { errors { code } } }"
    answer = await person.gateway.post(query, {"i": {"password": PASSWORD}}, token=person.token)
    assert answer.json()["data"]["deleteAccount"]["errors"] == [{"code": "CONFLICT"}]
    assert await database["accounts"].count_documents({}) == 1


async def test_a_wrong_password_deletes_nothing(person: Person, database: Database) -> None:
    query = "mutation($i: DeleteAccountInput!) { deleteAccount(input: $i) { errors { code reason } } }"
    answer = await person.gateway.post(query, {"i": {"password": "wrong"}}, token=person.token)
    assert answer.json()["data"]["deleteAccount"]["errors"] == [
        {"code": "INVALID", "reason": "WRONG_PASSWORD"}
    ]
    assert await database["accounts"].count_documents({}) == 1


async def test_a_deletion_that_is_sent_again_gets_the_same_answer(person: Person, database: Database) -> None:
    query = "mutation($i: DeleteAccountInput!) { deleteAccount(input: $i) { errors { code reason } } }"
    for _ in range(2):
        answer = await person.gateway.post(query, {"i": {"password": PASSWORD}}, token=person.token)
        assert answer.json()["data"]["deleteAccount"]["errors"] == []
    assert await database["auditLog"].count_documents({"action": "deleteAccount"}) == 1
