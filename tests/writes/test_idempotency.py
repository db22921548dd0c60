"""A write that is retried with its idempotency key is not done again."""

from asyncio import gather
from datetime import timedelta

import pytest

from loaders.mongo.bson_types import now
from loaders.mongo.database import Database
from tests import factories
from tests.writes.scenes import NAMES, scenes
from tests.writes.support import Doc, Gateway, as_student, course_id, current, stored


async def classroom(database: Database, students: int = 1) -> tuple[Doc, list[Doc]]:
    course, people = factories.course(), [factories.student() for _ in range(students)]
    await stored(database, courses=[course], students=people)
    return course, people


@pytest.mark.parametrize("name", NAMES)
async def test_ten_concurrent_retries_are_done_once(gateway: Gateway, database: Database, name: str) -> None:
    viewer, values = (await scenes(database))[name]
    answers = await gather(*(gateway.done(viewer, name, **values) for _ in range(10)))
    assert all(answer == answers[0] for answer in answers)
    assert await database["auditLog"].count_documents({}) == 1
    assert await database["idempotencyKeys"].count_documents({}) == 1


async def test_a_retry_returns_the_first_answer_despite_later_changes(
    gateway: Gateway, database: Database
) -> None:
    course, (student,) = await classroom(database)
    viewer, values = as_student(student), {"courseId": course_id(course), "idempotencyKey": "k"}
    first = await gateway.done(viewer, "enroll", **values, clientMutationId="1")
    await gateway.done(viewer, "cancelEnrollment", enrollmentId=first["enrollment"]["id"])
    again = await gateway.done(viewer, "enroll", **values, clientMutationId="2")
    assert again == first | {"clientMutationId": "2"}
    assert await database["enrollments"].count_documents({}) == 1


async def test_reusing_a_key_for_another_request_is_a_conflict(gateway: Gateway, database: Database) -> None:
    course, (student,) = await classroom(database)
    other = factories.course()
    await stored(database, courses=[other])
    viewer, key = as_student(student), {"idempotencyKey": "k"}
    await gateway.done(viewer, "addToWishlist", courseId=course_id(course), **key)
    conflict = [("CONFLICT", "idempotencyKey")]
    assert await gateway.codes(viewer, "addToWishlist", courseId=course_id(other), **key) == conflict
    assert await gateway.codes(viewer, "enroll", courseId=course_id(course), **key) == conflict
    assert await gateway.codes(viewer, "removeFromWishlist", courseId=course_id(course), **key) == conflict
    assert await database["enrollments"].count_documents({}) == 0


async def test_concurrent_inputs_with_one_key_conflict(gateway: Gateway, database: Database) -> None:
    course, (student,) = await classroom(database)
    others = [factories.course() for _ in range(5)]
    await stored(database, courses=others)
    payloads = await gather(
        *(
            gateway.write(as_student(student), "enroll", courseId=course_id(target), idempotencyKey="k")
            for target in (course, *others)
        )
    )
    assert [e["code"] for payload in payloads for e in payload["errors"]] == ["CONFLICT"] * 5
    assert await database["enrollments"].count_documents({}) == 1


async def test_keys_are_per_viewer(gateway: Gateway, database: Database) -> None:
    course, students = await classroom(database, students=2)
    for student in students:
        await gateway.done(as_student(student), "enroll", courseId=course_id(course), idempotencyKey="k")
    assert (await current(database, "courses", course))["studentCount"] == 2


async def test_a_refused_write_can_be_retried_with_its_key(gateway: Gateway, database: Database) -> None:
    course, (student,) = await classroom(database)
    viewer = as_student(student)
    review = {"courseId": course_id(course), "rating": 5, "body": "Good.", "idempotencyKey": "k"}
    assert await gateway.codes(viewer, "createReview", **review) == [("NOT_ENROLLED", "courseId")]
    await gateway.done(viewer, "enroll", courseId=course_id(course))
    await gateway.done(viewer, "createReview", **review)
    assert await database["reviews"].count_documents({}) == 1


@pytest.mark.parametrize(("hours", "places"), [(23, 1), (25, 2)])
async def test_a_key_is_valid_for_a_day(
    gateway: Gateway, database: Database, hours: int, places: int
) -> None:
    course, (student,) = await classroom(database)
    viewer, values = as_student(student), {"courseId": course_id(course), "idempotencyKey": "k"}
    made = await gateway.done(viewer, "enroll", **values)
    await gateway.done(viewer, "cancelEnrollment", enrollmentId=made["enrollment"]["id"])
    then = now() - timedelta(hours=hours)
    await database["idempotencyKeys"].update_one({}, {"$set": {"at": then}})
    await gateway.done(viewer, "enroll", **values)
    assert await database["enrollments"].count_documents({}) == places
