"""Each kind of event, from a write over HTTP to a receiver."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from app.settings import Settings
from loaders.mongo import Database, now
from resolvers.context import Viewer
from resolvers.relay import encode_id
from tests import factories
from tests.outbox.receiver import Receiver
from tests.outbox.support import until
from tests.writes.support import (
    STAFF,
    Gateway,
    as_student,
    course_id,
    enrollment_id,
    run_id,
    run_of,
    served,
    stored,
)


@pytest.fixture
async def gateway(posting: Settings, database: Database) -> AsyncIterator[Gateway]:
    async with served(posting) as own:
        yield own


async def received(receiver: Receiver, number: int) -> list[dict[str, Any]]:
    """The events that have come to the receiver, once there are so many."""
    await until(lambda: len(receiver.posts) >= number)
    return receiver.events


async def test_publishing_a_course(gateway: Gateway, database: Database, receiver: Receiver) -> None:
    course = factories.course(status="DRAFT", summary="S", deliveryModes=["ONLINE"])
    await stored(database, courses=[course])
    await gateway.done(STAFF, "publishCourse", courseId=course_id(course))
    await gateway.done(STAFF, "publishCourse", courseId=course_id(course))  # it is published already
    await gateway.done(STAFF, "archiveCourse", courseId=course_id(course))
    await gateway.done(STAFF, "publishCourse", courseId=course_id(course))
    one, two = await received(receiver, 2)
    assert (one["type"], one["subject"], one["sequence"]) == ("course.published", course_id(course), 1)
    assert one["data"] == {"courseId": course_id(course)}
    assert two["sequence"] == 2


async def test_changing_a_run(gateway: Gateway, database: Database, receiver: Receiver) -> None:
    course = factories.course()
    run = run_of(course, seats=1)
    await stored(database, courses=[course], courseRuns=[run])
    for seats in (2, 2, 3):  # the second changes nothing
        await gateway.done(STAFF, "updateCourseRun", runId=run_id(run), seats=seats)
    events = await received(receiver, 2)
    assert [(event["type"], event["subject"], event["sequence"]) for event in events] == [
        ("course_run.changed", run_id(run), 1),
        ("course_run.changed", run_id(run), 2),
    ]
    assert events[0]["data"] == {"runId": run_id(run), "courseId": course_id(course)}


async def test_cancelling_a_run(gateway: Gateway, database: Database, receiver: Receiver) -> None:
    """It is one event, whoever had a place in the run, and however often the run is cancelled."""
    course = factories.course()
    run, students = run_of(course, seats=2), [factories.student() for _ in range(3)]
    places = [
        factories.enrollment(course, by, runId=run["_id"], status="WAITLISTED" if n == 2 else "ACTIVE")
        for n, by in enumerate(students)
    ]
    await stored(database, courses=[course], courseRuns=[run], students=students, enrollments=places)
    for _ in range(2):
        await gateway.done(STAFF, "cancelCourseRun", runId=run_id(run))
    (event,) = await received(receiver, 1)
    assert (event["type"], event["subject"]) == ("course_run.cancelled", run_id(run))
    assert event["data"] == {"runId": run_id(run), "courseId": course_id(course)}
    assert await database["outbox"].count_documents({}) == 1


async def test_enrolling_and_moving_up_from_a_waitlist(
    gateway: Gateway, database: Database, receiver: Receiver
) -> None:
    course = factories.course()
    run, first, second = run_of(course, seats=1), factories.student(), factories.student()
    await stored(database, courses=[course], courseRuns=[run], students=[first, second])
    wanted = {"courseId": course_id(course), "runId": run_id(run), "joinWaitlist": True}
    placed, waiting = [
        (await gateway.done(as_student(student), "enroll", **wanted))["enrollment"]["id"]
        for student in (first, second)
    ]
    await gateway.done(as_student(first), "cancelEnrollment", enrollmentId=placed)
    events = sorted(await received(receiver, 3), key=lambda event: (event["type"], event["sequence"]))
    ids = {"courseId": course_id(course), "runId": run_id(run)}
    people = [encode_id("Student", student) for student in (first, second)]
    one, two = sorted(events[:2], key=lambda event: str(event["data"]["status"]))
    assert one["data"] == {**ids, "enrollmentId": placed, "studentId": people[0], "status": "ACTIVE"}
    assert two["data"] == {**ids, "enrollmentId": waiting, "studentId": people[1], "status": "WAITLISTED"}
    assert (events[2]["type"], events[2]["subject"], events[2]["sequence"]) == (
        "enrollment.moved_up",
        waiting,
        2,
    )
    assert events[2]["data"] == two["data"] | {"status": "ACTIVE"}


async def test_all_who_move_up_are_told_of_with_three_commands(
    gateway: Gateway, database: Database, receiver: Receiver
) -> None:
    course = factories.course()
    run, students = run_of(course, seats=0), [factories.student() for _ in range(30)]
    places = [
        factories.enrollment(course, student, runId=run["_id"], status="WAITLISTED") for student in students
    ]
    await stored(database, courses=[course], courseRuns=[run], students=students, enrollments=places)
    await gateway.done(STAFF, "updateCourseRun", runId=run_id(run), seats=30)
    events = await received(receiver, 31)
    moved = {event["subject"] for event in events if event["type"] == "enrollment.moved_up"}
    assert moved == {enrollment_id(place) for place in places}


async def test_writing_a_review(gateway: Gateway, database: Database, receiver: Receiver) -> None:
    course, student = factories.course(), factories.student()
    place = factories.enrollment(course, student)
    await stored(database, courses=[course], students=[student], enrollments=[place])
    values = {"courseId": course_id(course), "rating": 5, "body": "A secret opinion."}
    review = (await gateway.done(as_student(student), "createReview", **values))["review"]
    await until(lambda: len(receiver.posts) == 1)
    (post,) = receiver.posts
    assert post.event["type"] in {"review.written", "review.held"}
    assert post.event["data"] == {
        "reviewId": review["id"],
        "courseId": course_id(course),
        "studentId": encode_id("Student", student),
    }
    assert b"opinion" not in post.body


@pytest.mark.parametrize(("status", "kind"), [("PUBLISHED", "review.written"), ("PENDING", "review.held")])
async def test_a_review_is_written_or_held(outgoing: Database, status: str, kind: str) -> None:
    from loaders import review_writes
    from loaders.mongo import Transaction, transaction

    course, student = factories.course(), factories.student()
    await stored(outgoing, courses=[course], students=[student])

    async def work(tx: Transaction) -> None:
        fields = {"studentId": student["_id"], "rating": 3, "body": "B", "status": status}
        await review_writes.insert(tx, course, fields)  # type: ignore[arg-type] # a course, as BSON holds it

    await transaction(outgoing, work)
    assert [entry["kind"] async for entry in outgoing["outbox"].find({})] == [kind]


async def test_a_write_that_is_refused_or_repeated_posts_nothing(
    gateway: Gateway, database: Database, receiver: Receiver
) -> None:
    course, student = factories.course(), factories.student()
    own = ObjectId()
    session = {
        "_id": own, "accountId": ObjectId(), "generation": 0, "refreshKey": None, "createdAt": now(),
        "endedAt": None, "expiresAt": now() + timedelta(days=1),
    }  # fmt: skip
    await stored(database, courses=[course], students=[student], sessions=[session])
    viewer = Viewer(frozenset({"STUDENT"}), student["_id"], None, "bob", own)
    values = {"courseId": course_id(course), "idempotencyKey": "once"}
    for _ in range(3):
        await gateway.done(viewer, "enroll", **values)
    assert await gateway.codes(viewer, "enroll", courseId=course_id(course)) == [("DUPLICATE", "courseId")]
    await gateway.done(STAFF, "archiveCourse", courseId=course_id(course))
    await gateway.done(STAFF, "updateCourse", courseId=course_id(course), summary="S")
    await until(lambda: len(receiver.posts) >= 1)
    assert await database["outbox"].count_documents({}) == 1
