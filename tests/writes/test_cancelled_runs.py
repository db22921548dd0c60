"""Cancelled runs: every place in them is cancelled, once, and nobody gets a new one."""

from asyncio import create_task, gather, sleep
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pymongo import MongoClient

import loaders.enrollment
from app.settings import Settings
from loaders.mongo.database import Database
from loaders.recounting import recount
from loaders.transfer.run_changes import fill_waitlists
from resolvers.context import Viewer
from tests import factories
from tests.storm.gateways import serving
from tests.writes.support import (
    DAY,
    SOON,
    STAFF,
    Doc,
    Gateway,
    Value,
    as_instructor,
    as_student,
    course_id,
    current,
    enrollment_id,
    run_id,
    run_of,
    stored,
)

ADA = factories.instructor("Ada")
LIVE = {"status": {"$in": ["ACTIVE", "WAITLISTED"]}}


async def crowded(database: Database, statuses: Mapping[str, int], **fields: Value) -> tuple[Doc, Doc]:
    """Stores and returns a course and a run of it, in which as many students have each status."""
    course = factories.course(instructorIds=[ADA["_id"]], summary="S", deliveryModes=["ONLINE"])
    run = run_of(course, **fields)
    places = [
        factories.enrollment(course, factories.student(), runId=run["_id"], status=status)
        for status, number in statuses.items()
        for _ in range(number)
    ]
    await stored(database, courses=[course], courseRuns=[run], enrollments=places)
    return course, run


async def statuses(database: Database) -> Mapping[str, int]:
    return Counter([enrollment["status"] async for enrollment in database["enrollments"].find()])


async def problems(database: Database) -> list[tuple[str, Value, Value]]:
    return [(d.field, d.stored, d.true) async for d in recount(database, fix=False)]


async def test_a_run_is_cancelled_with_the_places_in_it(gateway: Gateway, database: Database) -> None:
    """Nobody moves up to the seats that become free. Who has completed the course keeps that."""
    _, run = await crowded(database, {"ACTIVE": 3, "WAITLISTED": 2, "COMPLETED": 1}, seats=4)
    selected = "courseRun { status seatsLeft waitlistCount course { studentCount } }"
    for _ in range(2):
        payload = await gateway.done(STAFF, "cancelCourseRun", selected, runId=run_id(run))
        assert payload["courseRun"] == {
            "status": "CANCELLED", "seatsLeft": 0, "waitlistCount": 0, "course": {"studentCount": 1},
        }  # fmt: skip
    assert await statuses(database) == {"CANCELLED": 5, "COMPLETED": 1}
    async for enrollment in database["enrollments"].find({"status": "CANCELLED"}):
        assert enrollment["cancelledAt"]
    assert await database["auditLog"].count_documents({"action": "cancelCourseRun"}) == 1


async def test_a_run_is_scheduled_until_it_is_cancelled(gateway: Gateway, database: Database) -> None:
    course, later = await crowded(database, {}, startsAt=SOON + 9 * DAY)
    made = await gateway.done(
        STAFF, "createCourseRun", "courseRun { id status }",
        courseId=course_id(course), startsAt=SOON.isoformat(), deliveryMode="ONLINE",
    )  # fmt: skip
    assert made["courseRun"]["status"] == "SCHEDULED"
    listed = "{ courses { nodes { runs { nodes { id status } } } } }"
    await gateway.done(STAFF, "cancelCourseRun", runId=run_id(later))
    (found,) = (await gateway.ask(listed))["courses"]["nodes"]
    assert found["runs"]["nodes"] == [
        {"id": made["courseRun"]["id"], "status": "SCHEDULED"},
        {"id": run_id(later), "status": "CANCELLED"},
    ]


async def test_a_cancelled_run_has_no_seats_in_the_catalogue(gateway: Gateway, database: Database) -> None:
    course, later = await crowded(database, {"ACTIVE": 1}, startsAt=SOON + 9 * DAY, seats=5)
    soon = run_of(course, seats=None)
    await stored(database, courseRuns=[soon])
    seated = "{ courses(filter: { hasSeats: true }) { totalCount } }"
    for run, until, count in ((later, soon["startsAt"], 1), (soon, None, 0)):
        await gateway.done(STAFF, "cancelCourseRun", runId=run_id(run))
        seats_until = (await current(database, "courses", course))["seatsUntil"]
        assert (seats_until and seats_until.replace(tzinfo=None)) == (until and until.replace(tzinfo=None))
        assert (await gateway.ask(seated))["courses"]["totalCount"] == count


