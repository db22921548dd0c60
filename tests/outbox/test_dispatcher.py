"""What a gateway does with the outbox: nothing without webhooks; otherwise it delivers, counts and ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import httpx
import pytest
from bson import ObjectId

from app.main import create_app
from app.settings import Settings
from loaders.mongo import Database
from tests import factories
from tests.metrics.gateways import sum_of
from tests.metrics.test_page import client_of
from tests.outbox.receiver import Receiver, Reply
from tests.outbox.support import noted, published, until
from tests.writes.support import as_student, course_id, served, stored


@asynccontextmanager
async def watched(database: Database) -> AsyncIterator[list[str]]:
    """Yields a list that in the end has what MongoDB did with the outbox, whoever asked for it."""
    found: list[str] = []
    await database["system.profile"].drop()
    await database.driver.command("profile", 2)
    try:
        yield found
    finally:
        await database.driver.command("profile", 0)
    of_outbox = {"ns": {"$regex": r"\.outbox(Sequences)?$"}}
    found += [one["op"] async for one in database["system.profile"].find(of_outbox)]
    await database["system.profile"].drop()


async def test_without_webhooks_the_outbox_is_neither_written_nor_read(
    settings: Settings, posting: Settings, database: Database, receiver: Receiver
) -> None:
    course, students = factories.course(), [factories.student() for _ in range(2)]
    await stored(database, courses=[course], students=students)
    async with watched(database) as found, served(settings) as gateway:
        await gateway.done(as_student(students[0]), "enroll", courseId=course_id(course))
    assert found == []
    async with watched(database) as found, served(posting) as gateway:
        await gateway.done(as_student(students[1]), "enroll", courseId=course_id(course))
        await until(lambda: len(receiver.posts) == 1)
    assert {"query", "update"} <= set(found)


@pytest.mark.usefixtures("quick")
async def test_what_waits_and_what_was_delivered_is_counted(
    posting: Settings, outgoing: Database, receiver: Receiver
) -> None:
    """Also what waits for a webhook that the gateway doesn't know."""
    receiver.reply = lambda post: Reply(410 if post.event["sequence"] == 2 else 200)
    course = ObjectId()
    for _ in range(3):
        await noted(outgoing, published(course))
    text = ""

    async def shows(client: httpx.AsyncClient, metric: str, number: float, **labels: str) -> bool:
        nonlocal text
        text = (await client.get("/metrics")).text
        return sum_of(text, metric, **labels) == number

    counting = posting.model_copy(update={"metrics": True})
    async with client_of(create_app(counting)) as client:
        parked = partial(shows, client, "lectern_deliveries_total", 1, destination="crm", outcome="parked")
        await until(parked)
        assert sum_of(text, "lectern_deliveries_total", destination="crm", outcome="sent") == 1
    async with client_of(create_app(counting)) as client:
        await until(partial(shows, client, "lectern_outbox_pending", 3, destination="cdn"))
    assert sum_of(text, "lectern_outbox_pending", destination="crm") == 1
    assert sum_of(text, "lectern_outbox_parked", destination="crm") == 1
    assert sum_of(text, "lectern_outbox_parked", destination="cdn") == 0
    assert sum_of(text, "lectern_outbox_oldest_seconds", destination="cdn") > 0


async def test_a_gateway_posts_at_once_what_it_has_written(
    posting: Settings, database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It doesn't wait until it looks at the outbox anyway, which here is tomorrow."""
    monkeypatch.setattr("app.delivery.lane._EVERY", 86_400.0)
    course, students = factories.course(), [factories.student() for _ in range(3)]
    await stored(database, courses=[course], students=students)
    async with served(posting) as gateway:
        for student in students:
            await gateway.done(as_student(student), "enroll", courseId=course_id(course))
        await until(lambda: len(receiver.posts) == 3)


async def test_two_gateways_share_the_work(posting: Settings, outgoing: Database, receiver: Receiver) -> None:
    await noted(outgoing, *(published(ObjectId()) for _ in range(60)))
    async with served(posting), served(posting):
        await until(lambda: len(receiver.posts) >= 60)
    assert len({post.id for post in receiver.posts}) == len(receiver.posts) == 60
