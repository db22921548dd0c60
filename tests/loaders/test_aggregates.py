"""The aggregates that `lectern recount` computes: courses, runs, and the newest review ids."""

from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders.collections import complete
from loaders.model.newest_review_ids import CARRIERS, NEWEST, ReviewParent, pack_ids, unpack_ids
from loaders.model.ratings import summarise
from loaders.mongo import Document, Value
from loaders.mongo.database import Database
from loaders.reading.listing import Window
from loaders.reading.registry import Loaders
from loaders.recounting import Difference, ids_by_parent, recount
from loaders.review import PUBLIC
from loaders.review import listing as review_listing
from tests import factories
from tests.factories import clear

JUNE, JULY = (datetime(2030, month, 1, tzinfo=UTC) for month in (6, 7))


async def insert(database: Database, collection: str, **fields: Value) -> ObjectId:
    document = {"_id": ObjectId(), **complete(collection, fields)}
    await database[collection].insert_one(document)
    return ObjectId(document["_id"])


async def differences(database: Database, *, fix: bool = False) -> list[Difference]:
    return [difference async for difference in recount(database, fix=fix)]


async def catalogue(database: Database) -> tuple[ObjectId, ObjectId, ObjectId]:
    """Stores a course with two runs; none of its aggregates is right."""
    course = await insert(
        database,
        "courses",
        title="A",
        slug="a",
        status="DRAFT",
        importedStudentCount=100,
        importedRating={"average": 4.0, "count": 10},
    )
    full = await insert(database, "courseRuns", courseId=course, startsAt=JULY, seats=1)
    free = await insert(database, "courseRuns", courseId=course, startsAt=JUNE, seats=3)
    for status, run in (
        ("ACTIVE", full),
        ("WAITLISTED", full),
        ("COMPLETED", free),
        ("EXPIRED", free),
        ("CANCELLED", free),
    ):
        await insert(database, "enrollments", courseId=course, runId=run, studentId=ObjectId(), status=status)
    for rating, status in ((5, "PUBLISHED"), (1, "PENDING"), (None, "PUBLISHED")):
        await insert(database, "reviews", courseId=course, rating=rating, status=status)
    return course, full, free


async def test_every_difference_is_found_and_nothing_is_written(database: Database) -> None:
    course, full, free = await catalogue(database)
    public = await database["reviews"].find({"status": "PUBLISHED"}).sort("_id").to_list(None)
    before = [d async for d in database["courses"].find()]
    found = {(d.collection, d.id, d.field): d.true for d in await differences(database)}
    rating = summarise([0, 0, 0, 0, 1], {"average": 4.0, "count": 10})
    assert found == {
        **{("courses", course, name): value for name, value in rating.items() if name != "importedRating"},
        ("courses", course, "studentCount"): 103,
        ("courses", course, "seatsUntil"): JUNE,
        ("courses", course, "newestReviewIds"): pack_ids([review["_id"] for review in public]),
        ("courseRuns", full, "seatsTaken"): 1,
        ("courseRuns", full, "waitlistCount"): 1,
        ("courseRuns", free, "seatsTaken"): 1,
    }
    assert [d async for d in database["courses"].find()] == before


async def test_after_a_fix_there_is_no_difference(database: Database) -> None:
    course, _, _ = await catalogue(database)
    assert await differences(database, fix=True) != []
    assert await differences(database) == []
    document = await database["courses"].find_one({"_id": course})
    assert document is not None
    assert document["ratingCount"] == 11


async def test_a_run_with_unlimited_seats_has_a_free_seat(database: Database) -> None:
    course = await insert(database, "courses", title="A", slug="a")
    await insert(database, "courseRuns", courseId=course, startsAt=JULY)
    assert [(d.field, d.true) for d in await differences(database)] == [("seatsUntil", JULY)]


async def test_more_courses_than_fit_into_a_batch(database: Database) -> None:
    await database["courses"].insert_many(
        [{**complete("courses", {"title": "A", "slug": str(n)}), "studentCount": n} for n in range(1_203)]
    )
    found = await differences(database, fix=True)
    assert sorted(d.stored for d in found) == list(range(1, 1_203))
    assert await differences(database) == []


