"""Deleting drafts."""

from asyncio import Event, create_task

import pytest

from loaders import course_writes
from loaders.model import MOST_PREREQUISITES, CourseDoc
from loaders.mongo.database import Database
from loaders.mongo.transactions import Transaction
from loaders.recounting import recount
from tests import factories
from tests.writes.support import (
    SOON,
    STAFF,
    Doc,
    Gateway,
    Value,
    as_instructor,
    course_id,
    current,
    run_id,
    run_of,
    stored,
)

ADA = factories.instructor("Ada")


def draft(**fields: Value) -> Doc:
    return factories.course("Draft", status="DRAFT", instructorIds=[ADA["_id"]], **fields)


async def test_a_draft_is_deleted_with_its_runs(gateway: Gateway, database: Database) -> None:
    course, other = draft(), factories.course()
    runs = [run_of(course) for _ in range(course_writes.MOST_DELETED)]
    await stored(database, courses=[course, other], courseRuns=[*runs, run_of(other)])
    values = {"courseId": course_id(course)}
    payload = await gateway.done(STAFF, "deleteCourse", "course { title runs { totalCount } }", **values)
    assert payload["course"] == {"title": "Draft", "runs": {"totalCount": 0}}
    assert await database["courses"].distinct("_id") == [other["_id"]]
    assert await database["courseRuns"].distinct("courseId") == [other["_id"]]
    gone = await gateway.ask(f'{{ nodes(ids: ["{course_id(course)}", "{run_id(runs[0])}"]) {{ id }} }}')
    assert gone["nodes"] == [None, None]
    assert await gateway.codes(STAFF, "deleteCourse", **values) == [("NOT_FOUND", "courseId")]

    entries = await database["auditLog"].find().to_list(None)
    changes = [change for entry in entries for change in entry["changes"]]
    assert {change["documentId"] for change in changes} == {str(one["_id"]) for one in (course, *runs)}
    assert {change["after"] for change in changes} == {None}
    assert "Draft" in [change["before"].get("title") for change in changes]


@pytest.mark.parametrize("status", ["PUBLISHED", "ARCHIVED"])
async def test_only_drafts_are_deleted(gateway: Gateway, database: Database, status: str) -> None:
    course = factories.course(status=status)
    await stored(database, courses=[course])
    assert await gateway.codes(STAFF, "deleteCourse", courseId=course_id(course)) == [
        ("CONFLICT", "courseId")
    ]
    assert await current(database, "courses", course)


@pytest.mark.parametrize("belongs", ["enrollments", "reviews", "courseRuns"])
async def test_a_draft_that_matters_to_someone_is_not_deleted(
    gateway: Gateway, database: Database, belongs: str
) -> None:
    course, student = draft(), factories.student()
    documents = {
        "enrollments": [factories.enrollment(course, student, status="CANCELLED")],
        "reviews": [factories.review(course, student, status="REJECTED")],
        "courseRuns": [run_of(course) for _ in range(course_writes.MOST_DELETED + 1)],
    }
    await stored(database, courses=[course], students=[student], **{belongs: documents[belongs]})
    assert await gateway.codes(STAFF, "deleteCourse", courseId=course_id(course)) == [
        ("CONFLICT", "courseId")
    ]
    assert await database[belongs].count_documents({}) == len(documents[belongs])


async def test_courses_no_longer_require_a_deleted_course(gateway: Gateway, database: Database) -> None:
    course, first = draft(), factories.course()
    number = course_writes._REQUIRING + 1
    requiring = [factories.course(prerequisiteIds=[course["_id"], first["_id"]]) for _ in range(number)]
    await stored(database, courses=[course, first, *requiring])
    await gateway.done(STAFF, "deleteCourse", courseId=course_id(course))
    assert await database["courses"].distinct("prerequisiteIds") == [first["_id"]]
    assert await database["courses"].count_documents({"prerequisiteIds": [first["_id"]]}) == number


@pytest.mark.parametrize("stored_as", ["a single id", "many"])
async def test_odd_prerequisites_lose_a_deleted_course(
    gateway: Gateway, database: Database, stored_as: str
) -> None:
    """Other programs may have stored an id instead of a list, or more than the maximum."""
    course, others = draft(), [factories.course() for _ in range(MOST_PREREQUISITES)]
    many = [*(one["_id"] for one in others), course["_id"]]
    odd = factories.course(prerequisiteIds=course["_id"] if stored_as == "a single id" else many)
    await stored(database, courses=[course, odd, *others])
    await gateway.done(STAFF, "deleteCourse", courseId=course_id(course))
    left = (await current(database, "courses", odd))["prerequisiteIds"]
    assert left == ([] if stored_as == "a single id" else many[:-1])


async def test_a_recount_finishes_an_interrupted_deletion(database: Database) -> None:
    course, first = draft(), factories.course()
    requiring = factories.course(prerequisiteIds=[course["_id"], first["_id"]])
    await stored(database, courses=[first])
    await database["courses"].insert_one(requiring)
    for fix in (False, True):
        found = [difference async for difference in recount(database, fix=fix)]
        (difference,) = [one for one in found if one.field == "prerequisiteIds"]
        assert (difference.id, difference.true) == (requiring["_id"], [first["_id"]])
    assert (await current(database, "courses", requiring))["prerequisiteIds"] == [first["_id"]]
    assert [d async for d in recount(database, fix=False) if d.field == "prerequisiteIds"] == []


@pytest.mark.parametrize(
    ("write", "values"),
    [("createCourseRun", {"startsAt": SOON.isoformat(), "deliveryMode": "ONLINE"}), ("publishCourse", {})],
)
async def test_a_draft_that_changes_while_it_is_deleted(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch, write: str, values: Doc
) -> None:
    """The deletion sees the change: a new run is deleted too, and a published course isn't."""
    course = draft(summary="S", deliveryModes=["ONLINE"])
    await stored(database, courses=[course], instructors=[ADA])
    read, changed, delete = Event(), Event(), course_writes.delete

    async def paused(tx: Transaction, course: CourseDoc) -> bool:
        read.set()
        await changed.wait()
        return await delete(tx, course)

    monkeypatch.setattr(course_writes, "delete", paused)
    deleting = create_task(gateway.codes(STAFF, "deleteCourse", courseId=course_id(course)))
    await read.wait()
    await gateway.done(as_instructor(ADA), write, courseId=course_id(course), **values)
    changed.set()
    assert await deleting == ([("CONFLICT", "courseId")] if write == "publishCourse" else [])
    assert await database["courseRuns"].count_documents({}) == 0
