"""What an operation pays in the end: what it did, or its full price if the response can't show that."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple
from unittest.mock import patch

import httpx
import pytest

from app.budget_classes import read_classes
from app.execution import Answer, Executor, Operation, Prepared
from app.main import create_app
from app.protection import CHEAP
from app.settings import Settings
from loaders.mongo import INTERRUPTED
from loaders.mongo.database import Database
from resolvers.relay import encode_id
from resolvers.schema import schema
from tests import factories
from tests.budgets.conftest import Warm
from tests.http.conftest import running
from tests.http.requests import Serve, client
from tests.loaders.mongod import Mongod

both_engines = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "reference"])

SIZE = 1_000_000
BUDGETS = f"public=1:{SIZE}"

TITLES = " ".join(f"title{n}: title" for n in range(10))
LISTED = "nodes { title description category { name } }"
#: Resolvers refuse the page size after the courses have been loaded. `data` is null, because no field on the
#: way to it may be null.
NULLED = f"{{ courses(first: 50) {{ {LISTED} nodes {{ reviews(first: -1) {{ nodes {{ id }} }} }} }} }}"
#: A condition below the courses has no value, which graphql-core finds out when it gets there.
UNCONDITIONED = """
query($no: Boolean = true) { courses(first: 50) { nodes { title rating { average @include(if: $no) } } } }
"""


class Paid(NamedTuple):
    """What the response to an operation says, and by how much the budget is smaller."""

    payload: dict[str, Any]
    requested: int
    actual: int
    taken: int


def asking(gateway: str, address: dict[str, str]) -> httpx.AsyncClient:
    """A client with a full budget, who asks for the cost."""
    http = client(gateway)
    http.headers.update({**address, "x-lectern-cost": "1"})
    return http


async def paid(http: httpx.AsyncClient, query: str, variables: dict[str, Any] | None = None) -> Paid:
    """Sends the first operation of a client."""
    answer = await http.post("/graphql", json={"query": query, "variables": variables})
    payload = answer.json()
    cost = payload["extensions"]["cost"]
    left = int(answer.headers["ratelimit"].split(";")[1].removeprefix("r="))
    assert 0 <= left - cost["remaining"] <= 5  # restored between the two
    return Paid(payload, cost["requested"], cost["actual"], SIZE - left)


@pytest.fixture
async def catalogue(database: Database) -> Database:
    courses = [
        factories.course(f"C{n}", slug=f"c{n}", categorySlug="art", description="x" * 4_000) for n in range(3)
    ]
    await factories.store(database, categories=[factories.category("art")], courses=courses)
    return database


def is_full(price: Paid) -> bool:
    """Whether it paid its full price. Up to 5 points may have been restored meanwhile."""
    assert price.requested > 100
    return price.actual == price.requested and 0 <= price.requested - price.taken <= 5


@both_engines
@pytest.mark.parametrize(("query", "variables"), [(NULLED, None), (UNCONDITIONED, {"no": None})])
async def test_nulled_data_pays_the_full_price(
    serve: Serve,
    catalogue: Database,
    address: dict[str, str],
    compiled: bool,
    query: str,
    variables: dict[str, Any] | None,
) -> None:
    async with asking(serve(budgets=BUDGETS, compiled_execution=compiled), address) as http:
        price = await paid(http, query, variables)
    assert price.payload["data"] is None
    assert is_full(price)


@both_engines
async def test_an_error_beside_data_pays_the_full_price(
    serve: Serve, catalogue: Database, address: dict[str, str], compiled: bool
) -> None:
    query = (
        '{ courses(first: 50) { nodes { title } } course(slug: "c0") { reviews(first: -1) { totalCount } } }'
    )
    async with asking(serve(budgets=BUDGETS, compiled_execution=compiled), address) as http:
        price = await paid(http, query)
    assert price.payload["errors"]
    assert is_full(price)


@both_engines
async def test_a_response_that_is_too_large_pays_the_full_price(
    serve: Serve, catalogue: Database, address: dict[str, str], compiled: bool
) -> None:
    gateway = serve(budgets=BUDGETS, compiled_execution=compiled, max_response_bytes=10_000)
    async with asking(gateway, address) as http:
        price = await paid(http, f"{{ courses(first: 50) {{ {LISTED} }} }}")
    (error,) = price.payload["errors"]
    assert error["extensions"]["code"] == "RESPONSE_TOO_LARGE"
    assert is_full(price)


@both_engines
async def test_a_refusal_of_graphql_core_pays_a_point(
    serve: Serve, catalogue: Database, address: dict[str, str], warm: Warm, compiled: bool
) -> None:
    query = "query($no: Boolean = true) { courses(first: 50) @include(if: $no) { nodes { title } } }"
    async with asking(serve(budgets=BUDGETS, compiled_execution=compiled), address) as http:
        await warm(http, query)
        price = await paid(http, query, {"no": None})
    assert "data" not in price.payload
    assert price.actual == 1
    assert price.taken <= 1


@both_engines
@pytest.mark.parametrize(
    "query",
    [
        '{ course(slug: "c0") { title price { currency } category { name } } }',
        '{ course(slug: "none") { title price { currency } category { name } } }',
        '{ course(slug: "apart") { title price { currency } category { name } } }',
        '{ course(slug: "apart") { title } }',
        "{ courses(first: 2) { totalCount } }",
        '{ courses(filter: {tags: ["none"], categories: ["art"]}) { totalCount } }',
        f'{{ node(id: "CATEGORY") {{ ... on Course {{ {TITLES} }} ... on Category {{ name }} }} }}',
        '{ courses(first: 9, filter: {categories: ["art"]}) { nodes { title } } }',
        f"{{ courses(first: 50) {{ {LISTED} }} }}",
    ],
    ids=["full", "null", "partly null", "text null", "page", "argument", "interface", "short list", "list"],
)
async def test_an_operation_pays_the_same_if_the_client_doesnt_ask_for_its_cost(
    serve: Serve, catalogue: Database, address: dict[str, str], warm: Warm, compiled: bool, query: str
) -> None:
    await factories.store(
        catalogue, courses=[factories.course("null", slug="apart", categorySlug="gone", priceMinor=None)]
    )
    gateway = serve(budgets=BUDGETS, compiled_execution=compiled, metrics=True)
    async with asking(gateway, address) as http:
        category = await catalogue["categories"].find_one({})
        assert category is not None
        query = query.replace("CATEGORY", encode_id("Category", category))
        await warm(http, query)
        price = await paid(http, query)
        before = await counted(http)
        answer = await http.post("/graphql", json={"query": query}, headers={"x-lectern-cost": "0"})
        assert answer.json() == {"data": price.payload["data"]}
        assert await counted(http) - before == price.actual <= price.requested


@both_engines
async def test_a_null_at_the_end_of_a_response_in_parts_is_seen(
    serve: Serve, catalogue: Database, address: dict[str, str], warm: Warm, compiled: bool
) -> None:
    courses = [factories.course(f"P{n}", slug=f"p{n}", description="x" * 10_000) for n in range(45)]
    await factories.store(catalogue, courses=courses)
    others = "category { name slug } rating { average } price { currency }"
    found = " ".join(f'p{n}: course(slug: "p{n}") {{ description }}' for n in range(45))
    query = f'{{ {found} last: course(slug: "none") {{ {TITLES} {others} }} }}'
    gateway = serve(budgets=BUDGETS, compiled_execution=compiled, metrics=True)
    async with asking(gateway, address) as http:
        await warm(http, query)
        price = await paid(http, query)
        before = await counted(http)
        await http.post("/graphql", json={"query": query}, headers={"x-lectern-cost": "0"})
        assert price.requested > CHEAP  # only then is a response encoded in parts
        assert await counted(http) - before == price.actual < price.requested


class Broken(Executor):
    """An executor with a bug: it fails once an operation is over."""

    async def _answer(self, *arguments: Any) -> Answer:
        raise RuntimeError


async def test_a_failure_of_the_gateway_pays_the_full_price(
    settings: Settings, catalogue: Database, address: dict[str, str]
) -> None:
    own = settings.model_copy(update={"budgets": read_classes(BUDGETS), "metrics": True})
    with patch("app.main.Executor", Broken):
        app = create_app(own)
    text = f"{{ courses(first: 50) {{ {LISTED} }} }}"
    prepared = Executor(schema).prepare(Operation(text))
    assert isinstance(prepared, Prepared)
    with running(app) as gateway:
        async with asking(gateway, address) as http:
            answer = await http.post("/graphql", json={"query": text})
            assert answer.status_code == 500
            assert await counted(http) == prepared.cost.price


@pytest.fixture
async def failing(
    own_mongod: Mongod, request: pytest.FixtureRequest, address: dict[str, str]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose MongoDB has failures."""
    own = own_mongod.settings(
        budgets=read_classes(BUDGETS), compiled_execution=request.param, request_timeout=2, metrics=True
    )
    with running(create_app(own)) as gateway:
        async with asking(gateway, address) as http:
            yield http


