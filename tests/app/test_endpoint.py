"""The life of a request over HTTP: its deadline, its admission, a client that disconnects."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any, cast

import httpx
import orjson
import pytest
import strawberry
import uvicorn
from graphql import GraphQLSchema
from starlette.applications import Starlette
from starlette.routing import Route

from app.auth.authentication import Authentication
from app.execution import Executor, Operation
from app.http import Endpoint, health
from app.http.cancellation import Watch, Watches
from app.observing import Instrumentation, Listener, Record
from app.persisted import AutomaticQueries, OperationPolicy, TrustedOperations, UnknownOperations, hash_of
from app.protection import admission
from app.protection.admission import Admission, Lane
from app.request import Services
from loaders.mongo import Database
from loaders.mongo import scope as scopes
from resolvers import fields
from resolvers.cursors import Cursors
from tests.support import SECRET, TOKENS

JSON = {"accept": "application/json"}
GRAPHQL = {"accept": "application/graphql-response+json"}

SLOW = "{ slow }"
WRITE = "mutation { write }"

#: The only part of a context that graphql-core needs.
#: The services of a request; no field of these schemas uses the database.
SERVICES = Services(lambda: cast("Database", None), Cursors(SECRET.encode()), TOKENS)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.01)


class World:
    """A schema whose fields wait until `go` is set. It records which began, ended or were cancelled."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.events: list[str] = []
        self.scopes: list[scopes.Scope | None] = []
        world = self

        async def slow_(_: Any) -> int:
            return await world._take("slow")

        async def text_(_: Any, *, of: int) -> str:
            return "x" * of

        async def write_(_: Any) -> int:
            return await world._take("write")

        @strawberry.type
        class Query:
            slow: int = fields.root(slow_, description="")
            text: str = fields.root(text_, description="")

        @strawberry.type
        class Mutation:
            write: int = fields.root(write_, description="")

        self.schema = strawberry.Schema(Query, Mutation)._schema

    async def _take(self, name: str) -> int:
        self.scopes.append(scopes.current_scope.get())
        self.events.append(f"{name} began")
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.events.append(f"{name} was cancelled")
            raise
        self.events.append(f"{name} is done")
        return 1

    async def until(self, event: str) -> None:
        await until(lambda: event in self.events)


@pytest.fixture
async def world() -> World:
    return World()


def endpoint(schema: GraphQLSchema, **options: Any) -> Endpoint:
    most = options.pop("max_response_bytes", 10_000_000)
    executor = Executor(schema, compiled=False, max_response_bytes=most)
    authentication = Authentication(TOKENS, None, lambda: None)  # type: ignore[arg-type,return-value]
    return Endpoint(executor, authentication, SERVICES, max_body_bytes=100_000, graphiql=False, **options)


@asynccontextmanager
async def served(own: Endpoint) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an endpoint, which uvicorn serves in this event loop."""
    app = Starlette(routes=[Route("/graphql", own), *health.HEALTH_ROUTES])
    config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        running = asyncio.create_task(server._serve([listening]))
        await until(lambda: server.started)
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
                yield client
        finally:
            server.should_exit = True
            await running


async def ask(http: httpx.AsyncClient, query: str, headers: dict[str, str] = GRAPHQL) -> httpx.Response:
    return await http.post("/graphql", json={"query": query}, headers=headers)


def status_and_code(answer: httpx.Response) -> tuple[int, str]:
    (error,) = answer.json()["errors"]
    return answer.status_code, error["extensions"]["code"]


async def leave(asked: asyncio.Task[httpx.Response]) -> None:
    """Makes the client disconnect: httpx closes the connection of a cancelled request."""
    asked.cancel()
    await asyncio.wait([asked])


async def test_a_query_is_cancelled_when_its_client_disconnects(world: World) -> None:
    ended: list[Record] = []

    class Recorder(Listener):
        def request_ended(self, record: Record) -> None:
            ended.append(record)

    async with served(endpoint(world.schema, instrumentation=Instrumentation(Recorder()))) as http:
        asked = asyncio.create_task(ask(http, SLOW))
        await world.until("slow began")
        await leave(asked)
        await world.until("slow was cancelled")
    (scope,) = world.scopes
    assert scope is not None
    assert [(record.status, record.kind, record.code) for record in ended] == [(499, "query", "")]


async def test_a_mutation_that_has_begun_completes_though_its_client_disconnects(world: World) -> None:
    own = endpoint(world.schema)
    async with served(own) as http:
        asked = asyncio.create_task(ask(http, WRITE))
        await world.until("write began")
        await leave(asked)
        await asyncio.sleep(0.1)
        assert own.admission.writes.used > 0
        world.go.set()
        await world.until("write is done")
    assert world.events == ["write began", "write is done"]
    assert own.admission.writes.used == 0


@pytest.mark.parametrize(("query", "name"), [(SLOW, "cheap"), (WRITE, "writes")])
async def test_nothing_runs_for_a_client_that_disconnected_while_waiting(
    world: World, query: str, name: str
) -> None:
    own = endpoint(world.schema)
    lane: Lane = getattr(own.admission, name)
    async with served(own) as http:
        with taken(lane):
            asked = asyncio.create_task(ask(http, query))
            await until(lambda: lane.waiting == 1)
            await leave(asked)
            await until(lambda: lane.waiting == 0)
        await asyncio.sleep(0.05)
    assert world.events == []


class taken:  # noqa: N801  # used as a function
    """A lane without capacity, as long as the context lasts."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    def __enter__(self) -> None:
        assert self._lane.enter(self._lane.capacity)

    def __exit__(self, *_: object) -> None:
        self._lane.leave(self._lane.capacity)


