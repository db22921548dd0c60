"""Messages to the students in a run: written once, in the transaction that changes their enrolment."""

from collections import Counter

import pytest
from bson import ObjectId

import loaders.enrollment
from loaders import course_writes, enrollment
from loaders.model import CourseRunDoc
from loaders.mongo import Database, Destinations, Transaction, transaction
from tests import factories
from tests.outbox.support import entries
from tests.writes.support import SOON, Doc, current, run_of, stored


@pytest.fixture
def sending(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database in which messages are written to the outbox."""
    monkeypatch.setattr(database, "destinations", Destinations(has_messages=True))
    return database


async def crowded(database: Database, active: int, waiting: int) -> tuple[Doc, list[Doc]]:
    """Stores and returns a full run, and the enrolments in it."""
    course = factories.course()
    run = run_of(course, seats=active)
    places = [
        factories.enrollment(
            course, factories.student(), runId=run["_id"], status="ACTIVE" if n < active else "WAITLISTED"
        )
        for n in range(active + waiting)
    ]
    await stored(database, courses=[course], courseRuns=[run], enrollments=places)
    return run, places


async def told(database: Database) -> Counter[tuple[str, ObjectId]]:
    """Counts the messages by kind and student."""
    return Counter((entry["kind"], entry["data"]["studentId"]) for entry in await entries(database))


async def test_everyone_in_a_cancelled_run_is_told_once(
    sending: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several transactions, the last of which finds nothing to do."""
    monkeypatch.setattr(loaders.enrollment, "MOST_MOVED", 4)
    run, places = await crowded(sending, 6, 5)

    async def cancel(tx: Transaction) -> CourseRunDoc:
        return await course_writes.cancel_run(tx, await tx.get("courseRuns", run["_id"]))

    async def cancel_more(tx: Transaction) -> CourseRunDoc | None:
        return await course_writes.cancel_places(tx, run["_id"])

    await transaction(sending, cancel)
    assert len(await entries(sending)) == 4
    while await transaction(sending, cancel_more):
        pass
    students = [place["studentId"] for place in places]
    assert await told(sending) == {("message.run_cancelled", student): 1 for student in students}
    message = (await entries(sending))[0]
    assert message["people"] == [message["data"]["studentId"]]
    assert (message["data"]["courseId"], message["data"]["runId"]) == (run["courseId"], run["_id"])


async def test_who_moves_up_is_told_until_the_run_begins(sending: Database) -> None:
    run, (seated, waiting, _) = await crowded(sending, 1, 2)

    async def cancel(tx: Transaction) -> None:
        await enrollment.change(tx, await tx.get("enrollments", seated["_id"]), status="CANCELLED")

    await transaction(sending, cancel)
    assert await told(sending) == {("message.moved_up", waiting["studentId"]): 1}
    (message,) = await entries(sending)
    assert message["expiresOn"] == (await current(sending, "courseRuns", run))["startsAt"] == SOON


async def test_who_is_moved_to_another_run_is_not_told(sending: Database) -> None:
    run, (moved, waiting) = await crowded(sending, 1, 1)
    other = run_of({"_id": run["courseId"]}, seats=1)
    await stored(sending, courseRuns=[other])

    async def move(tx: Transaction) -> None:
        place, to = await tx.get("enrollments", moved["_id"]), await tx.get("courseRuns", other["_id"])
        await enrollment.move(tx, place, to, "ACTIVE")

    await transaction(sending, move)
    assert await told(sending) == {("message.moved_up", waiting["studentId"]): 1}
