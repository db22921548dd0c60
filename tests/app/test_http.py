"""GraphQL over HTTP: the answer to every kind of request, well-formed or not."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import httpx
import pytest
from graphql import GraphQLSchema, build_schema
from starlette.applications import Starlette
from starlette.routing import Route

from app.auth.authentication import Authentication
from app.execution import Executor
from app.http import Endpoint
from app.http.accept import preferred
from app.main import create_app
from app.request import Services
from app.settings import Settings
from loaders.mongo.database import Database
from resolvers.cursors import Cursors
from resolvers.relay import ids
from resolvers.schema import schema
from tests import factories
from tests.execution.holes import raw_documents
from tests.factories import store
from tests.support import SECRET, TOKENS

JSON = {"accept": "application/json"}
GRAPHQL = {"accept": "application/graphql-response+json"}
NOTHING_HERE = "There is nothing at this path. The GraphQL endpoint is /graphql."
QUERY = "{ courses { totalCount } }"


@pytest.fixture
async def http(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    small = settings.model_copy(
        update={"max_body_bytes": 1000, "max_query_tokens": 60, "cors_origins": ("https://a.example",)}
    )
    async with client(small) as http:
        yield http


class client:  # noqa: N801 used as a function
    """A client of a gateway with given settings."""

    def __init__(self, settings: Settings) -> None:
        self._app = create_app(settings)
        self._lifespan = self._app.router.lifespan_context(self._app)
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://lectern")

    async def __aenter__(self) -> httpx.AsyncClient:
        await self._lifespan.__aenter__()
        return await self._http.__aenter__()

    async def __aexit__(self, *_: object) -> None:
        await self._http.__aexit__()
        await self._lifespan.__aexit__(None, None, None)


async def post(http: httpx.AsyncClient, body: Any, headers: dict[str, str] = GRAPHQL) -> httpx.Response:
    return await http.post("/graphql", json=body, headers=headers)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json", "application/json"),
        ("application/graphql-response+json", "application/graphql-response+json"),
        ("application/graphql-response+json, application/json;q=0.9", "application/graphql-response+json"),
        ("*/*", "application/json"),
        ("application/*;q=0.2, text/html", "application/json"),
    ],
)
async def test_the_answer_has_the_accepted_media_type(
    http: httpx.AsyncClient, accept: str, media_type: str
) -> None:
    answer = await post(http, {"query": QUERY}, {"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert "accept" in answer.headers["vary"]
    assert answer.json() == {"data": {"courses": {"totalCount": 0}}}


REFUSED: list[tuple[dict[str, Any], int, str, str]] = [
    # arguments of the request, status, code, part of the message
    ({"method": "PUT"}, 405, "METHOD_NOT_ALLOWED", "GET or POST"),
    ({"method": "GET"}, 400, "BAD_REQUEST", "`query` is missing"),
    ({"headers": {"accept": "image/png"}}, 406, "NOT_ACCEPTABLE", "application/json"),
    ({"content": b"{}", "headers": {}}, 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type: application/json"),
    ({"content": b"{}", "headers": {"content-type": "text/plain"}}, 415, "UNSUPPORTED_MEDIA_TYPE", "JSON"),
    (
        {"content": b"{}", "headers": {"content-type": "application/json; charset=latin-1"}},
        415, "UNSUPPORTED_MEDIA_TYPE", "UTF-8",
    ),
    ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "BAD_REQUEST", "not JSON"),
    ({"content": b"\xff", "headers": {"content-type": "application/json"}}, 400, "BAD_REQUEST", "not JSON"),
    ({"json": []}, 400, "BAD_REQUEST", "a single JSON object"),
    ({"json": {}}, 400, "BAD_REQUEST", "`query` is missing"),
    ({"json": {"query": 1}}, 400, "BAD_REQUEST", "`query` is missing"),
    ({"json": {"query": QUERY, "variables": []}}, 400, "BAD_REQUEST", "`variables` must be a JSON object"),
    ({"json": {"query": QUERY, "extensions": 0}}, 400, "BAD_REQUEST", "`extensions` must be a JSON object"),
    ({"json": {"query": QUERY, "operationName": 1}}, 400, "BAD_REQUEST", "`operationName` must be a string"),
    ({"method": "GET", "params": {"query": QUERY, "variables": "{"}}, 400, "BAD_REQUEST", "`variables`"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "status", "code", "part"), REFUSED)
async def test_the_answer_to_a_malformed_request_says_what_is_wrong(
    http: httpx.AsyncClient, request_: dict[str, Any], status: int, code: str, part: str
) -> None:
    arguments = {"method": "POST", "url": "/graphql"} | request_
    if arguments["method"] == "POST" and not {"content", "json"} & arguments.keys():
        arguments["json"] = {"query": QUERY}
    answer = await http.request(**arguments)
    assert answer.status_code == status
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": code}
    assert part in error["message"]
    assert "data" not in answer.json()
    if status == 405:
        assert answer.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    ("body", "code", "part"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED", "Syntax Error"),
        ({"query": "{ x }"}, "GRAPHQL_VALIDATION_FAILED", "Cannot query field 'x'"),
        ({"query": f"query A {QUERY} query B {QUERY}"}, "OPERATION_RESOLUTION_FAILURE", "more than one"),
        ({"query": QUERY, "operationName": "C"}, "OPERATION_RESOLUTION_FAILURE", "no operation named 'C'"),
        (
            {"query": "query($n: Int) { courses(first: $n) { totalCount } }", "variables": {"n": "many"}},
            "BAD_USER_INPUT", "$n",
        ),
    ],
)  # fmt: skip
async def test_an_operation_that_can_t_run_is_a_400_without_data(
    http: httpx.AsyncClient, body: dict[str, Any], code: str, part: str
) -> None:
    for headers, status in ((GRAPHQL, 400), (JSON, 200)):
        answer = await post(http, body, headers)
        assert answer.status_code == status
        assert "data" not in answer.json()
        error = answer.json()["errors"][0]
        assert error["extensions"]["code"] == code
        assert part in error["message"]


async def test_a_field_error_is_a_200_with_data(http: httpx.AsyncClient) -> None:
    answer = await post(http, {"query": "{ course { title } platform { totalCourses } }"})
    assert answer.status_code == 200
    assert answer.json()["data"] == {"course": None, "platform": {"totalCourses": 0}}
    assert answer.json()["errors"][0]["path"] == ["course"]
    assert answer.json()["errors"][0]["locations"] == [{"line": 1, "column": 3}]


async def test_get_runs_queries_with_variables(http: httpx.AsyncClient, database: Database) -> None:
    await store(database, courses=[factories.course("Go", slug="go")])
    query = "query A($slug: String) { course(slug: $slug) { title } } query B { platform { students } }"
    parameters = {"query": query, "variables": json.dumps({"slug": "go"}), "operationName": "A"}
    answer = await http.get("/graphql", params=parameters, headers=JSON)
    assert answer.json() == {"data": {"course": {"title": "Go"}}}


@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 413)])
async def test_a_body_is_at_most_max_body_bytes(http: httpx.AsyncClient, size: int, status: int) -> None:
    body = json.dumps({"query": QUERY}).ljust(size).encode()
    answer = await http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    if status == 413:
        assert answer.json()["errors"][0]["extensions"] == {"code": "REQUEST_TOO_LARGE"}


@pytest.mark.parametrize(("fields", "refused"), [(55, False), (56, True)])
async def test_an_operation_has_at_most_max_query_tokens(
    http: httpx.AsyncClient, fields: int, refused: bool
) -> None:
    query = "{ platform { " + "students " * fields + "} }"
    answer = await post(http, {"query": query})
    assert ("errors" in answer.json()) is refused
    if refused:
        assert "more than 60 tokens" in answer.json()["errors"][0]["message"]


async def test_a_trace_counts_the_commands_of_its_request(
    http: httpx.AsyncClient, database: Database
) -> None:
    course = factories.course()
    await store(database, courses=[course], reviews=[factories.review(course)])
    query = "{ courses { nodes { reviews { nodes { body } } } } }"
    answer = await post(http, {"query": query}, GRAPHQL | {"x-lectern-trace": "1"})
    mongo = answer.json()["extensions"]["lectern"]["mongo"]
    assert mongo["commands"] == 2
    assert mongo["ms"] > 0
    for other in ({}, {"x-lectern-trace": "0"}, {"x-lectern-trace": "yes"}):
        assert "extensions" not in (await post(http, {"query": query}, GRAPHQL | other)).json()


async def test_an_operation_that_graphql_core_refuses_has_a_trace_too(http: httpx.AsyncClient) -> None:
    body = {"query": "query($c: Boolean = true) { __typename @include(if: $c) }", "variables": {"c": None}}
    answer = (await post(http, body, GRAPHQL | {"x-lectern-trace": "1"})).json()
    assert answer["errors"]
    assert "data" not in answer
    assert answer["extensions"]["lectern"]["mongo"]["commands"] == 0
    assert "extensions" not in (await post(http, body)).json()


async def test_an_unexpected_error_is_masked(
    http: httpx.AsyncClient, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    course = factories.course() | {"title": None}
    await store(database, courses=[course])
    query = "query($id: ID!) { course(id: $id) { title } }"
    with raw_documents():
        answer = await post(http, {"query": query, "variables": {"id": ids.encode_id("Course", course)}})
    (error,) = answer.json()["errors"]
    assert error["message"] == "Something went wrong on our side."
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["extensions"]["errorId"] in capsys.readouterr().out
    assert answer.json()["data"] == {"course": None}


def no_database() -> Database:
    raise RuntimeError("the secret of the house")


def only(schema: GraphQLSchema, database: Callable[[], Database] = no_database) -> httpx.AsyncClient:
    """A client of the endpoint alone, with another schema."""
    executor = Executor(schema, compiled=False)
    authentication = Authentication(TOKENS, None, no_database)
    services = Services(database, Cursors(SECRET.encode()), TOKENS)
    endpoint = Endpoint(executor, authentication, services, max_body_bytes=1000, graphiql=False)
    app = Starlette(routes=[Route("/graphql", endpoint)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lectern")


@pytest.mark.parametrize("variables", ["{}", '{"n": "wrong"}'])
async def test_a_mutation_by_get_is_refused(variables: str) -> None:
    parameters = {"query": "mutation ($n: Int) { b(n: $n) }", "variables": variables}
    async with only(build_schema("type Query { a: Int } type Mutation { b(n: Int): Int }")) as http:
        answer = await http.get("/graphql", params=parameters, headers=GRAPHQL)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["errors"][0]["extensions"] == {"code": "METHOD_NOT_ALLOWED"}


@pytest.mark.parametrize("headers", [JSON, GRAPHQL])
async def test_an_exception_outside_of_any_field_is_masked(
    capsys: pytest.CaptureFixture[str], headers: dict[str, str]
) -> None:
    async with only(schema) as http:
        answer = await post(http, {"query": QUERY}, headers)
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith(headers["accept"])
    (error,) = answer.json()["errors"]
    assert error["message"] == "Something went wrong on our side."
    assert "secret" not in answer.text
    logged = capsys.readouterr().out
    assert error["extensions"]["errorId"] in logged
    assert "the secret of the house" in logged


async def test_an_answer_that_json_can_t_hold_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    big = build_schema("scalar Big type Query { big: Big }")
    assert big.query_type is not None
    big.query_type.fields["big"].resolve = lambda *_: 2**64
    async with only(big, lambda: cast("Database", None)) as http:
        answer = await post(http, {"query": "{ big }"})
    assert answer.status_code == 500
    (error,) = answer.json()["errors"]
    assert error["message"] == "Something went wrong on our side."
    assert error["extensions"]["errorId"] in capsys.readouterr().out


async def test_cors_allows_the_origins_in_the_settings(http: httpx.AsyncClient) -> None:
    for origin, allowed in (("https://a.example", True), ("https://b.example", False)):
        preflight = await http.options(
            "/graphql",
            headers={
                "origin": origin,
                "access-control-request-method": "POST",
                "access-control-request-headers": "content-type",
            },
        )
        assert (preflight.headers.get("access-control-allow-origin") == origin) is allowed


async def test_introspection_can_be_switched_off(settings: Settings, database: Database) -> None:
    query = {"query": "{ __schema { queryType { name } } }"}
    async with client(settings) as http:
        assert (await post(http, query)).json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
    async with client(settings.model_copy(update={"introspection": False})) as http:
        answer = await post(http, query)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "message"),
    [
        ("GET", "/nowhere", 404, "NOT_FOUND", NOTHING_HERE),
        ("POST", "/graphql/x", 404, "NOT_FOUND", NOTHING_HERE),
        ("POST", "/healthz", 405, "METHOD_NOT_ALLOWED", "Method Not Allowed."),
        ("GET", "/assets/none.js", 404, "NOT_FOUND", NOTHING_HERE),
    ],
)
async def test_requests_that_no_route_serves_get_an_error_as_json(
    http: httpx.AsyncClient, method: str, path: str, status: int, code: str, message: str
) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"errors": [{"message": message, "extensions": {"code": code}}]}
    assert answer.headers.get("allow") == ("GET, HEAD" if status == 405 else None)


async def test_browsers_get_graphiql_at_the_endpoint_unless_it_is_off(settings: Settings) -> None:
    browser = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    async with client(settings) as http:
        page = await http.get("/graphql", headers=browser)
        assert page.headers["content-type"].startswith("text/html")
        asked = await http.get("/graphql", params={"query": QUERY}, headers=browser)
        assert asked.headers["content-type"].startswith("application/json")
    async with client(settings.model_copy(update={"graphiql": False})) as http:
        assert (await http.get("/", headers=browser)).status_code == 404
        answer = await http.get("/graphql", headers=browser)
        assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize(
    ("accept", "best"),
    [
    ("", "a/x"), ("a/y", "a/y"), ("a/x;q=0.1, a/y", "a/y"), ("a/*", "a/x"), ("b/*", None),
        ("a/x;q=0, a/*", "a/y"), ("*/*;q=0.1, a/y;q=0.2", "a/y"), ("A/Y", "a/y"), ("a/y;q=nonsense", None),
    ],
)  # fmt: skip
def test_the_preferred_media_type_is_chosen(accept: str, best: str | None) -> None:
    assert preferred(accept, ("a/x", "a/y")) == best


DEEP = [
    "{ x " * 2_000 + "}" * 2_000,
    "{ courses { nodes " + "{ reviews { nodes { course " * 400 + "{ id }" + " } } }" * 400 + " } }",
    "{ courses(filter: " + "[" * 4_000 + "]" * 4_000 + ") { totalCount } }",
]


@pytest.mark.parametrize("query", DEEP, ids=["invalid", "valid", "a value"])
async def test_an_operation_that_is_too_deep_gets_a_graphql_error(
    settings: Settings, database: Database, query: str
) -> None:
    async with client(settings) as http:
        answer = await post(http, {"query": query})
        assert answer.status_code in {200, 400}
        assert "data" in answer.json() or answer.json()["errors"][0]["message"]
