from datetime import UTC, datetime
from typing import Any

from bson import ObjectId

from loaders.aggregates import Difference, recount
from loaders.creation import complete
from loaders.mongo import Database
from loaders.ratings import summarise

JUNE, JULY = (datetime(2030, month, 1, tzinfo=UTC) for month in (6, 7))


async def insert(database: Database, collection: str, **fields: Any) -> ObjectId:
    document = {"_id": ObjectId(), **complete(collection, fields)}
    await database[collection].insert_one(document)
    return ObjectId(document["_id"])


async def differences(database: Database, *, fix: bool = False) -> list[Difference]:
    return [difference async for difference in recount(database, fix=fix)]


async def catalogue(database: Database) -> tuple[ObjectId, ObjectId, ObjectId]:
    """A course with two runs; none of its aggregates is right."""
    course = await insert(
        database,
        "courses",
        title="A",
        slug="a",
        status="DRAFT",
        importedStudentCount=100,
        **{"rating.imported": {"average": 4.0, "count": 10}},
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
        await insert(
            database, "reviews", courseId=course, courseStatus="PUBLISHED", rating=rating, status=status
        )
    return course, full, free


async def test_every_difference_is_found_and_nothing_written(database: Database) -> None:
    course, full, free = await catalogue(database)
    before = [d async for d in database["courses"].find()]
    found = {(d.collection, d.id, d.field): d.true for d in await differences(database)}
    copies = [key for key in found if key[2] == "courseStatus"]
    assert len(copies) == 5
    assert {found.pop(key) for key in copies} == {"DRAFT"}
    assert found == {
        ("courses", course, "rating"): summarise([0, 0, 0, 0, 1], {"average": 4.0, "count": 10}),
        ("courses", course, "studentCount"): 103,
        ("courses", course, "seatsUntil"): JUNE,
        ("courseRuns", full, "seatsTaken"): 1,
        ("courseRuns", full, "waitlistCount"): 1,
        ("courseRuns", free, "seatsTaken"): 1,
    }
    assert [d async for d in database["courses"].find()] == before


async def test_fixed_there_is_no_difference_left(database: Database) -> None:
    course, _, _ = await catalogue(database)
    assert await differences(database, fix=True) != []
    assert await differences(database) == []
    document = await database["courses"].find_one({"_id": course})
    assert document is not None
    assert document["rating"]["count"] == 11
    assert await database["reviews"].count_documents({"courseStatus": "DRAFT"}) == 3


async def test_a_run_without_a_limit_has_seats(database: Database) -> None:
    course = await insert(database, "courses", title="A", slug="a")
    await insert(database, "courseRuns", courseId=course, startsAt=JULY)
    assert [(d.field, d.true) for d in await differences(database)] == [("seatsUntil", JULY)]


async def test_more_courses_than_a_batch(database: Database) -> None:
    await database["courses"].insert_many(
        [{**complete("courses", {"title": "A", "slug": str(n)}), "studentCount": n} for n in range(1_203)]
    )
    found = await differences(database, fix=True)
    assert sorted(d.stored for d in found) == list(range(1, 1_203))
    assert await differences(database) == []


async def test_a_student_with_two_enrolments_is_one_student(database: Database) -> None:
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