@pytest.mark.parametrize("headers", [JSON, GRAPHQL])
async def test_a_request_that_waits_too_long_is_told_when_to_retry(
    world: World, headers: dict[str, str]
) -> None:
    own = endpoint(world.schema, admission=Admission(wait=0.05))
    async with served(own) as http:
        with taken(own.admission.cheap):
            answer = await ask(http, SLOW, headers)
        assert status_and_code(answer) == (503, "OVERLOADED")
        assert answer.headers["content-type"].startswith(headers["accept"])
        assert int(answer.headers["retry-after"]) >= 1
        assert "data" not in answer.json()
        world.go.set()
        assert (await ask(http, SLOW, headers)).json() == {"data": {"slow": 1}}


async def test_a_text_is_registered_once_it_is_admitted(world: World) -> None:
    database = SERVICES.database
    policy = OperationPolicy(
        "any", TrustedOperations(database, 1, 1), AutomaticQueries(database, 1), UnknownOperations(database)
    )
    own = endpoint(world.schema, admission=Admission(wait=0.05), policy=policy)
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": hash_of(SLOW)}}
    world.go.set()
    async with served(own) as http:
        for overloaded, registered in ((True, 0), (False, 1)):
            with taken(own.admission.cheap) if overloaded else nullcontext():
                await http.post("/graphql", json={"query": SLOW, "extensions": persisted})
            assert policy.counts.get("registered", 0) == registered


