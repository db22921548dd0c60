"""Budgets over HTTP: a gateway under uvicorn."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest

from app.budgets.bucket import Bucket
from app.observing import Listener, Record
from app.observing.request_line import fields_of
from loaders.mongo.database import Database
from resolvers.context import Viewer
from tests.budgets.conftest import Warm
from tests.http.requests import Serve, client, error
from tests.loaders.mongod import Mongod
from tests.support import TOKENS

KEY = "a key of a partner"
KEYS = f"partner:{sha256(KEY.encode()).hexdigest()}"
CLASSES = "public=1:105,student=2:210,partner=3:300,friend=unlimited"

QUERY = "{ categories { id } }"
PRICE = 320  # 250 categories with a value each, and a command
TYPENAME = "{ __typename }"  # costs nothing, so it pays 1
JSON = "application/json"


def bearer(viewer: Viewer) -> dict[str, str]:
    return {"authorization": f"Bearer {TOKENS.access(viewer).text}"}


@pytest.fixture
async def http(serve: Serve, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway. Each test has an address of its own, with a full budget."""
    async with client(serve(budgets=CLASSES, client_keys=KEYS)) as http:
        yield http


async def ask(http: httpx.AsyncClient, query: str, headers: dict[str, str], **body: Any) -> httpx.Response:
    return await http.post("/graphql", json={"query": query, **body}, headers=headers)


@pytest.mark.usefixtures("stopped_clock")
async def test_each_response_has_the_state_of_the_budget(
    http: httpx.AsyncClient, address: dict[str, str], warm: Warm
) -> None:
    await warm(http, TYPENAME)
    first, second = [await ask(http, TYPENAME, address) for _ in range(2)]
    assert first.headers["ratelimit-policy"] == '"public";q=105;w=105;qu="cost"'
    assert first.headers["ratelimit"] == '"public";r=104;t=1'
    assert second.headers["ratelimit"] in {'"public";r=103;t=2', '"public";r=104;t=1'}


async def spend(http: httpx.AsyncClient, headers: dict[str, str], query: str = TYPENAME) -> httpx.Response:
    """Spends the budget of a client, 1 point for each request. Returns the first refusal."""
    for _ in range(1_000):
        answer = await ask(http, query, headers)
        if answer.status_code != 200:
            return answer
    raise AssertionError


@pytest.mark.parametrize("accept", [JSON, "application/graphql-response+json"])
async def test_over_the_limit(http: httpx.AsyncClient, address: dict[str, str], accept: str) -> None:
    answer = await spend(http, {**address, "accept": accept})
    wait = int(answer.headers["retry-after"])
    message = f"Your budget has too few points left: this request costs 1. Try again in {wait} s."
    assert error(answer) == (429, "RATE_LIMITED", message)
    assert answer.json()["errors"][0]["extensions"]["retryAfter"] == wait >= 1
    assert answer.headers["content-type"].startswith(accept)
    assert answer.headers["ratelimit"].startswith('"public";r=0;t=')


async def test_after_the_time_of_the_answer_a_request_is_admitted(
    http: httpx.AsyncClient, address: dict[str, str], database: Database
) -> None:
    await spend(http, address)
    await database["budgets"].update_many({}, [{"$set": {"at": {"$subtract": ["$at", 10_000]}}}])
    answer = await ask(http, TYPENAME, address)
    while answer.status_code == 429:  # the gateway remembers its refusal for a second
        answer = await ask(http, TYPENAME, address)
    assert answer.status_code == 200


@pytest.mark.usefixtures("stopped_clock")
async def test_an_operation_that_no_budget_can_hold_is_too_large(
    http: httpx.AsyncClient, address: dict[str, str], warm: Warm
) -> None:
    await warm(http, QUERY)
    answer = await ask(http, QUERY, address)
    assert error(answer) == (
        200,
        "OPERATION_TOO_LARGE",
        f"The operation costs up to {PRICE}, but at most 105 are allowed (LECTERN_BUDGETS). A budget of the "
        "class `public` never holds more. Request less at once.",
    )
    assert "retry-after" not in answer.headers
    assert answer.headers["ratelimit"] == '"public";r=104;t=1'


async def test_exactly_the_size_is_admitted_and_one_more_is_not(
    serve: Serve, database: Database, address: dict[str, str], other_address: dict[str, str]
) -> None:
    async with client(serve(budgets=f"public=1:{PRICE}")) as http:
        assert "errors" not in (await ask(http, QUERY, address)).json()
    async with client(serve(budgets=f"public=1:{PRICE - 1}")) as http:
        assert error(await ask(http, QUERY, other_address))[1] == "OPERATION_TOO_LARGE"


