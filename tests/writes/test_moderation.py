"""Moderation: flags, reasons, and reviews that are held."""

from asyncio import gather
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import pytest

import loaders.review_flags
from app.settings import Settings
from loaders.mongo.database import Database
from loaders.recounting import recount
from resolvers.context import Viewer
from tests import factories
from tests.factories import T0
from tests.outbox.conftest import DESTINATIONS
from tests.writes.support import (
    STAFF,
    Doc,
    Gateway,
    LateWrites,
    Value,
    as_student,
    course_id,
    current,
    review_id,
    review_of,
    served,
    stored,
)

FLAGS = "review { flagCount moderationReason status }"

Holding = Callable[[str], AbstractAsyncContextManager[Gateway]]


@pytest.fixture
def holding(settings: Settings, database: Database, late_writes: LateWrites) -> Holding:
    """Makes gateways with a value of LECTERN_REVIEWS. After each, a recount must find no difference."""

    @asynccontextmanager
    async def gateway(reviews: str) -> AsyncIterator[Gateway]:
        async with served(settings.model_copy(update={"reviews": reviews}), late_writes) as one:
            yield one
        assert [difference async for difference in recount(database, fix=False)] == []

    return gateway


async def reviewed(database: Database, **fields: Value) -> tuple[Doc, Doc, Viewer]:
    """Stores a course with one review. Returns these, and the author as a viewer."""
    course, student = factories.course(), factories.student()
    review = review_of(course, student, **fields)
    place = factories.enrollment(course, student)
    await stored(database, courses=[course], students=[student], enrollments=[place], reviews=[review])
    return course, review, as_student(student)


def somebody() -> Viewer:
    return as_student(factories.student())


# -- flags ----------------------------------------------------------------------------------------------


async def test_each_person_flags_a_review_once(gateway: Gateway, database: Database) -> None:
    _, review, _ = await reviewed(database)
    ann, bob = somebody(), Viewer(subject="issuer|bob", roles=frozenset())
    for viewer in (ann, ann, bob):
        payload = await gateway.done(viewer, "flagReview", FLAGS, reviewId=review_id(review))
        assert payload["review"]["flagCount"] == 0
    payload = await gateway.done(STAFF, "flagReview", FLAGS, reviewId=review_id(review))
    assert payload["review"]["flagCount"] == 3
    keys = [flag["_id"]["subject"] async for flag in database["flags"].find()]
    assert sorted(keys) == sorted((ann.subject, bob.subject, STAFF.subject))
    assert await database["auditLog"].count_documents({"action": "flagReview"}) >= 3
    assert await gateway.codes(Viewer(), "flagReview", reviewId=review_id(review)) == [("UNAUTHENTICATED",)]
    assert (await current(database, "reviews", review))["updatedAt"] == review["updatedAt"]


async def test_only_visible_reviews_can_be_flagged(gateway: Gateway, database: Database) -> None:
    _, review, _ = await reviewed(database, status="PENDING")
    refused = await gateway.codes(somebody(), "flagReview", reviewId=review_id(review))
    assert refused == [("NOT_FOUND", "reviewId")]


async def test_a_person_flags_only_so_many_reviews_a_day(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaders.review_flags, "FLAGS_PER_DAY", 2)
    reviews = [(await reviewed(database))[1] for _ in range(3)]
    ann = somebody()
    for review in reviews[:2]:
        await gateway.done(ann, "flagReview", reviewId=review_id(review))
    payload = await gateway.write(
        ann, "flagReview", "errors { code retryAfter path message }", reviewId=review_id(reviews[2])
    )
    (error,) = payload["errors"]
    assert error["code"] == "RATE_LIMITED"
    assert 86_000 < error["retryAfter"] <= 86_401
    await gateway.done(ann, "flagReview", reviewId=review_id(reviews[0]))  # a repeat is no other flag
    await gateway.done(somebody(), "flagReview", reviewId=review_id(reviews[2]))


@pytest.mark.parametrize("subject", ["", "issuer|ann"])
async def test_flags_at_the_same_time_do_not_exceed_the_number_a_day(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch, subject: str
) -> None:
    monkeypatch.setattr(loaders.review_flags, "FLAGS_PER_DAY", 3)
    reviews = [(await reviewed(database))[1] for _ in range(9)]
    ann = Viewer(subject=subject, roles=frozenset()) if subject else somebody()
    codes = await gather(*(gateway.codes(ann, "flagReview", reviewId=review_id(one)) for one in reviews))
    assert sorted(codes) == [[]] * 3 + [[("RATE_LIMITED",)]] * 6
    assert await database["flags"].count_documents({}) == 3