async def test_no_body_is_read_when_the_queue_is_full(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_MOST_WAITING", 1)
    own = endpoint(world.schema)
    async with served(own) as http:
        with taken(own.admission.cheap):
            asked = asyncio.create_task(ask(http, SLOW))
            await until(lambda: own.admission.cheap.waiting == 1)
            for body in (b'{"query": "{ slow }"}', b"{", b"x" * 200_000):
                answer = await http.post(
                    "/graphql", content=body, headers={"content-type": "application/json"}
                )
                assert status_and_code(answer) == (503, "OVERLOADED")
            assert (await http.get("/healthz")).status_code == 200
        world.go.set()
        assert (await asked).status_code == 200


async def test_the_variables_of_waiting_requests_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_MOST_BYTES", 1_000)
    own = endpoint(world.schema)
    world.go.set()
    async with served(own) as http:
        with taken(own.admission.cheap):
            body = {"query": SLOW, "variables": {"unused": "x" * 1_000}}
            asked = asyncio.create_task(http.post("/graphql", json=body))
            await until(lambda: own.admission.cheap.waiting == 1)
            assert status_and_code(await ask(http, SLOW)) == (503, "OVERLOADED")
        assert (await asked).status_code == 200


async def test_a_new_text_waits_until_it_may_be_parsed(world: World) -> None:
    own = endpoint(world.schema)
    world.go.set()
    async with served(own) as http:
        assert (await ask(http, SLOW)).status_code == 200
        with taken(own.admission.texts):
            new = asyncio.create_task(ask(http, "{ slow slow }"))
            await until(lambda: own.admission.texts.waiting == 1)
            assert (await ask(http, SLOW)).status_code == 200  # its text is cached
            assert not new.done()
        assert (await new).status_code == 200
    assert own.admission.texts.used == 0


async def test_texts_are_parsed_in_successive_iterations_of_the_loop(world: World) -> None:
    own = endpoint(world.schema)
    texts = own.admission.texts
    size = texts.capacity // 2 + 1
    assert texts.enter(size)
    await own._read(Operation(f"{{ slow }} # {'x' * 1_000}"), None)
    assert not texts.enter(texts.capacity - size)  # a parsed text counts until the next iteration
    await asyncio.sleep(0)
    assert texts.enter(texts.capacity - size)


@pytest.mark.parametrize("headers", [JSON, GRAPHQL])
async def test_a_query_is_cancelled_past_its_deadline(
    world: World, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.http.cancellation._GRACE", 0.1)
    async with served(endpoint(world.schema, timeout=0.1)) as http:
        answer = await ask(http, SLOW, headers)
        assert status_and_code(answer) == (503, "TIMEOUT")
        assert answer.headers["retry-after"]
    assert world.events == ["slow began", "slow was cancelled"]


async def test_a_wait_for_admission_ends_at_the_deadline(world: World) -> None:
    own = endpoint(world.schema, timeout=0.1)
    async with served(own) as http:
        with taken(own.admission.cheap):
            assert status_and_code(await ask(http, SLOW)) == (503, "TIMEOUT")
        assert own.admission.cheap.used == own.admission.cheap.waiting == 0


async def test_a_wait_for_the_body_ends_at_the_deadline(world: World) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(1)

    async with served(endpoint(world.schema, timeout=0.1)) as http:
        headers = {"content-type": "application/json"}
        answer = await http.post("/graphql", content=slowly(), headers=headers)
        assert status_and_code(answer) == (408, "TIMEOUT")
        assert answer.headers["connection"] == "close"


async def test_verifying_a_token_ends_at_the_deadline(world: World) -> None:
    class Never:
        async def viewer(self, *_: object) -> None:
            await asyncio.sleep(10)

    own = endpoint(world.schema, timeout=0.1)
    object.__setattr__(own, "authentication", Never())
    async with served(own) as http:
        assert status_and_code(await ask(http, SLOW, GRAPHQL | {"authorization": "Bearer x"})) == (
            503,
            "TIMEOUT",
        )


async def test_a_mutation_that_has_begun_is_answered_past_its_deadline(world: World) -> None:
    async with served(endpoint(world.schema, timeout=0.1)) as http:
        asked = asyncio.create_task(ask(http, WRITE))
        await asyncio.sleep(0.3)
        world.go.set()
        assert (await asked).json() == {"data": {"write": 1}}


async def test_commands_of_a_request_have_its_deadline(world: World) -> None:
    world.go.set()
    async with served(endpoint(world.schema, timeout=5)) as http:
        await ask(http, SLOW)
    (scope,) = world.scopes
    assert scope is not None
    assert 4 < scope.deadline - asyncio.get_running_loop().time() < 5
    assert scope.cheap
    assert scopes.current_scope.get() is None


TEXT = '{"data":{"text":""}}'


@pytest.mark.parametrize(("more", "fits"), [(0, True), (1, False)])
@pytest.mark.parametrize("headers", [JSON, GRAPHQL])
async def test_an_answer_over_max_response_bytes_is_an_error(
    world: World, more: int, fits: bool, headers: dict[str, str]
) -> None:
    most = 20_000
    async with served(endpoint(world.schema, max_response_bytes=most)) as http:
        answer = await ask(http, f"{{ text(of: {most - len(TEXT) + more}) }}", headers)
        assert answer.status_code == 200
        if fits:
            assert len(answer.content) == most
        else:
            assert status_and_code(answer) == (200, "RESPONSE_TOO_LARGE")
            assert answer.json()["data"] is None
            assert "LECTERN_MAX_RESPONSE_BYTES" in answer.text


async def test_a_quick_request_creates_no_task(world: World) -> None:
    received: list[str] = []

    async def receive() -> dict[str, Any]:
        received.append("a message")
        return {"type": "http.disconnect"}

    watch = Watch(receive, scopes.Scope(asyncio.get_running_loop().time() + 10), Watches())
    watch.listen()
    watch.begin(is_query=True)
    watch.close()
    await asyncio.sleep(0.1)
    assert received == []
    assert not watch.has_ended


async def test_a_stopping_server_is_not_a_client_that_disconnected(world: World) -> None:
    own = endpoint(world.schema)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": orjson.dumps({"query": SLOW})}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"",
             "headers": [(b"content-type", b"application/json")]}  # fmt: skip
    task = asyncio.create_task(own(scope, receive, send))
    await world.until("slow began")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sent == []