async def test_nobody_enrols_in_a_cancelled_run(gateway: Gateway, database: Database) -> None:
    course, run = await crowded(database, {"ACTIVE": 1}, seats=1)
    student = factories.student()
    await stored(database, students=[student])
    await gateway.done(STAFF, "cancelCourseRun", runId=run_id(run))
    place = {"courseId": course_id(course), "runId": run_id(run)}
    for wait in (False, True):
        codes = await gateway.codes(as_student(student), "enroll", **place, joinWaitlist=wait)
        assert codes == [("CONFLICT", "runId")]
    change = {"runId": run_id(run), "seats": 9}
    assert await gateway.codes(STAFF, "updateCourseRun", **change) == [("CONFLICT", "runId")]
    await gateway.done(as_student(student), "enroll", courseId=course_id(course))


async def test_refused_cancellations_of_runs(gateway: Gateway, database: Database) -> None:
    course, begun = await crowded(database, {"ACTIVE": 1}, startsAt=SOON - 40 * DAY)
    ended = run_of(course, startsAt=SOON - 50 * DAY, endsAt=SOON - 40 * DAY)
    await stored(database, courseRuns=[ended])

    async def codes(viewer: Viewer, run: Doc) -> list[tuple[str, ...]]:
        return await gateway.codes(viewer, "cancelCourseRun", runId=run_id(run))

    assert await codes(STAFF, ended) == [("EXPIRED", "runId")]
    assert await codes(STAFF, run_of(course)) == [("NOT_FOUND", "runId")]
    assert await codes(as_instructor(ADA), begun) == [("FORBIDDEN",)]
    assert await codes(as_student(factories.student()), begun) == [("FORBIDDEN",)]
    assert await codes(Viewer(), begun) == [("UNAUTHENTICATED",)]
    assert await statuses(database) == {"ACTIVE": 1}
    assert await codes(STAFF, begun) == []
    await database["courseRuns"].update_one({"_id": begun["_id"]}, {"$set": {"endsAt": SOON - 39 * DAY}})
    assert await codes(STAFF, begun) == []


async def test_the_waitlist_of_a_cancelled_run_doesnt_move(gateway: Gateway, database: Database) -> None:
    """As an import may leave it, with a student on the waitlist. Cancelling the run again settles it."""
    course, run = await crowded(database, {"ACTIVE": 1, "WAITLISTED": 1}, seats=1)
    await database["courseRuns"].update_one({}, {"$set": {"status": "CANCELLED"}})
    [_ async for _ in recount(database, fix=True)]
    assert await problems(database) == [("enrolled although cancelled", 2, 0)]
    active = await database["enrollments"].find_one({"status": "ACTIVE"})
    assert active
    await gateway.done(STAFF, "cancelEnrollment", enrollmentId=enrollment_id(active))
    target = {"courseId": course_id(course)}
    await gateway.done(STAFF, "archiveCourse", **target)
    await gateway.done(STAFF, "publishCourse", **target)
    assert await fill_waitlists(database, [run["_id"]]) == 0
    assert await statuses(database) == {"CANCELLED": 1, "WAITLISTED": 1}
    assert await problems(database) == [("enrolled although cancelled", 1, 0)]
    await gateway.done(STAFF, "cancelCourseRun", runId=run_id(run))
    assert await statuses(database) == {"CANCELLED": 2}


async def test_who_enrols_while_a_run_is_cancelled_has_no_place_in_it(
    gateway: Gateway, database: Database
) -> None:
    course, run = await crowded(database, {"ACTIVE": 2, "WAITLISTED": 2}, seats=2)
    students = [factories.student() for _ in range(12)]
    await stored(database, students=students)
    place = {"courseId": course_id(course), "runId": run_id(run), "joinWaitlist": True}
    enrolled, _ = await gather(
        gather(*(gateway.write(as_student(student), "enroll", **place) for student in students)),
        gateway.done(STAFF, "cancelCourseRun", runId=run_id(run)),
    )
    refused = [payload["errors"][0]["code"] for payload in enrolled if payload["errors"]]
    assert set(refused) <= {"CONFLICT"}
    assert await statuses(database) == {"CANCELLED": 16 - len(refused)}


