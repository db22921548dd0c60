"""Content negotiation, and header fields that are lists."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest

from app.http.accept import preferred, takes_gzip
from app.http.decoding import headers
from tests.http.requests import ANSWER, BODY, QUERY, Serve, client, error, post

GRAPHQL_RESPONSE = "application/graphql-response+json"


@pytest.fixture
async def bare(serve: Serve) -> AsyncIterator[httpx.AsyncClient]:
    """A client that sends no headers of its own."""
    async with client(serve()) as http:
        http.headers.clear()
        yield http


@pytest.mark.parametrize(
    ("lines", "media_type"),
    [
        (["application/json", "text/event-stream"], "application/json"),
        (["text/event-stream", "application/json"], "application/json"),
        ([GRAPHQL_RESPONSE, "application/json;q=0.9"], GRAPHQL_RESPONSE),
        (["application/json;q=0.9", "text/event-stream", GRAPHQL_RESPONSE], GRAPHQL_RESPONSE),
        (["", "application/json"], "application/json"),
        ([","], "application/json"),
        ([], "application/json"),
        (['application/json;profile="a,b;q=0"'], "application/json"),
        (["*; q=.2, */*; q=.2"], "application/json"),  # Java's HttpURLConnection
        (["text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"], "application/json"),
    ],
)
async def test_accept_may_have_several_lines(
    bare: httpx.AsyncClient, lines: list[str], media_type: str
) -> None:
    answer = await post(bare, BODY, *(("accept", line) for line in lines))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.json() == ANSWER


@pytest.mark.parametrize("lines", [["image/png", "text/event-stream"], ["application/json;q=0", "*/*;q=0"]])
async def test_no_acceptable_type_in_any_line_is_a_406(bare: httpx.AsyncClient, lines: list[str]) -> None:
    answer = await post(bare, BODY, *(("accept", line) for line in lines))
    assert error(answer)[:2] == (406, "NOT_ACCEPTABLE")


async def test_two_authorization_headers_are_refused(http: httpx.AsyncClient) -> None:
    tokens = [("authorization", "Bearer a.b.c"), ("authorization", "Bearer d.e.f")]
    assert error(await post(http, BODY, *tokens))[:2] == (401, "UNAUTHENTICATED")


async def test_two_content_types_are_refused(http: httpx.AsyncClient) -> None:
    answer = await post(http, BODY, ("content-type", "text/plain"))
    assert error(answer)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "name", ["accept", "accept-encoding", "authorization", "content-type", "x-lectern-trace"]
)
@pytest.mark.parametrize("character", ["a", ",", '"', ";", "a,", 'a;q="'])
async def test_a_long_field_is_accepted(http: httpx.AsyncClient, name: str, character: str) -> None:
    value = (character * 30_000)[:30_000]
    answer = await http.post(
        "/graphql", content=BODY, headers={"content-type": "application/json", name: value}
    )
    assert answer.status_code in {200, 401, 406, 415}
    assert len(answer.content) < 300


@pytest.mark.alone
@pytest.mark.parametrize("text", ["a," * 30_000, '"' * 60_000, 'a;q="' * 12_000, 'a"\\' * 20_000])
def test_a_long_list_takes_little_time(text: str) -> None:
    started = time.thread_time()
    preferred(text, ("a/x", "a/y"))
    assert time.thread_time() - started < 0.1


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        ("a/x;q=7, a/y;q=1", "a/x"), ("a/x;q=0.2, a/y;q=7", "a/y"), ("a/x;q=-1, a/y;q=0.1", "a/y"),
        ("a/x;q=nan, a/y;q=0.1", "a/y"), ("a/x;q=inf, a/y;q=0.1", "a/y"), ("a/x;q=1_0, a/y;q=0.1", "a/y"),
        ("a/x;q=, a/y;q=0.1", "a/y"), ("a/x;q=.5, a/y; Q = 0.6", "a/y"), ("a/x;q=0.000", None),
        ("a/y;v=1;q=0.1, a/y", "a/y"), ("a/x, a/x;q=0", "a/x"), ("*/*, a/x;q=0", "a/y"),
        ('a/x;p="q=0;q=0, a/y"', "a/x"), ('a/x;p="\\"", a/y;q=2', "a/x"), ('"a/x', None),
    ],
)  # fmt: skip
def test_weights_decide(accept: str, best: str | None) -> None:
    assert preferred(accept, ("a/x", "a/y")) == best


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        ("gzip", True), ("gzip, br, zstd", True), ("GZIP;q=0.1", True), ("x-gzip", True), ("*", True),
        ("br, *;q=0.1", True), ("identity;q=0.5, gzip", True), ("identity;q=0, gzip;q=0.1", True),
        ("", False), ("identity", False), ("gzip;q=0", False), ("br, zstd", False), ("gzip;q=0, *", False),
        ("gzip;q=0.4, identity;q=0.5", False), ("*;q=0", False), ("gzipped", False),
    ],
)  # fmt: skip
def test_gzip_is_chosen_by_weight(accepted: str, taken: bool) -> None:
    assert takes_gzip(accepted) is taken


def test_lines_with_one_name_are_joined() -> None:
    lines = [(b"accept", b"a"), (b"host", b"x"), (b"accept", b"b"), (b"accept", b"c;q=0.1")]
    assert headers({"headers": lines}) == {b"accept": b"a, b, c;q=0.1", b"host": b"x"}


async def test_lists_are_joined_for_get_too(bare: httpx.AsyncClient) -> None:
    lines = [("accept", "application/json"), ("accept", "text/event-stream")]
    answer = await bare.get("/graphql", params={"query": QUERY}, headers=lines)
    assert answer.json() == ANSWER