failing_engines = pytest.mark.parametrize(
    "failing", [True, False], ids=["compiled", "reference"], indirect=True
)


def of_courses(**failure: Any) -> dict[str, Any]:
    return {"failCommands": ["find", "aggregate"], "namespace": "own.courses", **failure}


@failing_engines
async def test_if_mongodb_fails_before_anything_is_done_an_operation_pays_a_point(
    own_mongod: Mongod, failing: httpx.AsyncClient, warm: Warm
) -> None:
    await warm(failing, NULLED)
    with own_mongod.failing(**of_courses(errorCode=INTERRUPTED)):
        price = await paid(failing, NULLED)
    (error,) = price.payload["errors"]
    assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert price.actual == 1
    assert price.taken <= 1


@failing_engines
async def test_a_query_past_its_deadline_pays_the_full_price(
    own_mongod: Mongod, failing: httpx.AsyncClient
) -> None:
    with own_mongod.failing(**of_courses(blockConnection=True, blockTimeMS=5_000)):
        price = await paid(failing, NULLED)
    (error,) = price.payload["errors"]
    assert error["extensions"]["code"] == "TIMEOUT"
    assert is_full(price)


@failing_engines
async def test_a_query_whose_client_leaves_pays_the_full_price(
    own_mongod: Mongod, failing: httpx.AsyncClient
) -> None:
    with own_mongod.failing(**of_courses(blockConnection=True, blockTimeMS=5_000)):
        asked = asyncio.create_task(failing.post("/graphql", json={"query": NULLED}))
        async with asyncio.timeout(30):
            while not any(  # noqa: ASYNC110
                map(_reads_courses, await asyncio.to_thread(own_mongod.in_flight))
            ):
                await asyncio.sleep(0.01)
            asked.cancel()
            while not (points := await counted(failing)):  # noqa: ASYNC110  # polls the gateway
                await asyncio.sleep(0.05)
    assert points == (await paid(failing, NULLED)).requested


def _reads_courses(operation: Mapping[str, Any]) -> bool:
    command = operation["command"]
    return "courses" in (command.get("find"), command.get("aggregate"))


async def counted(http: httpx.AsyncClient) -> int:
    """The points of the metrics: those of all requests that have ended."""
    page = (await http.get("/metrics")).text
    (points,) = re.findall(r'^lectern_budget_points_total{class="public"} (\S+)$', page, re.MULTILINE)
    return round(float(points))