async def test_a_student_with_two_enrolments_counts_once(database: Database) -> None:
    course = await insert(database, "courses", title="A", slug="a")
    twice, once, cancelled = ObjectId(), ObjectId(), ObjectId()
    for student, status in (
        (twice, "COMPLETED"),
        (twice, "ACTIVE"),
        (once, "EXPIRED"),
        (cancelled, "CANCELLED"),
    ):
        await insert(database, "enrollments", courseId=course, studentId=student, status=status)
    await differences(database, fix=True)
    stored = await database["courses"].find_one({"_id": course})
    assert stored is not None
    assert stored["studentCount"] == 2


async def newest(database: Database) -> tuple[ObjectId, list[ObjectId]]:
    """Stores a course with 25 published reviews by two students; returns its id and those it should store."""
    course, students = factories.course(), [factories.student() for _ in range(3)]
    reviews = [factories.review(course, students[n % 2], n) for n in range(25)]
    for collection, documents in (("courses", [course]), ("students", students), ("reviews", reviews)):
        await database[collection].insert_many(documents)
    return course["_id"], [review["_id"] for review in reversed(reviews)][:NEWEST]


async def test_newest_review_ids_that_are_wrong_or_missing_are_found(database: Database) -> None:
    course, right = await newest(database)
    await differences(database, fix=True)
    true = {d["_id"]: d["newestReviewIds"] async for d in database["students"].find()}
    assert sorted(len(ids) // 12 for ids in true.values()) == [0, 12, 13]
    true[course] = pack_ids(right)
    wrong = (
        b"",
        None,
        pack_ids(right[::-1]),
        pack_ids([*right[1:], right[0]]),
        pack_ids(right[:20]),
        pack_ids([ObjectId(), *right[1:]]),
        pack_ids(right)[1:],
        right,
    )
    for stored in wrong:
        change = {"$set" if stored is not None else "$unset": {"newestReviewIds": stored}}
        for collection in ("courses", "students"):
            await database[collection].update_many({}, change)
        found = await differences(database, fix=True)
        assert {d.id: d.true for d in found} == {i: ids for i, ids in true.items() if ids != stored}
        assert await differences(database) == []


async def test_a_hidden_review_is_not_among_the_newest(database: Database) -> None:
    course, right = await newest(database)
    for change in ({"status": "PENDING"}, {"status": "REJECTED"}):
        hidden = right.pop(0)
        await database["reviews"].update_one({"_id": hidden}, {"$set": change})
        assert hidden not in (await ids_by_parent(database, "courseId", [course]))[0]
    assert (await ids_by_parent(database, "courseId", [ObjectId(), course]))[1][: len(right)] == right


async def test_hiding_a_course_does_not_change_the_newest_review_ids(database: Database) -> None:
    course, _ = await newest(database)
    await differences(database, fix=True)
    await database["courses"].update_one({"_id": course}, {"$set": {"status": "ARCHIVED"}})
    assert await differences(database) == []


dates = st.none() | st.integers(0, 3).map(lambda n: JUNE + timedelta(days=n))
reviews = st.fixed_dictionaries(
    {
        "createdAt": dates,
        "status": st.sampled_from(["PUBLISHED", "PUBLISHED", "PUBLISHED", "PENDING"]),
        "parent": st.sampled_from([0, 0, 0, 1, None]),
    }
)


@pytest.mark.parametrize("field", CARRIERS.values())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(reviews, max_size=60))
async def test_the_newest_review_ids_are_the_beginning_of_the_listing(
    indexed_database: Database, field: ReviewParent, made: list[Document]
) -> None:
    database = indexed_database
    await clear(database)
    parents = [ObjectId(), ObjectId()]
    for review in made:
        parent = review.pop("parent")
        owner = {"courseId": ObjectId(), field: None if parent is None else parents[parent]}
        await insert(database, "reviews", **review, **owner)
    listing = review_listing(Loaders(database), PUBLIC, field)
    listed = await listing.pages(parents, Window(NEWEST))
    ids = await ids_by_parent(database, field, parents)
    assert [unpack_ids(pack_ids(of_parent)) for of_parent in ids] == ids
    assert ids == [[review["_id"] for review in page.documents] for page in listed]
