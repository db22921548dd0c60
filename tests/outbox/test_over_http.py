"""`lectern serve` posts events to a real receiver, also after it was killed."""

import asyncio
from pathlib import Path
from threading import Event as ThreadEvent
from typing import Any

import httpx

from app.settings import Settings
from loaders.mongo import Database
from tests import factories
from tests.outbox.processes import hasty_gateway, webhook_variables
from tests.outbox.receiver import Post, Receiver, Reply
from tests.outbox.support import entries, noted, published, until
from tests.support import serving
from tests.writes.support import Gateway, as_student, course_id, stored


async def enrol(url: str, course: Any, student: Any) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        await Gateway(http).done(as_student(student), "enroll", courseId=course_id(course))


async def test_an_enrolment_reaches_the_receiver(
    settings: Settings, database: Database, receiver: Receiver
) -> None:
    course, student = factories.course(), factories.student()
    await stored(database, courses=[course], students=[student])
    with serving(settings, **webhook_variables(receiver)) as url:
        await enrol(url, course, student)
        await until(lambda: len(receiver.posts) == 1)
    (event,) = receiver.events
    assert (event["type"], event["sequence"]) == ("enrollment.created", 1)
    assert event["data"]["courseId"] == course_id(course)


async def test_what_a_killed_gateway_was_posting_is_posted_by_another(
    settings: Settings, outgoing: Database, receiver: Receiver, tmp_path: Path
) -> None:
    """The receiver has the first post, but the gateway is killed before it gets an answer."""
    killed = ThreadEvent()

    def answer_late(_: Post) -> Reply:
        killed.wait(60)
        return Reply()

    receiver.reply = answer_late
    course = factories.course()["_id"]
    for _ in range(3):
        await noted(outgoing, published(course))
    with hasty_gateway(settings, receiver, tmp_path / "first.log") as first:
        await until(lambda: len(receiver.posts) == 1)
        first.kill()
        killed.set()
    assert {one["state"] for one in await entries(outgoing, destination="crm")} == {"PENDING"}
    with hasty_gateway(settings, receiver, tmp_path / "second.log"):
        await until(lambda: len(receiver.posts) >= 4)
    assert [event["sequence"] for event in receiver.events] == [1, 1, 2, 3]
    assert receiver.posts[0].id == receiver.posts[1].id
    assert receiver.posts[0].body == receiver.posts[1].body


async def test_a_gateway_that_stops_lets_its_posts_end(
    settings: Settings, database: Database, receiver: Receiver
) -> None:
    begun, released = ThreadEvent(), ThreadEvent()

    def answer_late(_: Post) -> Reply:
        begun.set()
        released.wait(60)
        return Reply()

    receiver.reply = answer_late
    course, student = factories.course(), factories.student()
    await stored(database, courses=[course], students=[student])
    with serving(settings, **webhook_variables(receiver)) as url:
        await enrol(url, course, student)
        assert await asyncio.to_thread(begun.wait, 60)
        released.set()
    (entry,) = await entries(database)
    assert entry["state"] == "SENT"
    assert len(receiver.posts) == 1