async def test_authors_cannot_flag_their_own_reviews(gateway: Gateway, database: Database) -> None:
    _, review, author = await reviewed(database)
    selected = "review { id } errors { code message path }"
    for viewer in (author, replace(author, roles=author.roles | {"STAFF"})):
        payload = await gateway.write(viewer, "flagReview", selected, reviewId=review_id(review))
        message = "You can't flag your own review: change or delete it instead."
        assert payload["errors"] == [{"code": "FORBIDDEN", "message": message, "path": ["input", "reviewId"]}]
    assert await database["flags"].count_documents({}) == 0
    _, anonymous, _ = await reviewed(database, studentId=None)
    await gateway.done(STAFF, "flagReview", reviewId=review_id(anonymous))  # nobody's own


async def test_a_moderation_closes_the_flags(gateway: Gateway, database: Database) -> None:
    _, review, _ = await reviewed(database)
    ann, key = somebody(), review_id(review)
    await gateway.done(ann, "flagReview", reviewId=key)
    moderated = await gateway.done(STAFF, "moderateReview", FLAGS, reviewId=key, status="PUBLISHED")
    assert moderated["review"]["flagCount"] == 0
    await gateway.done(ann, "flagReview", reviewId=key)  # has no effect
    assert (await current(database, "reviews", review))["flagCount"] == 0
    again = await gateway.done(STAFF, "flagReview", FLAGS, reviewId=key)
    assert again["review"]["flagCount"] == 1
    assert await database["flags"].count_documents({}) == 2


async def test_flags_are_deleted_with_their_review(gateway: Gateway, database: Database) -> None:
    _, review, author = await reviewed(database)
    await gateway.done(somebody(), "flagReview", reviewId=review_id(review))
    await gateway.done(STAFF, "moderateReview", reviewId=review_id(review), status="PUBLISHED")
    await gateway.done(author, "deleteReview", reviewId=review_id(review))
    assert await database["flags"].count_documents({}) == 0


async def test_a_recount_corrects_flags(database: Database) -> None:
    _, review, _ = await reviewed(database)
    gone = factories.review(factories.course())
    flags = [
        {
            "_id": {"reviewId": one["_id"], "subject": subject},
            "studentId": None,
            "at": T0,
            "round": n,
        }
        for one, subject, n in ((review, "a", 0), (review, "b", 1), (review, "c", 1), (gone, "a", 0))
    ]
    await database["flags"].insert_many(flags)
    found = [(d.collection, d.field, d.true) async for d in recount(database, fix=True)]
    assert found == [
        ("reviews", "flagCount", 2), ("reviews", "flagRound", 1), ("flags", "of a deleted review", 0)
    ]  # fmt: skip
    assert [difference async for difference in recount(database, fix=False)] == []
    await database["flags"].delete_one({"_id.subject": "b"})  # as the erasure of a person does
    assert [(d.field, d.true) async for d in recount(database, fix=True)] == [("flagCount", 1)]


# -- reasons ----------------------------------------------------------------------------------------------


async def test_staff_and_the_author_see_the_reason(gateway: Gateway, database: Database) -> None:
    _, review, author = await reviewed(database)
    key = review_id(review)
    values = {"reviewId": key, "status": "REJECTED", "reason": "Names a person."}
    payload = await gateway.done(STAFF, "moderateReview", FLAGS, **values)
    assert payload["review"]["moderationReason"] == "Names a person."
    query = "query($id: ID!) { review(id: $id) { moderationReason } }"
    own = await gateway.ask(query, {"id": key}, author)
    assert own == {"review": {"moderationReason": "Names a person."}}
    (entry,) = await database["auditLog"].find({"action": "moderateReview"}).to_list(None)
    (change,) = [one for one in entry["changes"] if one["collection"] == "reviews"]
    assert change["after"]["moderationReason"] == "Names a person."
    await gateway.done(STAFF, "moderateReview", reviewId=key, status="PUBLISHED", reason="Corrected.")
    assert (await gateway.ask(query, {"id": key}))["review"] == {"moderationReason": None}
    assert (await gateway.ask(query, {"id": key}, author))["review"] == {"moderationReason": "Corrected."}
    await gateway.done(STAFF, "moderateReview", reviewId=key, status="PUBLISHED")
    assert (await gateway.ask(query, {"id": key}, author))["review"] == {"moderationReason": None}
    long = values | {"reason": "x" * 2_001}
    assert await gateway.codes(STAFF, "moderateReview", **long) == [("INVALID", "reason")]


# -- held reviews -----------------------------------------------------------------------------------------


