"""/healthz and /readyz: the answers for a load balancer."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import httpx
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from app import background
from app.database import connect
from app.main import create_app
from app.server import drain
from app.settings import Settings
from loaders import indexes
from loaders.collections import COLLECTIONS
from loaders.mongo.database import Database
from tests.loaders.mongod import Mongod, own_mongod
from tests.support import MongoCommands
from tests.writes.support import served

__all__ = ["own_mongod"]

ADDRESSES = ("127.0.0.1", "localhost", "mongodb", "hunter2", "ann", "27017")


@pytest.fixture
async def http(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with served(settings) as gateway:
        yield gateway.http


async def test_it_is_ready_when_mongodb_answers(http: httpx.AsyncClient) -> None:
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert (await http.get("/healthz")).json() == {"status": "ok"}


async def test_a_missing_index_is_reported_but_the_gateway_is_ready(
    settings: Settings, database: Database
) -> None:
    await database.driver.drop_collection("reviews")
    with capture_logs() as logged:
        async with served(settings) as gateway, asyncio.timeout(5):
            while "missingIndexes" not in (answer := await gateway.http.get("/readyz")).json():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    await indexes.ensure(database)
    assert answer.status_code == 200
    assert "reviews.courseId_1_createdAt_-1__id_1" in answer.json()["missingIndexes"]
    assert [line for line in logged if "lectern indexes" in line["event"]]


async def test_without_introspection_no_index_is_named(settings: Settings, database: Database) -> None:
    await database.driver.drop_collection("reviews")
    with capture_logs() as logged:
        async with (
            served(settings.model_copy(update={"introspection": False})) as gateway,
            asyncio.timeout(5),
        ):
            while not [line for line in logged if "lectern indexes" in line["event"]]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            answer = await gateway.http.get("/readyz")
    await indexes.ensure(database)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_indexes_that_are_built_while_it_serves_are_no_longer_missing(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_INDEXES_RETRY", 0.05)
    await database.driver.drop_collection("reviews")
    with capture_logs() as logged:
        async with served(settings) as gateway, asyncio.timeout(10):
            while "missingIndexes" not in (await gateway.http.get("/readyz")).json():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            await indexes.ensure(database)
            while "missingIndexes" in (await gateway.http.get("/readyz")).json():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    told = [line["event"] for line in logged if "missing" in line["event"]]
    assert "indexes are missing" in told[0]
    assert told[-1] == "no index is missing any more"


async def test_it_is_not_ready_while_it_drains(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.http.health.is_leaving", lambda: True)
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "draining"})
    assert not drain.is_draining()


async def test_no_answer_contains_an_address(settings: Settings) -> None:
    gone = SecretStr("mongodb://ann:hunter2@127.0.0.1:1/?directConnection=true")
    changed = settings.model_copy(update={"mongodb_uri": gone, "mongodb_timeout": 0.1})
    async with served(changed) as gateway:
        for _ in range(2):  # before the circuit opens, and after it
            answer = await gateway.http.get("/readyz")
            assert answer.status_code == 503
            assert answer.json() == {"status": "unavailable", "reason": "MongoDB does not answer."}
        response = await gateway.http.post("/graphql", json={"query": "{ categories { slug } }"})
        assert (await gateway.http.get("/healthz")).json() == {"status": "ok"}
    assert not [word for word in ADDRESSES if word in answer.text + response.text]


async def test_mongodb_is_pinged_once_a_second_however_many_requests_ask(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = MongoCommands()
    monkeypatch.setattr("app.main.connect", _listening(recorder))
    monkeypatch.setattr(
        "app.http.health._FRESH", 1_000.0
    )  # the test takes longer than a second on a busy machine
    async with served(settings) as gateway:
        checks = {f"listIndexes {name}" for name in COLLECTIONS}
        async with asyncio.timeout(30):
            while not checks <= set(recorder.sent):  # noqa: ASYNC110 # the driver's listeners set no event
                await asyncio.sleep(0.1)
        recorder.sent.clear()
        answers = await asyncio.gather(*(gateway.http.get("/readyz") for _ in range(50)))
        assert {answer.status_code for answer in answers} == {200}
        pings = [command for command in recorder.sent if command.startswith("ping")]
        assert len(pings) == 1
        assert not [command for command in recorder.sent if command.startswith("listIndexes")]


@pytest.mark.alone
async def test_a_silent_mongodb_is_reported_within_two_seconds(own_mongod: Mongod) -> None:
    async with served(own_mongod.settings(mongodb_timeout=0.5)) as gateway:
        assert (await gateway.http.get("/readyz")).status_code == 200
        with own_mongod.stopped():
            await asyncio.sleep(1.1)  # until the last result is stale
            for _ in range(3):
                began = monotonic()
                assert (await gateway.http.get("/readyz")).status_code == 503
                assert monotonic() - began < 2
        async with asyncio.timeout(5):
            while (await gateway.http.get("/readyz")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


def _listening(recorder: MongoCommands) -> object:
    return lambda settings, **options: connect(settings, recorder, **options)


def test_the_application_serves_both(settings: Settings) -> None:
    paths = {getattr(route, "path", "") for route in create_app(settings).routes}
    assert {"/healthz", "/readyz"} <= paths
