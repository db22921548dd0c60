"""What a recount checks besides the counts of courses, and that it may run while others write."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest
from bson import ObjectId
from pymongo.errors import WriteError

from loaders import enrollment as places
from loaders import indexes
from loaders import review_writes as reviews
from loaders.model.ratings import wilson
from loaders.mongo import Document, Stored, Value
from loaders.mongo.database import Database
from loaders.mongo.transactions import Transaction, transaction
from loaders.recounting import Difference, recount
from tests import factories
from tests.factories import store


async def differences(database: Database, *, fix: bool = False) -> list[Difference]:
    return [difference async for difference in recount(database, fix=fix)]


def native(document: Document) -> Document:
    """A document as if it had not been imported."""
    return {name: value for name, value in document.items() if name != "externalId"}


async def reported(database: Database, *, fix: bool = False) -> list[tuple[str, ObjectId, str, Value, Value]]:
    """The differences without their remedies."""
    return [tuple(d)[:5] for d in await differences(database, fix=fix)]


# -- votes --------------------------------------------------------------------------------------------------


async def voted(database: Database, votes: int, **stored: Value) -> ObjectId:
    """Stores a review with votes, and a course with correct aggregates."""
    course = factories.course(stars=[0, 0, 0, 0, 1], slug=str(ObjectId()))
    review = factories.review(course, rating=5) | stored
    if "importedHelpfulCount" not in stored:
        review = native(review)
    await store(database, courses=[course], reviews=[review])
    keys = [{"reviewId": review["_id"], "studentId": ObjectId()} for _ in range(votes)]
    if keys:
        await database["votes"].insert_many([{"_id": key} for key in keys])
    return ObjectId(review["_id"])


@pytest.mark.parametrize(
    ("votes", "imported", "helpful", "unhelpful"),
    [(0, None, 2, 0), (2, None, 0, 0), (2, None, 3, 1), (0, 5, 4, 0), (2, 5, 5, 1), (2, 5, 2, 0)],
)
async def test_helpful_votes_are_counted(
    database: Database, votes: int, imported: int | None, helpful: int, unhelpful: int
) -> None:
    imported_count = {} if imported is None else {"importedHelpfulCount": imported}
    counts = {"helpfulCount": helpful, "unhelpfulCount": unhelpful}
    score = wilson(helpful, unhelpful)
    review = await voted(database, votes, **imported_count, **counts, helpfulScore=score)
    true = (imported or 0) + votes
    expected = [("helpfulCount", helpful, true), ("helpfulScore", score, wilson(true, unhelpful))]
    found = [("reviews", review, *difference) for difference in expected if difference[1] != difference[2]]
    assert await reported(database) == found
    assert await reported(database, fix=True) == found
    assert await reported(database) == []


async def test_the_imported_count_of_an_old_import_is_restored(database: Database) -> None:
    course = factories.course(stars=[0, 0, 0, 0, 1])
    counts = {"helpfulCount": 7, "unhelpfulCount": 1, "helpfulScore": wilson(7, 1)}
    review = factories.review(course, rating=5) | counts
    await store(database, courses=[course], reviews=[review])
    await database["votes"].insert_one({"_id": {"reviewId": review["_id"], "studentId": ObjectId()}})
    expected = [("reviews", review["_id"], "importedHelpfulCount", None, 6)]
    assert await reported(database, fix=True) == expected
    assert await reported(database) == []


@pytest.mark.parametrize("votes", [0, 3])
async def test_a_score_that_does_not_follow_from_its_votes(database: Database, votes: int) -> None:
    counts = {"importedHelpfulCount": 4, "helpfulCount": 4 + votes, "unhelpfulCount": 1}
    review = await voted(database, votes, **counts, helpfulScore=0.9)
    right = await voted(database, votes, **counts, helpfulScore=wilson(4 + votes, 1))
    assert await reported(database, fix=True) == [
        ("reviews", review, "helpfulScore", 0.9, wilson(4 + votes, 1)),
    ]
    stored = [r["helpfulScore"] async for r in database["reviews"].find({"_id": {"$in": [review, right]}})]
    assert stored == [wilson(4 + votes, 1)] * 2


async def test_more_votes_than_fit_into_a_batch(database: Database) -> None:
    popular = await voted(database, 1_203, helpfulCount=1_203, helpfulScore=wilson(1_203, 0))
    lost = [await voted(database, 1) for _ in range(3)]
    assert {(d.id, d.field, d.true) for d in await differences(database)} == {
        (review, *true) for review in lost for true in (("helpfulCount", 1), ("helpfulScore", wilson(1, 0)))
    }
    await database["reviews"].update_one({"_id": popular}, {"$inc": {"helpfulCount": 1}})
    assert ("reviews", popular, "helpfulCount", 1_204, 1_203) in await reported(database, fix=True)
    assert await reported(database) == []


@pytest.mark.parametrize("gone", [1, 3, 1_203])
async def test_votes_for_a_deleted_review_are_deleted(database: Database, gone: int) -> None:
    stays = await voted(database, 2, helpfulCount=2, helpfulScore=wilson(2, 0))
    review, another = ObjectId(), ObjectId()
    votes = [{"_id": {"reviewId": review, "studentId": ObjectId()}} for _ in range(gone)]
    votes.append({"_id": {"reviewId": another, "studentId": ObjectId()}})
    await database["votes"].insert_many(votes)
    field = "for a deleted review"
    expected = [("votes", review, field, gone, 0), ("votes", another, field, 1, 0)]
    assert await reported(database) == expected
    assert await reported(database, fix=True) == expected
    assert await reported(database) == []
    left = await database["votes"].find().to_list(None)
    assert [vote["_id"]["reviewId"] for vote in left] == [stays] * 2


# -- problems that no value can mend -------------------------------------------------------------------------


@asynccontextmanager
async def without_index(database: Database, collection: str) -> AsyncIterator[None]:
    """Drops the unique index of students and courses; at the end, empties the collection and restores it."""
    await database[collection].drop_index("studentId_1_courseId_1")
    try:
        yield
    finally:
        await database[collection].delete_many({})
        await indexes.ensure(database)


async def test_second_reviews_of_a_student_are_reported_and_kept(database: Database) -> None:
    course, ann, bob = factories.course(stars=[0, 0, 0, 0, 6]), factories.student(), factories.student()
    by = [native(factories.review(course, student, rating=5)) for student in (ann, ann, ann, bob)]
    imported = [factories.review(course, bob, rating=5) for _ in range(2)]
    async with without_index(database, "reviews"):
        await store(database, courses=[course], students=[ann, bob], reviews=[*by, *imported])
        (found,) = await differences(database, fix=True)
        assert found[:5] == ("reviews", by[0]["_id"], "per student and course", 3, 1)
        assert found.remedy
        assert await differences(database) == [found]
        assert await database["reviews"].count_documents({}) == 6


async def test_a_second_enrolment_of_a_student_is_reported(database: Database) -> None:
    course, ann, bob = factories.course(), factories.student(), factories.student()
    statuses = ("ACTIVE", "WAITLISTED", "CANCELLED", "COMPLETED")
    of_ann = [factories.enrollment(course, ann, status=status) for status in statuses]
    of_bob = [factories.enrollment(course, bob, externalId={"source": "s", "id": str(n)}) for n in range(2)]
    async with without_index(database, "enrollments"):
        course["studentCount"] = 2
        await store(database, courses=[course], students=[ann, bob], enrollments=[*of_ann, *of_bob])
        assert await reported(database) == [("enrollments", of_ann[0]["_id"], "per student and course", 2, 1)]


async def run_with(database: Database, *, seats: int | None, taken: int, waiting: int) -> Stored:
    """Stores a run with enrolments, and correct aggregates."""
    course = factories.course()
    run = factories.course_run(
        course,
        seats=seats,
        seatsTaken=taken,
        waitlistCount=waiting,
        startsAt=datetime(2199, 1, 1, tzinfo=UTC),
    )
    free = seats is None or taken < seats
    course |= {"studentCount": taken, "seatsUntil": run["startsAt"] if free else None}
    students = [factories.student() for _ in range(taken + waiting)]
    enrollments = [
        factories.enrollment(course, s, runId=run["_id"], status="ACTIVE" if n < taken else "WAITLISTED")
        for n, s in enumerate(students)
    ]
    await store(database, courses=[course], courseRuns=[run], students=students, enrollments=enrollments)
    return run


async def test_more_enrolments_than_seats_are_reported_and_kept(database: Database) -> None:
    run = await run_with(database, seats=2, taken=3, waiting=1)
    (found,) = await differences(database, fix=True)
    assert found[:5] == ("courseRuns", run["_id"], "seats sold", 3, 2)
    assert found.remedy
    assert await database["courseRuns"].find_one({"_id": run["_id"]}, {"seatsTaken": 1, "_id": 0}) == {
        "seatsTaken": 3
    }


@pytest.mark.parametrize(("seats", "taken"), [(2, 1), (None, 5)])
async def test_a_waitlist_despite_a_free_seat_is_reported_until_it_moves_up(
    database: Database, seats: int | None, taken: int
) -> None:
    run = await run_with(database, seats=seats, taken=taken, waiting=3)
    assert await reported(database, fix=True) == [
        ("courseRuns", run["_id"], "waiting despite free seat", 3, 0)
    ]
    await transaction(database, lambda tx: places.fill(tx, run))
    assert await differences(database) == []


async def test_a_waitlist_of_a_full_run_is_no_problem(database: Database) -> None:
    await run_with(database, seats=2, taken=2, waiting=3)
    assert await differences(database) == []


# -- while others write -------------------------------------------------------------------------------------


async def test_concurrent_writes_are_neither_reported_nor_lost(database: Database) -> None:
    course, students = factories.course(), [factories.student() for _ in range(30)]
    await store(database, courses=[course], students=students)
    done, counted = asyncio.Event(), asyncio.Event()

    async def review(student: Document) -> None:
        async def write(tx: Transaction) -> None:
            parent = await tx.get("courses", course["_id"])
            await places.insert(tx, parent, None, student["_id"], "ACTIVE")
            written = {"studentId": student["_id"], "rating": 4, "body": "Fine", "createdAt": tx.now}
            made = await reviews.insert(tx, parent, written)
            await reviews.vote(tx, made, ObjectId(), helpful=True)

        await transaction(database, write)

    async def write_all() -> None:
        for number, student in enumerate(students):
            if number == 15:
                await counted.wait()
            await review(student)
        done.set()

    writing = asyncio.create_task(write_all())
    found, rounds = [], 0
    while not done.is_set():
        found += await differences(database, fix=True)
        rounds += 1
        counted.set()
    await writing
    assert rounds > 1
    assert found == []
    assert await differences(database) == []
    stored = await database["courses"].find_one({})
    assert stored is not None
    assert (stored["ratingCount"], stored["studentCount"]) == (30, 30)


# -- documents of other shapes ------------------------------------------------------------------------------

_WRONG: Sequence[Value] = (None, True, 4.5, "text", [], ["a"], {}, {"a": 1}, datetime(2026, 1, 1), ObjectId())


@pytest.mark.parametrize(
    ("collection", "field"),
    [
        *(
            ("courses", field)
            for field in ("status", "importedStudentCount", "importedRating", "ratingStars")
        ),
        *(("courses", field) for field in ("studentCount", "seatsUntil", "newestReviewIds")),
        *(
            ("courseRuns", field)
            for field in ("courseId", "startsAt", "status", "seats", "seatsTaken", "waitlistCount")
        ),
        *(("students", field) for field in ("name", "newestReviewIds")),
        *(("enrollments", field) for field in ("courseId", "runId", "studentId", "status")),
        *(("reviews", field) for field in ("courseId", "studentId", "rating", "status", "createdAt")),
        *(("reviews", field) for field in ("helpfulCount", "importedHelpfulCount", "unhelpfulCount")),
    ],
)
async def test_a_document_of_another_shape_does_not_end_it(
    database: Database, collection: str, field: str
) -> None:
    """And the others are corrected."""
    courses = [factories.course() for _ in range(2)]
    run, student = factories.course_run(courses[0], seats=1), factories.student()
    documents = {
        "courses": courses, "courseRuns": [run], "students": [student],
        "enrollments": [factories.enrollment(of, student, runId=run["_id"]) for of in courses],
        "reviews": [factories.review(of, student, rating=5) for of in courses],
    }  # fmt: skip
    await store(database, **documents)
    damaged = database[collection], {"_id": documents[collection][0]["_id"]}
    await damaged[0].update_one(damaged[1], {"$unset": {field: ""}})
    for value in (..., *_WRONG):
        if value is not ...:
            with suppress(WriteError):  # two arrays in one index
                await damaged[0].update_one(damaged[1], {"$set": {field: value}})
        await differences(database, fix=True)
        sound = await database["courses"].find_one({"_id": courses[1]["_id"]})
        assert sound
        assert (sound["studentCount"], sound["ratingCount"]) == (1, 1)


async def test_what_was_assumed_is_reported(database: Database) -> None:
    course = factories.course()
    run = factories.course_run(course, seats="many")
    reviews = [factories.review(course, rating=rating) for rating in (5, 4.5, "4")]
    await store(database, courses=[course], courseRuns=[run], reviews=reviews)
    found = await reported(database, fix=True)
    assert ("courseRuns", run["_id"], "seats", "many", None) in found
    assert ("courses", course["_id"], "reviews rated 4.5", 1, 0) in found
    assert ("courses", course["_id"], "reviews rated '4'", 1, 0) in found
    assert all(d.remedy and "lectern check" in d.remedy for d in await differences(database))


async def test_a_document_with_another_id_does_not_hide_the_rest(database: Database) -> None:
    course = factories.course()
    await store(database, courses=[course], reviews=[factories.review(course, rating=5)])
    await database["courses"].insert_one({**factories.course(), "_id": "a text"})
    await database["reviews"].insert_one({**factories.review(course), "_id": "a text"})
    assert {d.id for d in await differences(database)} == {course["_id"]}