async def test_new_reviews_and_changed_texts_are_held(holding: Holding, database: Database) -> None:
    course, student = factories.course(), factories.student()
    await stored(
        database, courses=[course], students=[student], enrollments=[factories.enrollment(course, student)]
    )
    author = as_student(student)
    selected = "review { id status } course { rating { count } }"
    async with holding("hold") as gateway:
        written = await gateway.done(
            author, "createReview", selected, courseId=course_id(course), rating=4, body="Good."
        )
        key = written["review"]["id"]
        assert (written["review"]["status"], written["course"]["rating"]["count"]) == ("PENDING", 0)
        shown = await gateway.done(STAFF, "moderateReview", selected, reviewId=key, status="PUBLISHED")
        assert shown["course"]["rating"]["count"] == 1
        same = await gateway.done(author, "updateReview", selected, reviewId=key, rating=4, body="Good.")
        assert same["review"]["status"] == "PUBLISHED"
        for change in ({"body": "Bad."}, {"rating": 5}, {"title": "So so"}, {"difficulty": 2}):
            changed = await gateway.done(author, "updateReview", selected, reviewId=key, **change)
            assert (changed["review"]["status"], changed["course"]["rating"]["count"]) == ("PENDING", 0)
            shown = await gateway.done(STAFF, "moderateReview", selected, reviewId=key, status="PUBLISHED")
            assert shown["course"]["rating"]["count"] == 1


@pytest.mark.parametrize("reviews", ["publish", "hold", "hold_first"])
async def test_a_rejected_review_that_is_corrected_waits_again(
    holding: Holding, database: Database, monkeypatch: pytest.MonkeyPatch, reviews: str
) -> None:
    _, review, author = await reviewed(database, body="Rude.", rating=2)
    key, selected = review_id(review), "review { status moderationReason } course { rating { count } }"
    async with holding(reviews) as gateway:
        await gateway.done(STAFF, "moderateReview", reviewId=key, status="REJECTED", reason="Rude.")
        same = await gateway.done(author, "updateReview", selected, reviewId=key, body="Rude.")
        assert same["review"]["status"] == "REJECTED"
        monkeypatch.setattr(database, "destinations", DESTINATIONS)
        corrected = await gateway.done(author, "updateReview", selected, reviewId=key, body="Polite.")
        assert corrected["review"] == {"status": "PENDING", "moderationReason": "Rude."}
        assert corrected["course"]["rating"]["count"] == 0
        again = await gateway.done(author, "updateReview", selected, reviewId=key, rating=3)
        assert again["review"]["status"] == "PENDING"
        queue = "{ reviews(filter: { statuses: [PENDING] }) { nodes { id } } }"
        assert (await gateway.ask(queue, viewer=STAFF))["reviews"]["nodes"] == [{"id": key}]
        shown = await gateway.done(STAFF, "moderateReview", selected, reviewId=key, status="PUBLISHED")
        assert shown["course"]["rating"]["count"] == 1


async def test_reviews_are_held_until_the_author_has_a_published_one(
    holding: Holding, database: Database
) -> None:
    courses, student = [factories.course() for _ in range(3)], factories.student()
    places = [factories.enrollment(course, student) for course in courses]
    await stored(database, courses=courses, students=[student], enrollments=places)
    author, statuses, keys = as_student(student), [], []
    async with holding("hold_first") as gateway:
        for number, course in enumerate(courses):
            payload = await gateway.done(
                author, "createReview", courseId=course_id(course), rating=4, body="Good."
            )
            keys.append(payload["review"]["id"])
            statuses.append(payload["review"]["status"])
            if number == 1:
                await gateway.done(STAFF, "moderateReview", reviewId=keys[0], status="PUBLISHED")
        changed = await gateway.done(author, "updateReview", reviewId=keys[2], body="Bad.")
    assert statuses == ["PENDING", "PENDING", "PUBLISHED"]
    assert changed["review"]["status"] == "PUBLISHED"


async def test_events_say_that_a_review_is_held_or_published(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loaders import review_writes
    from loaders.mongo import Transaction, transaction

    _, review, _ = await reviewed(database)
    monkeypatch.setattr(database, "destinations", DESTINATIONS)

    async def work(tx: Transaction) -> None:
        held = await review_writes.edit(tx, await tx.get("reviews", review["_id"]), "PENDING", body="New.")
        rejected = await review_writes.moderate(tx, held, "REJECTED", None)
        await review_writes.moderate(tx, rejected, "PUBLISHED", None)

    await transaction(database, work)
    kinds = [entry["kind"] async for entry in database["outbox"].find().sort("sequence", 1)]
    assert kinds == ["review.held", "review.written"]
