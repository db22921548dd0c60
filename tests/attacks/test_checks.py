"""The checks of graphql-cop, and the protections that GraphQL Armor offers, against a gateway in production.

docs/protection.md argues each: a test holds its table and the one here together.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

DOCS = Path(__file__).parents[2] / "docs" / "protection.md"

Send = Callable[[httpx.Client], httpx.Response]


def graphql(query: str) -> Send:
    return lambda http: http.post("/graphql", json={"query": query, "operationName": "cop"})


def form(**fields: str) -> Send:
    return lambda http: http.post("/graphql", data=fields)


def get(query: str) -> Send:
    return lambda http: http.get("/graphql", params={"query": query})


class Check(NamedTuple):
    """A request, and the answer that shows that it finds nothing: its status and code, or its data."""

    send: Send
    status: int = 200
    code: str | None = None
    data: Any = None


COP: Mapping[str, Check] = {
    "field suggestions": Check(
        graphql("query cop { __schema { directive } }"), code="GRAPHQL_VALIDATION_FAILED"
    ),
    "introspection": Check(
        graphql("query cop { __schema { types { name fields { name } } } }"), code="GRAPHQL_VALIDATION_FAILED"
    ),
    "GraphQL IDE": Check(
        lambda http: http.get("/graphql", headers={"accept": "text/html"}), 406, "NOT_ACCEPTABLE"
    ),
    "GET support": Check(get("query cop { __typename }"), data={"__typename": "Query"}),
    "alias overloading": Check(
        graphql(f"query cop {{ {' '.join(f'alias{n}: __typename' for n in range(101))} }}"),
        code="OPERATION_TOO_LARGE",
    ),
    "array batching": Check(
        lambda http: http.post("/graphql", json=[{"query": "query cop { __typename }"}] * 10),
        400,
        "BAD_REQUEST",
    ),
    "tracing": Check(graphql("query cop { __typename }"), data={"__typename": "Query"}),
    "directive overloading": Check(
        graphql(f"query cop {{ __typename {'@aa' * 10} }}"), code="GRAPHQL_VALIDATION_FAILED"
    ),
    "circular introspection": Check(
        graphql("query cop { __schema { types { fields { type { fields { type { name } } } } } } }"),
        code="GRAPHQL_VALIDATION_FAILED",
    ),
    "mutation by GET": Check(get("mutation cop { __typename }"), 405, "METHOD_NOT_ALLOWED"),
    "POST of a form": Check(form(query="query cop { __typename }"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "unhandled errors": Check(graphql("qwerty cop { abc }"), code="GRAPHQL_PARSE_FAILED"),
    "field duplication": Check(
        graphql(f"query cop {{ {'__typename ' * 500} }}"), code="OPERATION_TOO_LARGE"
    ),
    "circular fragments": Check(
        graphql("query cop { ...A } fragment A on Query { ...B } fragment B on Query { ...A }"),
        code="GRAPHQL_VALIDATION_FAILED",
    ),
}  # fmt: skip

DEEP = "{ courses { nodes { " + "prerequisites { " * 20 + "id" + " }" * 23
COSTLY = """{ courses(first: 100) { nodes { reviews(first: 100) { nodes { student {
  reviews(first: 100) { nodes { id } } } } } } } }"""

ARMOR: Mapping[str, Check] = {
    "aliases": COP["alias overloading"],
    "depth": Check(graphql("query cop " + DEEP), code="OPERATION_TOO_LARGE"),
    "directives": Check(
        graphql(f"query cop {{ __typename {'@skip(if: false) ' * 51} }}"), code="OPERATION_TOO_LARGE"
    ),
    "tokens": Check(graphql(f"query cop {{ {'a ' * 2000} }}"), code="OPERATION_TOO_LARGE"),
    "characters": Check(graphql(f"query cop {{ a }} # {'x' * 50_000}"), code="OPERATION_TOO_LARGE"),
    "cost": Check(graphql("query cop " + COSTLY), code="OPERATION_TOO_LARGE"),
    "suggestions": Check(graphql("query cop { course { titel } }"), code="GRAPHQL_VALIDATION_FAILED"),
}


@pytest.mark.parametrize("check", [*COP.values(), *ARMOR.values()], ids=[*COP, *ARMOR])
def test_a_check_finds_nothing(production: str, check: Check) -> None:
    with httpx.Client(base_url=production) as http:
        answer = check.send(http)
    assert answer.status_code == check.status, answer.text
    told = answer.json()
    assert set(told) == ({"data"} if check.code is None else {"errors"})
    if check.code is None:
        assert told["data"] == check.data
    else:
        (error,) = told["errors"]
        assert error["extensions"] == {"code": check.code}
        assert "Did you mean" not in error["message"]
    assert not re.search(r"Traceback|File \"|\.py\b|line \d+, in", answer.text)


@pytest.mark.parametrize(
    "path", ["/", "/graphiql", "/playground", "/console", "/graphql", "/altair", "/voyager"]
)
def test_there_is_no_page(production: str, path: str) -> None:
    answer = httpx.get(production + path, headers={"accept": "text/html"})
    assert answer.status_code in {404, 406}
    assert not re.search("graphi?ql playground|graphiql|<html", answer.text, re.IGNORECASE)


@pytest.mark.parametrize(
    "headers",
    [{"x-lectern-trace": "1"}, {"x-lectern-trace": "plan"}, {"apollo-federation-include-trace": "ftv1"},
     {"apollo-tracing": "1"}, {"x-apollo-tracing": "1"}],
)  # fmt: skip
def test_no_header_turns_tracing_on(production: str, headers: dict[str, str]) -> None:
    answer = httpx.post(f"{production}/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert answer.json() == {"data": {"__typename": "Query"}}


def test_subscriptions_are_not_served(production: str) -> None:
    """Neither over HTTP nor over WebSockets: an upgrade is ignored, and a GET without a query is an error."""
    upgrade = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "sec-websocket-protocol": "graphql-transport-ws",
    }
    assert httpx.get(f"{production}/graphql", headers=upgrade).status_code == 400
    answer = httpx.post(f"{production}/graphql", json={"query": "subscription { a }"}).json()
    assert answer["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


def test_the_documentation_argues_each_check() -> None:
    (section,) = re.findall(r"^## Attack tools\n(.*?)(?=^## |\Z)", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| ([\w ]+) \| (.+?) \| (.+?) \|$", section, re.MULTILINE)
    assert [name for name, *_ in rows if name not in {"check", "protection"}] == [*COP, *ARMOR]
