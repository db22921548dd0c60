"""Failures of the gateway: masked, with an ID that is in the log, and the write is rolled back."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from structlog.testing import capture_logs

from app.settings import Settings
from loaders.mongo.database import Database
from tests import factories
from tests.support import serving
from tests.writes.support import (
    STAFF,
    Gateway,
    Value,
    as_student,
    course_id,
    current,
    operation,
    review_id,
    review_of,
    run_id,
    run_of,
    served,
    stored,
)


@pytest.mark.parametrize("compiled", [True, False])
async def test_unexpected_errors_are_masked_and_rolled_back(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, compiled: bool
) -> None:
    course, student = factories.course(), factories.student()
    enrollment = factories.enrollment(course, student)
    await stored(database, courses=[course], students=[student], enrollments=[enrollment])
    monkeypatch.setattr("loaders.review_writes.add_stars", lambda *_: {1: 0}[2])
    values = {"courseId": course_id(course), "rating": 1, "body": "B", "idempotencyKey": "k"}
    async with served(settings.model_copy(update={"compiled_execution": compiled})) as gateway:
        with capture_logs() as logged:
            answer = await gateway.post(operation("createReview"), {"input": values}, as_student(student))
        (error,) = answer["errors"]
        assert answer["data"] is None
        assert error["message"] == "Something went wrong on our side."
        assert error["path"] == ["createReview"]
        assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        (entry,) = [e for e in logged if e.get("error_id") == error["extensions"]["errorId"]]
        assert isinstance(entry["exc_info"], KeyError)
        for collection in ("reviews", "auditLog", "idempotencyKeys"):
            assert await database[collection].count_documents({}) == 0
        monkeypatch.undo()
        await gateway.done(as_student(student), "createReview", **values)


async def test_a_write_completes_when_its_client_disconnects(gateway: Gateway, database: Database) -> None:
    """Otherwise it would be left to chance how much of it is done."""
    course, student = factories.course(), factories.student()
    await stored(database, courses=[course], students=[student])
    values = {"courseId": course_id(course), "idempotencyKey": "k"}
    asked = asyncio.create_task(gateway.done(as_student(student), "enroll", **values))
    while not asked.done() and not await database["idempotencyKeys"].count_documents({}):
        await asyncio.sleep(0)
        if asyncio.all_tasks() & _writes():
            asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await gateway.done(as_student(student), "enroll", **values)
    assert await database["enrollments"].count_documents({}) == 1


def _writes() -> set[asyncio.Task[Value]]:
    """Returns the tasks of the writes in flight."""
    return {t for t in asyncio.all_tasks() if getattr(t.get_coro(), "__name__", "") == "_payload"}


@pytest.fixture(scope="module")
def url(settings: Settings) -> Iterator[str]:
    """The URL of `lectern serve` in a process of its own, on the database of the tests."""
    with serving(settings) as url:
        yield url


async def test_a_served_gateway_oversells_no_seat(gateway: Gateway, database: Database, url: str) -> None:
    course = factories.course()
    run, students = run_of(course, seats=5), [factories.student() for _ in range(20)]
    await stored(database, courses=[course], courseRuns=[run], students=students)
    place = {"courseId": course_id(course), "runId": run_id(run)}
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        remote = Gateway(http)
        payloads = await asyncio.gather(
            *(
                remote.write(as_student(student), "enroll", **place, joinWaitlist=True, idempotencyKey="k")
                for student in students * 2
            )
        )
    statuses = [payload["enrollment"]["status"] for payload in payloads]
    assert (statuses.count("ACTIVE"), statuses.count("WAITLISTED")) == (10, 30)
    assert payloads[:20] == payloads[20:]
    assert (await current(database, "courseRuns", run))["waitlistCount"] == 15


async def test_a_served_gateway_counts_created_and_deleted_reviews(
    gateway: Gateway, database: Database, url: str
) -> None:
    course, student, other = factories.course(), factories.student(), factories.student()
    places = [factories.enrollment(course, by) for by in (student, other)]
    review = review_of(course, other, rating=1)
    await stored(database, courses=[course], students=[student, other], enrollments=places, reviews=[review])
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        remote = Gateway(http)
        text = {"courseId": course_id(course), "rating": 5, "body": "Good."}
        made = await remote.done(as_student(student), "createReview", **text)
        assert made["course"]["rating"] == {"count": 2, "average": 3}
        gone = await remote.done(STAFF, "deleteReview", reviewId=review_id(review))
        assert gone["course"]["rating"] == {"count": 1, "average": 5}
