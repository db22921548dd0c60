"""What a text costs that isn't cached, and what a request costs that never becomes an operation."""

import asyncio
import re
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from app.execution import Executor
from loaders.mongo.database import Database
from resolvers.context import Viewer
from tests.http.requests import Serve, client, error
from tests.support import TOKENS

SIZE = 1_000
TYPENAME = "{ __typename }"


def padded(text: str, points: int) -> str:
    """A text that costs this many points: one for each two characters."""
    return text + " " * (2 * points - len(text))


async def ask(http: httpx.AsyncClient, query: str, headers: dict[str, str], **body: Any) -> httpx.Response:
    return await http.post("/graphql", json={"query": query, **body}, headers=headers)


async def points(http: httpx.AsyncClient) -> int:
    """The points that all requests have paid."""
    page = (await http.get("/metrics")).text
    (found,) = re.findall(r'^lectern_budget_points_total{class="public"} (\S+)$', page, re.MULTILINE)
    return round(float(found))


@pytest.fixture
async def http(serve: Serve, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    changed = {"max_query_length": 5_000, "max_body_bytes": 20_000}
    async with client(serve(budgets=f"public=1:{SIZE}", metrics=True, **changed)) as http:
        yield http


async def paid(http: httpx.AsyncClient, query: str, headers: dict[str, str]) -> int:
    before = await points(http)
    await ask(http, query, headers)
    return await points(http) - before


@pytest.mark.parametrize(
    ("text", "first", "then"),
    [
        (padded("{ absent_1 }", 100), 100, 1),  # it is refused
        (padded("{ absent_2 }", 100) + " ", 100, 1),
        (padded("{ absent_3 }", 100)[:-1], 99, 1),
        ("{", 1, 1),
        (padded(TYPENAME, 100), 100, 1),  # its price is 1
        (padded("{ categories { slug } }", 320), 320, 20),  # it costs up to 320, but there are none
        (padded("{ categories { name } }", 200), 200, 20),
        (padded("{ absent_4 }", 2_500) + " ", 1, 1),  # it is too long to be parsed
    ],
)
async def test_a_text_pays_for_its_characters_until_it_is_cached(
    http: httpx.AsyncClient, address: dict[str, str], text: str, first: int, then: int
) -> None:
    assert [await paid(http, text, address) for _ in range(2)] == [first, then]


async def test_a_text_counts_towards_the_price(http: httpx.AsyncClient, address: dict[str, str]) -> None:
    shown = {**address, "x-lectern-cost": "1"}
    cost = (await ask(http, padded("{ categories { id } }", 100), shown)).json()["extensions"]["cost"]
    assert (cost["requested"], cost["actual"]) == (320, 100)
    assert SIZE - 100 <= cost["remaining"] <= SIZE - 95
    cost = (await ask(http, padded("{ categories { id } }", 400), shown)).json()["extensions"]["cost"]
    assert (cost["requested"], cost["actual"]) == (400, 400)


@pytest.mark.usefixtures("stopped_clock")
async def test_a_text_is_parsed_for_exactly_the_size_of_a_budget_and_not_for_one_more(
    http: httpx.AsyncClient, address: dict[str, str], other_address: dict[str, str]
) -> None:
    answer = await ask(http, padded("{ absent_5 }", SIZE), address)
    assert error(answer)[1] == "GRAPHQL_VALIDATION_FAILED"
    assert int(answer.headers["ratelimit"].split(";")[1][2:]) <= 5
    answer = await ask(http, padded("{ absent_5 }", SIZE + 1), other_address)
    assert error(answer)[1:] == (
        "OPERATION_TOO_LARGE",
        f"The operation costs up to {SIZE + 1:,}, but at most {SIZE:,} are allowed (LECTERN_BUDGETS). A "
        "budget of the class `public` never holds more. Request less at once.",
    )
    assert int(answer.headers["ratelimit"].split(";")[1][2:]) == SIZE - 1


async def test_a_text_is_not_parsed_without_the_points_for_it(
    http: httpx.AsyncClient, address: dict[str, str]
) -> None:
    await ask(http, padded("{ absent_6 }", SIZE - 100), address)
    before = await points(http)
    answer = await ask(http, padded("{ absent_6 }", 200), address)
    assert error(answer)[:2] == (429, "RATE_LIMITED")
    assert "this request costs 200" in error(answer)[2]
    assert await points(http) == before  # what a budget refuses pays nothing


async def test_a_text_pays_if_there_are_too_few_points_for_the_operation(
    http: httpx.AsyncClient, address: dict[str, str]
) -> None:
    await ask(http, padded("{ absent_7 }", SIZE - 300), address)
    before = await points(http)
    answer = await ask(http, padded("{ categories { slug name } }", 50), address)
    assert error(answer)[:2] == (429, "RATE_LIMITED")
    assert await points(http) == before + 50


def mutation(http: httpx.AsyncClient) -> httpx.Request:
    text = 'mutation{signOut(input:{refreshToken:""}){errors{code}}}'
    return http.build_request("GET", "/graphql", params={"query": text})


def posted(http: httpx.AsyncClient, content: bytes = b"{}", **headers: str) -> httpx.Request:
    own = {"content-type": "application/json", **{name.replace("_", "-"): v for name, v in headers.items()}}
    return http.build_request("POST", "/graphql", content=content, headers=own)


EXITS: dict[str, Any] = {
    "another method": (lambda http: http.build_request("PUT", "/graphql"), 405),
    "no acceptable type": (lambda http: posted(http, accept="image/png"), 406),
    "another type": (lambda http: posted(http, content_type="text/plain"), 415),
    "another coding": (lambda http: posted(http, content_encoding="br"), 415),
    "not gzip": (lambda http: posted(http, content_encoding="gzip"), 400),
    "too large": (lambda http: posted(http, b" " * 20_001), 413),
    "not JSON": (lambda http: posted(http, b"{"), 400),
    "no query": (posted, 400),
    "an unknown id": (
        lambda http: posted(http, b'{"id": "none"}', accept="application/graphql-response+json"),
        400,
    ),
    "a query by another site": (
        lambda http: http.build_request(
            "GET", "/graphql", params={"query": TYPENAME}, headers={"sec-fetch-site": "cross-site"}
        ),
        403,
    ),
    "a mutation by GET": (mutation, 405),
}


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize("name", EXITS)
async def test_a_request_that_never_becomes_an_operation_pays_a_point(
    http: httpx.AsyncClient, address: dict[str, str], name: str
) -> None:
    request, status = EXITS[name]
    if name == "a mutation by GET":
        await http.send(mutation(http))
    request = request(http)
    request.headers.update(address)
    before = await points(http)
    answer = await http.send(request)
    assert answer.status_code == status
    assert answer.headers["ratelimit"] == f'"public";r={SIZE - 1};t=1'
    assert await points(http) == before + 1


async def test_a_body_that_takes_too_long_pays_a_point(
    serve: Serve, database: Database, address: dict[str, str]
) -> None:
    async with client(serve(budgets=f"public=1:{SIZE}", metrics=True, request_timeout=0.5)) as http:

        async def body() -> AsyncIterator[bytes]:
            yield b"{"
            while not await points(http):  # noqa: ASYNC110  # polls the gateway
                await asyncio.sleep(0.05)

        headers = {**address, "content-type": "application/json"}
        answer = await http.post("/graphql", content=body(), headers=headers)
        assert error(answer)[:2] == (408, "TIMEOUT")
        assert await points(http) == 1


async def test_without_points_it_is_refused_with_429(
    http: httpx.AsyncClient, address: dict[str, str]
) -> None:
    began = monotonic()
    await ask(http, padded("{ absent_8 }", SIZE), address)
    request = posted(http, b"{")
    request.headers.update(address)
    answers = [await http.send(request) for _ in range(20)]
    restored = monotonic() - began  # a point in a second
    parsed = [answer for answer in answers if answer.status_code == 400]
    assert len(parsed) <= restored
    refused = [answer for answer in answers if answer not in parsed]
    assert error(refused[-1])[:2] == (429, "RATE_LIMITED")
    assert {answer.status_code for answer in refused} == {429}


async def test_before_the_client_is_known_nothing_is_paid(
    http: httpx.AsyncClient, address: dict[str, str]
) -> None:
    expired = TOKENS.access(Viewer(subject="someone")).text[:-4]
    before = await points(http)
    answer = await ask(http, TYPENAME, {**address, "authorization": f"Bearer {expired}"})
    assert answer.status_code == 401
    answer = await ask(http, TYPENAME, {**address, "x-lectern-client-key": "none"})
    assert error(answer)[:2] == (403, "UNKNOWN_CLIENT_KEY")
    assert await points(http) == before


async def test_a_failure_of_the_gateway_is_not_hidden_by_a_spent_budget(
    serve: Serve, address: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "{ __typename }"
    async with client(serve(budgets="public=1:100")) as http:
        await ask(http, text, address)

        def fail(*_: object, **__: object) -> None:
            raise KeyError("a bug")

        with monkeypatch.context() as patched, capture_logs() as log:
            patched.setattr(Executor, "prepare", fail)
            answers = [await ask(http, text, address) for _ in range(200)]
        assert {one.status_code for one in answers} == {500}
        ids = {one.json()["errors"][0]["extensions"]["errorId"] for one in answers}
        assert any(line.get("error_id") in ids for line in log)
        # The budget is spent by then.
        assert (await ask(http, padded("{ absent_9 }", 90), address)).status_code == 429


async def test_the_seconds_to_wait_cover_the_whole_price_although_the_text_was_paid(
    http: httpx.AsyncClient, address: dict[str, str]
) -> None:
    """The next attempt pays the whole price, because the text is cached by then."""
    text = padded("{ categories { id name slug } courses(first: 50) { nodes { id } } }", 300)
    price = 501
    await ask(http, padded("{ absent_10 }", SIZE - 400), address)  # 400 are left, and soon some more
    answer = await ask(http, text, address)
    assert f"this request costs {price}" in error(answer)[2]
    left = 400 - 300  # and what has been restored
    assert price - left - 10 <= int(answer.headers["retry-after"]) <= price - left
