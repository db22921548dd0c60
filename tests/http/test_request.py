"""Methods, URLs, and hashes of persisted queries."""

from urllib.parse import quote

import httpx
import pytest

from tests.http.requests import ANSWER, BODY, QUERY, error

GRAPHQL = {"accept": "application/graphql-response+json"}


# -- methods -----------------------------------------------------------------------------------------------

PATHS = [
    f"/graphql?query={quote(QUERY)}",
    "/graphql",
    "/graphql/",
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/nowhere",
]


@pytest.mark.parametrize("accept", ["application/json", "text/html", "image/png"])
@pytest.mark.parametrize("path", PATHS)
async def test_head_is_get_without_the_body(http: httpx.AsyncClient, path: str, accept: str) -> None:
    get = await http.get(path, headers={"accept": accept})
    head = await http.head(path, headers={"accept": accept})
    varies = {"date", "server", "x-request-id"} | ({"content-length"} if path == "/metrics" else set())
    assert head.status_code == get.status_code
    assert {n: v for n, v in head.headers.items() if n not in varies} == {
        n: v for n, v in get.headers.items() if n not in varies
    }
    assert int(head.headers["content-length"]) > 0
    assert head.content == b""
    assert (await http.get("/healthz")).status_code == 200  # on the same connection


async def test_head_allows_queries_only(http: httpx.AsyncClient) -> None:
    mutation = 'mutation { signOut(input: { refreshToken: "x" }) { __typename } }'
    answer = await http.head("/graphql", params={"query": mutation})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/graphql", {"GET", "HEAD", "POST"}),
        *((path, {"GET", "HEAD"}) for path in ("/healthz", "/readyz", "/")),
    ],
)
@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "QUERY", "TRACE"])
async def test_other_methods_are_refused_with_the_allowed_ones(
    http: httpx.AsyncClient, path: str, allowed: set[str], method: str
) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed


# -- URLs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/graphql/", "/healthz/", "/readyz/", "/assets", "/assets/", "//graphql", "/graphql//"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_redirect_goes_to_the_clients_host(http: httpx.AsyncClient, path: str, method: str) -> None:
    lines = {"host": "evil.example", "x-forwarded-host": "evil.example", "content-type": "application/json"}
    answer = await http.request(method, path, headers=lines, content=BODY)
    assert not answer.is_redirect
    assert "evil.example" not in answer.text + str(answer.headers)


async def test_a_trailing_slash_is_the_same_resource(http: httpx.AsyncClient) -> None:
    answer = await http.post("/graphql/", json={"query": QUERY})
    assert (answer.status_code, answer.json()) == (200, ANSWER)


@pytest.mark.parametrize(
    ("query_string", "part"),
    [
        ("", "`query` is missing"),
        ("query=", "`query` is missing"),
        ("query", "`query` is missing"),
        ("Query={a}", "`query` is missing"),
        ("query={a}&query={b}", "`query` more than once"),
        ("query={a}&variables={}&variables={}", "`variables` more than once"),
        ("query={a}&operationName=A&operationName=", "`operationName` more than once"),
        ("query=%ff", "not UTF-8"),
        ("query=%7Ba%7D&x=%c3", "not UTF-8"),
        ("query=%ed%a0%80", "not UTF-8"),
        ("query={a}&variables=[1]", "`variables` must be a JSON object"),
        ("query={a}&variables=null", ""),
        ("query={a}&variables={", "`variables` is not JSON"),
        ("query={a}&variables=%00", "`variables` is not JSON"),
        ("query={a}&extensions=1", "`extensions` must be a JSON object"),
        ("query={a}&variables={'a':1}", "`variables` is not JSON"),
        ("query={a}&variables={%22a%22:NaN}", "`variables` is not JSON"),
    ],
)
async def test_an_error_in_a_url_is_reported(http: httpx.AsyncClient, query_string: str, part: str) -> None:
    answer = await http.get(f"/graphql?{query_string}")
    status, code, message = error(answer)
    if part:
        assert (status, code) == (400, "BAD_REQUEST")
        assert part in message
    else:
        assert (status, code) == (200, "GRAPHQL_VALIDATION_FAILED")


@pytest.mark.parametrize(
    "query_string",
    [
        "query={__typename}", "query=%7B+__typename%20%7D", "query={__typename}&variables=&extensions=",
        "query={__typename}&operationName=", "query=query%20A{__typename}&operationName=A",
        "&&query={__typename}&x",
        "query={__typename}&other=1&other=2", "query={__typename}%23%F0%9F%9A%80",
    ],
)  # fmt: skip
async def test_a_query_may_be_in_the_url(http: httpx.AsyncClient, query_string: str) -> None:
    answer = await http.get(f"/graphql?{query_string}")
    assert (answer.status_code, answer.json()) == (200, ANSWER)


@pytest.mark.parametrize(
    "garbage", ["%", "%zz", "%u0041", "%2", "query=%&%=%", "&" * 3_000, "a=" * 2_000, ";query={a}"]
)
async def test_garbage_in_a_url_causes_no_server_error(http: httpx.AsyncClient, garbage: str) -> None:
    answer = await http.get(f"/graphql?{garbage}")
    assert answer.status_code in {200, 400}
    assert "errors" in answer.json()


async def test_get_ignores_the_body_and_post_the_url(http: httpx.AsyncClient) -> None:
    get = await http.request("GET", "/graphql", params={"query": QUERY}, content=b'{"query": "{ x }"}')
    assert get.json() == ANSWER
    posted = await http.post("/graphql?query={x}&query=%ff", json={"query": QUERY})
    assert posted.json() == ANSWER
