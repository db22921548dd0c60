"""What a person has written, in every field that they can write, is found nowhere after an erasure.

Only what their reviews say stays if they have deleted their account themselves.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.settings import Settings
from loaders.collections import COLLECTIONS
from loaders.mongo import Database
from loaders.people import NOBODYS, PLACES, person_rows
from loaders.recounting import recount
from resolvers.relay import encode_id
from tests.erasure.conftest import LECTERN, Scene
from tests.erasure.inputs import fields_of_people
from tests.erasure.marks import ADDRESS, MARKER, NEW_EMAIL, PASSWORD, collections, found, on_mail_pages
from tests.erasure.person import until
from tests.storm.gateways import environment
from tests.support import TOKENS
from tests.writes.support import STAFF

Way = Callable[[Scene, Settings], Awaitable[None]]


async def by_owner(scene: Scene, _: Settings) -> None:
    await scene.person.write("deleteAccount", password=PASSWORD)


async def by_staff(scene: Scene, _: Settings) -> None:
    query = (
        "mutation($i: EraseStudentInput!) { eraseStudent(input: $i) "
        "{ student { name email } errors { code } } }"
    )
    values = {"studentId": encode_id("Student", {"_id": scene.person.student_id}), "idempotencyKey": "e"}
    for _attempt in range(2):
        answer = await scene.person.gateway.post(query, {"i": values}, token=TOKENS.access(STAFF).text)
        payload = answer.json()["data"]["eraseStudent"]
        assert payload == {"student": {"name": "Deleted student", "email": None}, "errors": []}


async def by_operator(scene: Scene, settings: Settings) -> None:
    student_id = encode_id("Student", {"_id": scene.person.student_id})
    # The settings of messages tell the command that there are any.
    mail = {"LECTERN_SMTP_URL": "smtp://127.0.0.1:9"} if scene.server else {"LECTERN_DEV_MAIL": "true"}
    pages = {
        "LECTERN_MAIL_FROM": "courses@example.org", "LECTERN_VERIFY_URL": "https://a.example/v#{token}",
        "LECTERN_RESET_URL": "https://a.example/r#{token}",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        LECTERN,
        "student",
        "erase",
        student_id,
        "--yes",
        env=os.environ | environment(settings) | mail | pages,
    )
    assert await process.wait() == 0


WAYS: list[Way] = [by_owner, by_staff, by_operator]

_AGGREGATES = {
    "courses": ("ratingStars", "ratingCount", "ratingAverage", "ratingBayesian", "importedRating"),
    "reviews": ("helpfulCount", "rating"),
}


async def aggregates(database: Database) -> Any:
    """The ratings of courses, and the votes and stars of reviews."""
    return {
        name: await database[name].find({}, dict.fromkeys(fields, 1)).sort("_id").to_list(None)
        for name, fields in _AGGREGATES.items()
    }


#: What is left of the person, whoever has erased them.
LEFT: dict[str, Any] = {
    "student": {"name": "Deleted student"},
    "reviews": [
        {"rating": 2, "verified": True, "helpfulCount": 0, "unhelpfulCount": 0, "status": "PUBLISHED"},
    ],
    "places": {
        "Cancel": "CANCELLED", "Delete": "ACTIVE", "Own Pace": "ACTIVE", "Past": "ACTIVE",
        "Seat": "CANCELLED", "Waiting": "CANCELLED",
    },
    "counts": {"votes": 1, "accounts": 0, "sessions": 0, "accountTokens": 0, "wishlists": 0, "flags": 0},
    "keys": 0,
}  # fmt: skip
#: What else is left of a review if its author has deleted their account.
TEXTS_OF_REVIEWS: dict[str, Any] = {
    "title": f"More {MARKER}", "body": f"More {MARKER}", "term": "1901-3", "difficulty": 4,
    "workloadHours": 13.25, "moderationReason": f"By {MARKER}",
}  # fmt: skip
_IDS_AND_TIMES = {
    "_id", "erasedAt", "newestReviewIds", "revision", "studentId", "courseId", "createdAt", "updatedAt",
    "sortName", "searchTerms", "helpfulScore", "flagRound", "externalId", "keepsReviews",
}  # fmt: skip


async def what_is_left(scene: Scene) -> dict[str, Any]:
    """What is left of the person, apart from ids, times and what is derived."""
    person, database = scene.person, scene.person.database
    own = {"studentId": person.student_id}
    student = await database["students"].find_one({"_id": person.student_id})
    assert student
    titles = {one["_id"]: one["title"] async for one in database["courses"].find()}
    places = await database["enrollments"].find(own).to_list(None)
    return {
        "student": _with_values(student),
        "reviews": [_with_values(one) async for one in database["reviews"].find(own)],
        "places": {titles[one["courseId"]]: one["status"] for one in places},
        "counts": {name: await database[name].count_documents({}) for name in LEFT["counts"]},
        "keys": await database["idempotencyKeys"].count_documents({"_id.viewer": str(person.account_id)}),
    }


def _with_values(document: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in document.items()
        if name not in _IDS_AND_TIMES and value not in (None, "")
    }


def test_every_collection_is_named() -> None:
    assert not NOBODYS & PLACES.keys()
    assert NOBODYS | PLACES.keys() == COLLECTIONS.keys()


@pytest.mark.parametrize(
    ("scene", "way"), [*(("smtp", way) for way in WAYS), ("dev", by_owner)], indirect=["scene"]
)
async def test_nothing_is_found_afterwards(
    scene: Scene, settings: Settings, database: Database, way: Way
) -> None:
    assert await collections(database) >= {
        "students", "accounts", "sessions", "reviews", "idempotencyKeys", "auditLog", "accountTokens",
        "outbox" if scene.server else "devMail",
    }  # fmt: skip
    assert scene.server or await on_mail_pages(scene.url)
    # A copy of what is stored about the person has everything that they have written.
    copied = {name async for name, _ in person_rows(database, scene.person.student_id)}
    assert copied >= await collections(database)
    before = await aggregates(database)
    await way(scene, settings)
    assert scene.person.written >= fields_of_people() - {("deleteAccount", key) for key in _OF_DELETION}

    # The last message goes to the last address, and is then forgotten.
    last = await until(
        lambda: database["outbox"].find_one({"kind": "message.account_deleted", "state": "SENT"})
    )
    assert (last["to"], last["language"]) == ("", None)
    if scene.server:
        mail = scene.server.mails[-1]
        assert (mail.to, mail.email["Content-Language"]) == ([NEW_EMAIL], "de")  # that of her account
    else:
        assert not await on_mail_pages(scene.url)
    kept = TEXTS_OF_REVIEWS if way is by_owner else {}
    assert await found(database) == {f"reviews.{name}" for name in kept} | {
        f"idempotencyKeys.answer.review.{name}" for name in kept
    }
    log = scene.log.read_text().lower()
    assert log
    assert MARKER not in log
    assert ADDRESS not in log
    assert await aggregates(database) == before
    left = {**LEFT, "reviews": [{**LEFT["reviews"][0], **kept}]}
    assert await what_is_left(scene) == left
    assert [one async for one in recount(database, fix=False)] == []

    refused = await scene.person.gateway.write(scene.person.token)
    assert [error["code"] for error in refused["errors"]] == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("scene", ["smtp"], indirect=True)
@pytest.mark.parametrize("way", [by_staff, by_operator])
async def test_staff_also_erase_what_a_deleted_account_has_left(
    scene: Scene, settings: Settings, database: Database, way: Way
) -> None:
    await by_owner(scene, settings)
    await way(scene, settings)
    assert await found(database) - {"outbox.to"} == set()
    assert await what_is_left(scene) == LEFT
    assert [one async for one in recount(database, fix=False)] == []


_OF_DELETION = ("password", "idempotencyKey", "clientMutationId")
