"""Answers that caches may keep, and a real cache in front of a gateway."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.budget_classes import BudgetClass
from loaders.mongo import Database
from resolvers.context import Viewer
from tests import factories
from tests.factories import store
from tests.http.requests import client
from tests.persisted.conftest import Start, trust
from tests.persisted.test_over_http import by_hash, until
from tests.server.fronts import nginx
from tests.support import TOKENS

TEXT = "query A($first: Int) { courses(first: $first) { nodes { title } } }"
DOCS = Path(__file__).parents[2] / "docs" / "operations.md"

PERSONAL = {
    "me": "{ viewer { roles } }",
    "budget": "{ rateLimit { remaining } }",
    "alias": "{ mine: rateLimit { remaining } }",
    "nested": "{ courses { nodes { viewerReview { id } } } }",
    "fragment": "{ ...F } fragment F on Query { __typename ... on Query { viewer { roles } } }",
}
PERSONAL_HEADERS = ["authorization", "cookie", "x-lectern-client-key", "x-lectern-cost", "x-lectern-trace"]
PASSED_BY: list[dict[str, str]] = [
    {"authorization": f"Bearer {TOKENS.access(Viewer(frozenset({'STUDENT'}), subject='a')).text}"},
    {"authorization": "Bearer wrong"},
    {"cookie": "a=b"},
    {"x-lectern-client-key": "unknown"},
    {"x-lectern-cost": "1"},
    {"x-lectern-trace": "1"},
]


async def get(http: httpx.AsyncClient, parameters: dict[str, Any], **headers: str) -> httpx.Response:
    texts = {name: v if isinstance(v, str) else json.dumps(v) for name, v in parameters.items()}
    accept = {"accept": "application/json"}
    return await http.get("/graphql", params=texts, headers=accept | headers)


@pytest.fixture
async def http(start: Start, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with trusted operations and a budget, whose answers may be kept for a minute."""
    await trust(database, {"a": TEXT, **PERSONAL})
    url = start(cache_max_age=60, budgets=(BudgetClass("public", 1_000, 100_000),), trace_commands=True)
    async with client(url) as http:
        yield http


async def answers(http: httpx.AsyncClient) -> bool:
    with suppress(httpx.ConnectError):
        return (await http.get("/healthz")).status_code == 200
    return False


def is_kept(answer: httpx.Response) -> bool:
    control = answer.headers["cache-control"]
    assert control in {"no-store", "public, max-age=60"}
    return bool(control != "no-store")


@pytest.mark.parametrize(
    "parameters",
    [
        {"id": "a"},
        {"doc_id": "a", "variables": {"first": 3}},
        by_hash(TEXT, query=TEXT),
        {"query": TEXT},
    ],
    ids=["id", "variables", "hash and text", "the text of a trusted operation"],
)
async def test_what_everyone_gets_by_get_may_be_kept(
    http: httpx.AsyncClient, parameters: dict[str, Any]
) -> None:
    answer = await get(http, parameters, **{"x-request-id": "mine"})
    assert answer.json() == {"data": {"courses": {"nodes": []}}}
    assert is_kept(answer)
    assert answer.headers["vary"] == ", ".join(["accept", "accept-encoding", *PERSONAL_HEADERS])
    assert not {"ratelimit", "ratelimit-policy", "x-request-id", "set-cookie"} & set(answer.headers)


async def test_a_persisted_query_may_be_kept(start: Start) -> None:
    """It is not trusted."""
    async with client(start(cache_max_age=60)) as http:
        assert is_kept(await get(http, by_hash(TEXT, query=TEXT)))
        answer = await get(http, by_hash(TEXT))
        assert is_kept(answer)
        head = await http.head(answer.request.url, headers={"accept": "application/json"})
        assert is_kept(head)
        assert not is_kept(await get(http, {"query": TEXT}))