@pytest.mark.parametrize("write", ["cancelCourseRun", "updateCourseRun"])
async def test_a_retry_after_the_run_was_deleted_returns_the_first_answer(
    gateway: Gateway, database: Database, write: str
) -> None:
    """The rest of the write, which a retry resumes, finds nothing left to do."""
    places = {"ACTIVE": 1, "WAITLISTED": 1} if write == "updateCourseRun" else {}
    _, run = await crowded(database, places, seats=1)
    await database["courseRuns"].update_one({}, {"$set": {"waitlistCount": 1 if places else 0}})
    values = {"runId": run_id(run), "idempotencyKey": "k"}
    first = await gateway.done(STAFF, write, "courseRun { id }", **values)
    await database["courseRuns"].delete_many({})
    assert await gateway.done(STAFF, write, "courseRun { id }", **values) == first


async def test_many_places_are_cancelled_in_several_transactions(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its own entries in the audit log, none with more changes than are shown."""
    monkeypatch.setattr(loaders.enrollment, "MOST_MOVED", 60)
    _, run = await crowded(database, {"ACTIVE": 100, "WAITLISTED": 50}, seats=100)
    payload = await gateway.done(STAFF, "cancelCourseRun", runId=run_id(run))
    assert payload["courseRun"]["waitlistCount"] == 0
    assert await statuses(database) == {"CANCELLED": 150}
    entries = await database["auditLog"].find({"action": "cancelCourseRun"}).to_list(None)
    assert max(len(entry["changes"]) for entry in entries) == 50
    changed = [c for entry in entries for c in entry["changes"] if c["collection"] == "enrollments"]
    assert len({c["documentId"] for c in changed}) == len(changed) == 150


async def test_a_cancellation_that_was_killed_is_resumed(
    settings: Settings, database: Database, gateway: Gateway, tmp_path: Path
) -> None:
    """A gateway is killed when only the last 500 of 5,000 places are left.

    A transaction of this test holds one of them, so that the gateway can't cancel them before.
    """
    _, run = await crowded(database, {"ACTIVE": 4_000, "WAITLISTED": 1_000}, seats=4_000)
    last = await database["enrollments"].find_one({}, sort=[("_id", -1)])
    assert last
    values = {"runId": run_id(run), "idempotencyKey": "k"}
    with held(settings, last), serving(settings, tmp_path / "log") as killed:
        await killed.ready()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{killed.port}", timeout=60) as http:
            asked = create_task(Gateway(http).done(STAFF, "cancelCourseRun", **values))
            while await database["enrollments"].count_documents(LIVE) > 500:  # noqa: ASYNC110 # nothing to await
                await sleep(0.02)
            killed.kill()
            await gather(asked, return_exceptions=True)
    assert await problems(database) == [("enrolled although cancelled", 500, 0)]

    await gateway.done(STAFF, "cancelCourseRun", **values)

    assert await statuses(database) == {"CANCELLED": 5_000}
    entries = database["auditLog"].find({"action": "cancelCourseRun"})
    cancelled = [change["documentId"] async for entry in entries for change in entry["changes"]]
    assert sorted(cancelled) == sorted([str(run["_id"]), *await ids_of(database)])


@contextmanager
def held(settings: Settings, enrollment: Doc) -> Iterator[None]:
    """Keeps others from writing to an enrolment, with an open transaction that has written to it."""
    uri, name = settings.mongodb_uri.get_secret_value(), settings.mongodb_database
    with MongoClient[Doc](uri) as client, client.start_session() as session, session.start_transaction():
        of_it = {"_id": enrollment["_id"]}
        client[name]["enrollments"].update_one(of_it, {"$set": {"progress": 0.5}}, session=session)
        yield
        session.abort_transaction()


async def ids_of(database: Database) -> list[str]:
    return [str(enrollment["_id"]) async for enrollment in database["enrollments"].find({}, {"_id": 1})]
