"""Erasing a person: a marker in everything that they can write is found nowhere afterwards."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from bson import ObjectId

from app.settings import Settings
from loaders.collections import COLLECTIONS
from loaders.mongo import Database, now, transaction
from loaders.people import NOBODYS, PLACES, finish_erasures, unfinished_erasures
from loaders.people import erase_student as begin
from loaders.recounting import recount
from resolvers.relay import encode_id
from tests import factories
from tests.support import TOKENS
from tests.writes.sessions import Gateway, served
from tests.writes.support import STAFF, run_of, stored

MARKER = "zq7marker"
EMAIL, PASSWORD = f"{MARKER}@example.org", "correct horse battery"


@pytest.fixture
async def gateway(settings: Settings, database: Database) -> AsyncIterator[Gateway]:
    own = settings.model_copy(update={"mail_from": "Lectern <desk@example.org>", "messages_url": None})
    async with served(own) as gateway:
        yield gateway


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *strings(item))
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    else:
        yield str(value)


async def found(database: Database) -> set[str]:
    """The collections in which the marker is found."""
    names = await database.driver.list_collection_names()
    return {
        name
        for name in names
        for document in await database[name].find().to_list(None)
        if any(MARKER in text.lower() for text in strings(document))
    }


async def written(gateway: Gateway, database: Database) -> tuple[str, ObjectId]:
    """Has a person write the marker wherever they can. Returns their access token and student."""
    course = factories.course()
    run = run_of(course, seats=1)
    other = factories.student("Bob")
    await stored(database, courses=[course], courseRuns=[run], students=[other])
    agent = {"user-agent": f"{MARKER} agent"}
    staff = TOKENS.access(STAFF).text
    values = {"name": f"Ada {MARKER}", "email": EMAIL, "password": PASSWORD, "idempotencyKey": f"{MARKER}0"}
    payload = await gateway.mutate("signUp", values, **agent)
    token = payload["accessToken"]

    async def write(name: str, selected: str, token: str = token, **input: Any) -> Any:
        fields = f"{selected} errors {{ message }}"
        query = f"mutation($i: {_input(name)}!) {{ {name}(input: $i) {{ {fields} }} }}"
        prefix = "" if token == staff else MARKER
        key = {"idempotencyKey": f"{prefix}{uuid4()}", "clientMutationId": MARKER}
        answer = (await gateway.post(query, {"i": {**input, **key}}, token=token, **agent)).json()
        assert "errors" not in answer, answer
        assert answer["data"][name]["errors"] == []
        return answer["data"][name]

    picture = f"https://example.org/{MARKER}"
    await write("updateProfile", "student { id }", bio=f"I am {MARKER}", avatarUrl=picture, country="DE")
    course_id = encode_id("Course", course)
    await write("enroll", "enrollment { id }", courseId=course_id, runId=encode_id("CourseRun", run))
    review = await write(
        "createReview", "review { id }", courseId=course_id, rating=5, title=MARKER, body=MARKER
    )
    await write("updateReview", "review { id }", reviewId=review["review"]["id"], body=f"More {MARKER}")
    await write("addToWishlist", "course { id }", courseId=course_id)
    await write("moderateReview", "review { id }", staff, reviewId=review["review"]["id"], status="PUBLISHED")
    student = await database["students"].find_one({"email": EMAIL})
    account = await database["accounts"].find_one({"email": EMAIL})
    assert student
    assert account
    person = {"destination": "mail", "subject": "s", "data": {}, "state": "PARKED"}
    await database["outbox"].insert_many(
        [
            {**person, "sequence": 1, "people": [account["_id"]], "to": f"new{EMAIL}"},
            {**person, "sequence": 2, "people": [], "to": EMAIL},
        ]
    )
    await database["devMail"].insert_one({"address": EMAIL, "plain": MARKER})
    token_of = {"accountId": account["_id"], "email": f"new{EMAIL}", "expiresAt": now() + timedelta(days=1)}
    await database["accountTokens"].insert_one({"_id": "digest", **token_of})
    return token, student["_id"]


def _input(name: str) -> str:
    return "WishlistInput" if "Wishlist" in name else f"{name[0].upper()}{name[1:]}Input"


async def aggregates(database: Database) -> Any:
    return await database["courses"].find_one({}, {"ratingStars": 1, "ratingCount": 1, "ratingAverage": 1})


def test_every_collection_is_named() -> None:
    assert not NOBODYS & PLACES.keys()
    assert NOBODYS | PLACES.keys() == COLLECTIONS.keys()


async def test_the_marker_is_nowhere(
    gateway: Gateway, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    token, student_id = await written(gateway, database)
    assert {
        "students",
        "accounts",
        "sessions",
        "reviews",
        "idempotencyKeys",
        "auditLog",
        "outbox",
    } <= await found(database)
    before = await aggregates(database)
    query = (
        "mutation($i: EraseStudentInput!) { eraseStudent(input: $i) "
        "{ student { id name email } errors { message } } }"
    )
    sent = {"studentId": encode_id("Student", {"_id": student_id}), "idempotencyKey": "e"}
    for _ in range(2):
        answer = (await gateway.post(query, {"i": sent}, token=TOKENS.access(STAFF).text)).json()
        assert answer["data"]["eraseStudent"]["errors"] == [], answer
        assert answer["data"]["eraseStudent"]["student"]["name"] == "Deleted student"
    assert await database["outbox"].count_documents({"kind": "message.account_deleted"}) <= 1
    await database["outbox"].delete_many({"kind": "message.account_deleted"})
    assert await found(database) == set()
    assert await aggregates(database) == before
    assert [one async for one in recount(database, fix=False)] == []
    assert await database["erasures"].count_documents({}) == 0
    (entry,) = (
        await database["auditLog"]
        .find({"action": "eraseStudent", "changes.collection": "students"})
        .to_list(None)
    )
    assert entry["actor"]["subject"] == "staff"
    assert MARKER not in "".join(capfd.readouterr())
    refused = await gateway.write(token)
    assert [error["code"] for error in refused["errors"]] == ["UNAUTHENTICATED"]
    assert await database["reviews"].count_documents({"studentId": student_id, "rating": 5, "body": ""}) == 1


async def test_an_account_is_deleted_by_its_owner(gateway: Gateway, database: Database) -> None:
    token, student_id = await written(gateway, database)
    query = "mutation($i: DeleteAccountInput!) { deleteAccount(input: $i) { errors { code reason } } }"
    wrong = (await gateway.post(query, {"i": {"password": "wrong"}}, token=token)).json()
    assert wrong["data"]["deleteAccount"]["errors"] == [{"code": "INVALID", "reason": "WRONG_PASSWORD"}]
    done = (await gateway.post(query, {"i": {"password": PASSWORD}}, token=token)).json()
    assert done["data"]["deleteAccount"]["errors"] == []
    await database["outbox"].delete_many({"kind": "message.account_deleted"})
    # The texts of reviews stay, and so do the events of the audit log that wrote them.
    assert await found(database) <= {"reviews", "auditLog", "idempotencyKeys"}
    assert await database["reviews"].count_documents({"studentId": student_id, "title": MARKER}) == 1
    assert await database["students"].count_documents({"name": "Deleted student"}) == 1


async def test_an_interrupted_erasure_is_finished(gateway: Gateway, database: Database) -> None:
    _, student_id = await written(gateway, database)

    async def work(tx: Any) -> None:
        await begin(tx, await tx.get("students", student_id))

    await transaction(database, work)
    assert "reviews" in await found(database)
    assert await unfinished_erasures(database) == 1
    await finish_erasures(database, "recount")
    await database["outbox"].delete_many({"kind": "message.account_deleted"})
    assert await found(database) == set()
    assert not await transaction(database, erasure_step)
    assert await unfinished_erasures(database) == 0


async def test_what_more_than_one_batch_holds_is_erased(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries by others about reviews, and the keys of an external identity, over several batches."""
    _, student_id = await written(gateway, database)
    monkeypatch.setattr(erasure, "MOST_ERASED", 2)
    monkeypatch.setattr(erasure, "_PAGE", 2)
    actor = {"subject": f"https://{MARKER}|7", "roles": [], "studentId": student_id, "instructorId": None}
    staff = {"subject": "staff", "roles": ["STAFF"], "studentId": None, "instructorId": None}
    entry = {"at": now(), "action": "x", "address": "", "changes": []}
    reviews = [
        factories.review({"_id": ObjectId()}, {"_id": student_id}, title=MARKER, body=MARKER)
        for _ in range(7)
    ]
    await database["reviews"].insert_many(reviews)
    about = [
        {"collection": "reviews", "documentId": str(one["_id"]), "before": None, "after": {"body": MARKER}}
        for one in reviews
    ]
    merged = [str(ObjectId()) for _ in range(5)]
    into = {"collection": "students", "before": None, "after": {"mergedInto": str(student_id)}}
    former = {"collection": "students", "before": None, "after": {"name": MARKER}}
    await database["auditLog"].insert_many(
        [
            {**entry, "actor": actor},
            *({**entry, "actor": staff, "changes": [change]} for change in about),
            *({**entry, "actor": staff, "changes": [{**into, "documentId": one}]} for one in merged),
            *({**entry, "actor": staff, "changes": [{**former, "documentId": one}]} for one in merged),
        ]
    )
    keys = [{"_id": {"viewer": actor["subject"], "key": str(key)}, "at": now()} for key in range(5)]
    await database["idempotencyKeys"].insert_many(keys)

    async def work(tx: Any) -> None:
        await begin(tx, await tx.get("students", student_id))

    await transaction(database, work)
    await finish_erasures(database, "recount")
    await database["outbox"].delete_many({"kind": "message.account_deleted"})
    assert await found(database) == set()


async def test_the_last_staff_stays(gateway: Gateway, database: Database) -> None:
    token, _ = await written(gateway, database)
    await database["accounts"].update_many({}, {"$set": {"roles": ["STAFF", "STUDENT"]}})
    query = "mutation($i: DeleteAccountInput!) { deleteAccount(input: $i) { errors { code } } }"
    answer = (await gateway.post(query, {"i": {"password": PASSWORD}}, token=token)).json()
    assert answer["data"]["deleteAccount"]["errors"] == [{"code": "CONFLICT"}]
    assert await database["accounts"].count_documents({}) == 1