async def test_what_an_operation_didnt_do_is_given_back(
    serve: Serve, database: Database, address: dict[str, str]
) -> None:
    async with client(serve(budgets=f"public=1:{PRICE}")) as http:
        answer = await ask(http, QUERY, {**address, "x-lectern-cost": "1"})
        cost = answer.json()["extensions"]["cost"]
        del cost["resetAt"]
        # There are no categories: it only sent the command.
        assert cost == {"requested": PRICE, "actual": 20, "limit": PRICE, "remaining": PRICE - 20}
        assert answer.headers["ratelimit"] in {f'"public";r={PRICE - n};t={n}' for n in (18, 19, 20)}
        assert error(await ask(http, QUERY, address))[:2] == (429, "RATE_LIMITED")


async def test_a_refused_operation_pays_a_point(
    http: httpx.AsyncClient, address: dict[str, str], warm: Warm
) -> None:
    texts = ("{ absent }", "{", "query($a: Int!) { __typename }")
    await warm(http, *texts)
    for text in texts:
        await ask(http, text, address)
    left = int((await ask(http, "{ absent }", address)).headers["ratelimit"].split(";")[1][2:])
    assert 101 <= left < 105
    assert error(await spend(http, address, "{ absent }"))[:2] == (429, "RATE_LIMITED")


async def test_the_cost_is_shown_on_request_only(
    http: httpx.AsyncClient, address: dict[str, str], warm: Warm
) -> None:
    await warm(http, TYPENAME)
    assert "extensions" not in (await ask(http, TYPENAME, address)).json()
    answer = await ask(http, TYPENAME, {**address, "x-lectern-cost": "1"})
    cost = answer.json()["extensions"]["cost"]
    reset = datetime.fromisoformat(cost.pop("resetAt"))
    assert abs(reset - datetime.now(UTC)) < timedelta(seconds=60)
    assert cost.pop("remaining") in {103, 104}
    assert cost == {"requested": 1, "actual": 1, "limit": 105}
    both = await ask(http, TYPENAME, {**address, "x-lectern-cost": "1", "x-lectern-trace": "1"})
    assert both.json()["extensions"].keys() == {"lectern", "cost"}


async def test_the_cost_is_shown_without_budgets_too(serve: Serve, database: Database) -> None:
    async with client(serve()) as http:
        answer = await ask(http, QUERY, {"x-lectern-cost": "1"})
    nothing = {"limit": None, "remaining": None, "resetAt": None}
    assert answer.json()["extensions"]["cost"] == {"requested": PRICE, "actual": 20, **nothing}
    assert not {"ratelimit", "ratelimit-policy"} & answer.headers.keys()


async def test_leases_are_not_commands_of_the_request(
    http: httpx.AsyncClient, address: dict[str, str]
) -> None:
    answer = await ask(http, TYPENAME, {**address, "x-lectern-trace": "1"})
    assert answer.json()["extensions"]["lectern"]["mongo"]["commands"] == 0


RATE_LIMIT = """
{ rateLimit { limit remaining used cost resetAt } again: rateLimit { ...R } }
fragment R on RateLimit { cost }
"""


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "reference"])
async def test_the_field_has_the_budget(
    serve: Serve, database: Database, address: dict[str, str], warm: Warm, compiled: bool
) -> None:
    async with client(serve(budgets=CLASSES, compiled_execution=compiled)) as http:
        await warm(http, RATE_LIMIT)
        answer = await ask(http, RATE_LIMIT, {**address, "x-lectern-trace": "1"})
    body = answer.json()
    found = body["data"]["rateLimit"]
    assert datetime.fromisoformat(found.pop("resetAt")) > datetime.now(UTC) - timedelta(seconds=5)
    assert found == {"limit": 105, "remaining": 102, "used": 3, "cost": 3}
    assert body["data"]["again"] == {"cost": 3}
    assert body["extensions"]["lectern"]["mongo"]["commands"] == 0


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "reference"])
@pytest.mark.parametrize("classes", ["", "public=unlimited"])
async def test_the_field_has_the_largest_int_without_a_budget(
    serve: Serve, database: Database, classes: str, compiled: bool
) -> None:
    async with client(serve(budgets=classes, compiled_execution=compiled)) as http:
        answer = await ask(http, RATE_LIMIT, {})
    body = answer.json()["data"]
    found = body["rateLimit"]
    assert datetime.fromisoformat(found.pop("resetAt")) <= datetime.now(UTC)
    assert found == {"limit": 2**31 - 1, "remaining": 2**31 - 1, "used": 0, "cost": 3}
    assert body["again"] == {"cost": 3}
    assert "ratelimit" not in answer.headers


async def test_the_role_decides_the_class(http: httpx.AsyncClient, address: dict[str, str]) -> None:
    for roles, name in (((), "public"), (("STUDENT",), "student"), (("STAFF",), "student")):
        viewer = Viewer(frozenset(roles), subject=f"someone with {roles}")
        answer = await ask(http, TYPENAME, {**address, **bearer(viewer)})
        assert answer.headers["ratelimit"].startswith(f'"{name}";')