@pytest.mark.parametrize("headers", PASSED_BY, ids=[" ".join(one) for one in PASSED_BY])
async def test_what_could_be_personal_may_not_be_kept(
    http: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await get(http, {"id": "a"}, **headers)
    assert not is_kept(answer)
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "parameters",
    [
        *({"id": name} for name in PERSONAL),
        {"query": "{ __typename }"},
        {"id": "unknown"},
        by_hash("unknown"),
        {"id": "a", "variables": {"first": "x"}},
        {"id": "a", "variables": {"first": 1_000}},
        {"id": "a", "operationName": "B"},
    ],
)
async def test_other_operations_and_errors_may_not_be_kept(
    http: httpx.AsyncClient, parameters: dict[str, Any]
) -> None:
    assert not is_kept(await get(http, parameters))


async def test_an_answer_to_post_may_not_be_kept(http: httpx.AsyncClient) -> None:
    answer = await http.post("/graphql", json={"id": "a"})
    assert not is_kept(answer)
    assert answer.headers["ratelimit"]


async def test_by_default_nothing_may_be_kept(start: Start, database: Database) -> None:
    await trust(database, {"a": TEXT})
    async with client(start()) as http:
        assert (await get(http, {"id": "a"})).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("origins", "last"),
    [((), "x-lectern-trace"), (("*",), "x-lectern-trace"), (("https://a.example",), "origin")],
)
async def test_vary_is_one_header(
    start: Start, database: Database, origins: tuple[str, ...], last: str
) -> None:
    """nginx 1.22 reads only the last one, and no more than 128 characters of it."""
    await trust(database, {"a": TEXT})
    async with client(start(cache_max_age=60, cors_origins=origins)) as http:
        (vary,) = (await get(http, {"id": "a"})).headers.get_list("vary")
    assert vary.split(", ")[-1] == last
    assert len(vary) <= 128


async def test_a_cache_answers_what_everyone_gets(start: Start, database: Database, tmp_path: Path) -> None:
    """nginx, with the lines in the docs."""
    await store(database, courses=[factories.course(title="First")])
    await trust(database, {"a": TEXT, **PERSONAL})
    lines = DOCS.read_text("utf-8").split("```nginx\n")[1].split("```")[0]  # a small file
    lines = lines.replace("/var/cache/nginx/lectern", str(tmp_path / "cache"))
    port = httpx.URL(start(cache_max_age=60, cors_origins=("https://a.example",))).port
    assert port
    status = "add_header X-Cache $upstream_cache_status always;"
    with nginx(tmp_path, [port, port], f"{lines}{status}") as proxy:
        async with client(f"http://127.0.0.1:{proxy}") as http:
            await until(lambda: answers(http))

            async def seen(parameters: dict[str, Any], **headers: str) -> tuple[str, httpx.Response]:
                answer = await get(http, parameters, **headers)
                return answer.headers["x-cache"], answer

            assert [(await seen({"id": "a"}))[0] for _ in range(3)] == ["MISS", "HIT", "HIT"]
            await database["courses"].update_many({}, {"$set": {"title": "Second"}})
            assert "First" in (await seen({"id": "a"}))[1].text
            for headers in PASSED_BY:
                states = [await seen({"id": "a"}, **headers) for _ in range(2)]
                assert [state for state, _ in states] == ["MISS", "MISS"]
                assert all("First" not in answer.text for _, answer in states)
            origin = {"origin": "https://a.example"}
            for state in ("MISS", "HIT"):
                found, answer = await seen({"id": "a"}, **origin)
                assert (found, answer.headers["access-control-allow-origin"]) == (state, "https://a.example")
            assert "access-control-allow-origin" not in (await seen({"id": "a"}))[1].headers
            for parameters in (
                {"id": "unknown"},
                by_hash("unknown"),
                {"id": "a", "variables": {"first": "x"}},
                *({"id": name} for name in PERSONAL),
            ):
                assert [(await seen(parameters))[0] for _ in range(2)] == ["MISS", "MISS"]
            assert (await seen({"id": "a"}))[0] == "HIT"
