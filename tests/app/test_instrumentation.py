"""An application's listeners: which events they get, and that no request bypasses middleware."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.main import create_app
from app.observing import Instrumentation, LevelCalled, Listener, Record, Refused
from app.observing.record import MOST_KEPT
from app.settings import Settings
from loaders.mongo import CommandSent, Database
from tests import factories
from tests.factories import store
from tests.support import NOW

QUERY = "query Q { courses { nodes { title category { name } } } }"


class Recorder(Listener):
    """Records every event of a listener, in order."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def request_ended(self, record: Record) -> None:
        self.events.append(record)

    def command_sent(self, command: CommandSent) -> None:
        self.events.append(command)

    def refused(self, refusal: Refused) -> None:
        self.events.append(refusal)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def gateway(
    settings: Settings, *listeners: Listener, middleware: Any = None
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, *listeners)
    if middleware:
        app.add_middleware(middleware)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lectern") as client,
    ):
        yield client


@pytest.fixture
async def catalogue(database: Database) -> None:
    courses = [factories.course(categorySlug="c") for _ in range(3)]
    await store(database, courses=courses, categories=[factories.category("c")])


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(("compiled", "engine"), [(True, "compiled"), (False, "reference")])
async def test_a_listener_gets_all_events_of_a_request_in_order(
    settings: Settings, compiled: bool, engine: str
) -> None:
    recorder = Recorder()
    headers = {
        "x-request-id": "r-1",
        "apollographql-client-name": "web",
        "apollographql-client-version": "1.4",
    }
    changed = settings.model_copy(update={"compiled_execution": compiled})
    async with gateway(changed, recorder) as client:
        answer = await client.post("/graphql", json={"query": QUERY}, headers=headers)
    *commands, record = recorder.events
    assert (record.name, record.kind, record.engine) == ("Q", "query", engine)
    assert record.price > 20
    assert [(c.kind, c.collection, c.documents) for c in commands] == [
        ("find", "courses", 3),
        ("find", "categories", 1),
    ]
    assert record.commands == commands
    assert all(command.ms > 0 for command in commands)
    fields = [(level.depth, level.field, level.parents) for level in record.levels]
    assert fields == ([(1, "Query.courses", 1), (2, "Course.category", 3)] if compiled else [])
    assert [command.level for command in commands] == ([r.number for r in record.levels] or [-1, -1])
    assert (record.id, *record.client, record.status) == ("r-1", "web", "1.4", 200)
    assert record.bytes == len(answer.content)
    ends = [record.began, record.received, record.prepared, record.admitted, record.executed, record.ended]
    assert ends == sorted(ends)
    assert answer.headers["x-request-id"] == "r-1"


@pytest.mark.parametrize(
    ("body", "headers", "refused", "status"),
    [
        (b"{", {}, ("BAD_REQUEST", 400), 400),
        (b'{"query": "{"}', {}, ("GRAPHQL_PARSE_FAILED", None), 200),
        (b'{"query": "{ nothing }"}', {}, ("GRAPHQL_VALIDATION_FAILED", None), 200),
        (b'{"query": "{ __typename }"}', {"authorization": "Bearer x"}, ("UNAUTHENTICATED", 401), 401),
        (b'{"query": "{ __typename }"}', {"accept": "image/png"}, ("NOT_ACCEPTABLE", 406), 406),
    ],
)
async def test_a_listener_gets_refusals(
    settings: Settings, body: bytes, headers: dict[str, str], refused: tuple[str, int | None], status: int
) -> None:
    recorder = Recorder()
    async with gateway(settings, recorder) as client:
        await client.post("/graphql", content=body, headers={"content-type": "application/json", **headers})
    told, ended = recorder.events
    assert (told.code, told.status) == refused
    assert told.message
    assert ended.status == status


async def test_every_listener_is_notified(settings: Settings) -> None:
    recorders = [Recorder(), Recorder()]
    async with gateway(settings, *recorders) as client:
        await client.post("/graphql", json={"query": "{ courses { totalCount } }"})
    assert [len(recorder.of(CommandSent)) for recorder in recorders] == [2, 2]
    assert recorders[0].of(Record) == recorders[1].of(Record)


async def test_a_client_s_id_is_kept_if_it_is_short_and_plain(settings: Settings) -> None:
    recorder = Recorder()
    async with gateway(settings, recorder) as client:
        for given in ("a-B_3.c:4", "x" * 64, "x" * 65, "a b", "é", ""):
            headers = {b"x-request-id": given.encode()}
            await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    kept, longest, *others = [ended.id for ended in recorder.of(Record)]
    assert (kept, longest) == ("a-B_3.c:4", "x" * 64)
    assert len(set(others)) == 4
    assert all(len(own) == 16 for own in others)


async def test_a_client_s_name_and_version_are_truncated(settings: Settings) -> None:
    recorder = Recorder()
    async with gateway(settings, recorder) as client:
        for length in (64, 65):
            headers = {f"apollographql-client-{key}": "x" * length for key in ("name", "version")}
            await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    kept = [(len(ended.client.name), len(ended.client.version)) for ended in recorder.of(Record)]
    assert kept == [(64, 64), (64, 64)]


def test_events_without_listeners_are_not_measured() -> None:
    """Their attributes are None, so they cost a comparison."""

    class Deaf(Listener):
        pass

    silent = Instrumentation(Deaf(), Deaf())
    names = (
        "request_ended",
        "command_sent",
        "refused",
        "late_write",
        "misfit",
        "transaction",
    )
    assert [getattr(silent, name) for name in names] == [None] * len(names)


class Adding:
    """Middleware that counts requests, and adds a header to every answer."""

    paths: ClassVar[list[str]] = []

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.paths.append(scope["path"])

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-added", b"yes")]
            await send(message)

        await self._app(scope, receive, marked)


async def test_added_middleware_sees_every_request(settings: Settings) -> None:
    Adding.paths.clear()
    async with gateway(settings, middleware=Adding) as client:
        answers = [
            await client.post("/graphql", json={"query": "{ __typename }"}),
            await client.post("/graphql/", content=b"{"),
            await client.get("/healthz"),
            await client.get("/nowhere"),
        ]
    assert [answer.headers.get("x-added") for answer in answers] == ["yes"] * 4
    assert Adding.paths == ["/graphql", "/graphql/", "/healthz", "/nowhere"]


def test_a_record_keeps_a_bounded_number_of_commands_and_levels() -> None:
    passed_on = Record(NOW)
    record = Record(NOW, on_command=passed_on.command_sent)
    for _ in range(MOST_KEPT + 1):
        record.command_sent(CommandSent("find", "courses", 1.0, 1))
        record.level_called(LevelCalled(1, "Query.courses", 1, 1.0))
        if record.command_count == MOST_KEPT:
            assert (len(record.commands), len(record.levels)) == (MOST_KEPT, MOST_KEPT)
    assert (len(record.commands), len(record.levels)) == (MOST_KEPT, MOST_KEPT)
    assert (record.command_count, record.command_ms) == (MOST_KEPT + 1, MOST_KEPT + 1)
    assert passed_on.command_count == MOST_KEPT + 1


def test_a_record_does_not_change_once_its_request_has_ended() -> None:
    """Its line in the log is made later."""
    passed_on = Record(NOW)
    record = Record(NOW, on_command=passed_on.command_sent)
    record.ended = record.began + 1
    record.command_sent(CommandSent("commitTransaction", "", 1.0, None))
    assert (record.command_count, record.command_ms, record.commands) == (0, 0.0, [])
    assert passed_on.command_count == 1