@pytest.mark.usefixtures("stopped_clock")
async def test_a_key_decides_the_class_and_the_viewer_the_budget(
    http: httpx.AsyncClient, address: dict[str, str]
) -> None:
    headers = {**address, "x-lectern-client-key": KEY}
    first = await ask(http, TYPENAME, headers)
    assert first.headers["ratelimit-policy"] == '"partner";q=300;w=100;qu="cost"'
    someone = Viewer(frozenset({"STUDENT"}), subject="someone with a key")
    own = await ask(http, TYPENAME, {**headers, **bearer(someone)})
    assert own.headers["ratelimit"] == '"partner";r=299;t=1'


async def test_an_unknown_key_is_refused(http: httpx.AsyncClient, address: dict[str, str]) -> None:
    answer = await ask(http, TYPENAME, {**address, "x-lectern-client-key": f"{KEY}s"})
    assert error(answer)[:2] == (403, "UNKNOWN_CLIENT_KEY")
    assert "ratelimit" not in answer.headers


async def test_without_budgets_a_key_means_nothing(serve: Serve, database: Database) -> None:
    async with client(serve()) as http:
        assert (await ask(http, TYPENAME, {"x-lectern-client-key": "any"})).status_code == 200


async def test_pages_can_read_the_headers(serve: Serve, database: Database, address: dict[str, str]) -> None:
    async with client(serve(budgets=CLASSES, cors_origins=("https://a.example",))) as http:
        answer = await ask(http, TYPENAME, {**address, "origin": "https://a.example"})
    exposed = answer.headers["access-control-expose-headers"]
    assert {"ratelimit", "ratelimit-policy", "retry-after"} <= set(exposed.split(", "))


async def test_the_record_of_a_refused_operation_has_its_price(
    serve: Serve, database: Database, address: dict[str, str], warm: Warm
) -> None:
    records: list[Record] = []

    class Records(Listener):
        def request_ended(self, record: Record) -> None:
            records.append(record)

    async with client(serve(Records(), budgets=f"public=1:{PRICE}")) as http:
        await warm(http, QUERY)
        await ask(http, TYPENAME, address)
        assert (await ask(http, QUERY, address)).status_code == 429
    assert (records[-1].code, records[-1].price) == ("RATE_LIMITED", PRICE)
    assert fields_of(records[-1])["price"] == PRICE


async def test_the_metrics_count(serve: Serve, database: Database, address: dict[str, str]) -> None:
    async with client(serve(budgets="public=1:10", metrics=True)) as http:
        await spend(http, address)
        page = (await http.get("/metrics")).text
    lines = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    assert float(lines['lectern_budget_points_total{class="public"}']) >= 10
    assert float(lines['lectern_budget_unchecked_total{class="public"}']) == 0
    assert float(lines['lectern_budget_leases_total{outcome="granted"}']) >= 1
    assert float(lines["lectern_budget_clients"]) == 1
    refusals = 'lectern_refusals_total{code="RATE_LIMITED",limit="LECTERN_BUDGETS"}'
    assert float(lines[refusals]) == 1


async def test_points_are_returned_although_an_error_was_unexpected(
    serve: Serve, database: Database, address: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    returns, errors = Bucket.returns, [ValueError("unexpected")]

    def failing_once(bucket: Bucket, now: float) -> int:
        if errors:
            raise errors.pop()
        return returns(bucket, now)

    monkeypatch.setattr(Bucket, "returns", failing_once)
    async with client(serve(budgets="public=100:9000", metrics=True)) as http:
        await ask(http, TYPENAME, address)
        async with asyncio.timeout(30):
            while not await database["budgets"].find_one({"level": {"$gte": 8_999}}):  # noqa: ASYNC110 # polls MongoDB
                await asyncio.sleep(0.1)
        page = (await http.get("/metrics")).text
    assert errors == []
    assert 'lectern_background_failures_total{task="budgets"} 1' in page


async def test_with_the_store_away_nothing_fails(
    serve: Serve, own_mongod: Mongod, address: dict[str, str], warm: Warm
) -> None:
    own = own_mongod.settings()
    changed = {"mongodb_uri": own.mongodb_uri, "mongodb_database": own.mongodb_database}
    failing: dict[str, Any] = {
        "failCommands": ["findAndModify", "update"],
        "namespace": "own.budgets",
        "errorCode": 96,
    }
    async with client(serve(budgets="public=1:10", metrics=True, **changed)) as http:
        await warm(http, TYPENAME)
        with own_mongod.failing(**failing):
            answers = [await ask(http, TYPENAME, address) for _ in range(10)]
            refused = await spend(http, address)
        page = (await http.get("/metrics")).text
    assert {answer.status_code for answer in answers} == {200}
    assert error(refused)[:2] == (429, "RATE_LIMITED")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit"] == '"public";r=0;t=10'
    (line,) = [line for line in page.splitlines() if line.startswith("lectern_budget_unchecked_total{")]
    assert float(line.rpartition(" ")[2]) >= 10
