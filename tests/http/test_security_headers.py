"""The header fields that confine a response: on every response of a gateway in production, byte by byte."""

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from app.http import graphiql
from app.security_headers import ALWAYS, DATA
from app.settings import Settings
from tests.support import serving

ORIGIN = "https://courses.example"
HSTS = (b"strict-transport-security", b"max-age=31536000")

POST = "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
QUERY = '{"query": "{ __typename }"}'
PREFLIGHT = "OPTIONS /graphql HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Method: POST\r\n"

ANSWERS = {
    "a query": (f"{POST}Content-Length: 27\r\n\r\n{QUERY}", 200),
    "a query by GET": ("GET /graphql?query={__typename} HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "HEAD": ("HEAD /graphql?query={__typename} HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "HTTP/1.0": ("GET /graphql?query={__typename} HTTP/1.0\r\n\r\n", 200),
    "a slash at the end": ("GET /graphql/?query={__typename} HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "an invalid query": (f"{POST}Content-Length: 21\r\n\r\n" + '{"query": "{ nope }"}', 200),
    "a body that is not JSON": (f"{POST}Content-Length: 1\r\n\r\n{{", 400),
    "a body that is not gzip": (f"{POST}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{{}}", 400),
    "no content type": ("POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 415),
    "a wrong token": (f"{POST}Authorization: Bearer x\r\nContent-Length: 2\r\n\r\n{{}}", 401),
    "a wrong method": ("PUT /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405),
    "a wrong path": ("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "the page that is off": ("GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n", 404),
    "liveness": ("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "readiness": ("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "metrics": ("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    # what the server refuses itself
    "not HTTP": ("hello\r\n\r\n", 400),
    "no host": ("GET /graphql HTTP/1.1\r\n\r\n", 400),
    "a long URL": (f"GET /graphql?query={'x' * 9000} HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a long head": (f"GET /graphql HTTP/1.1\r\nHost: a\r\nX: {'x' * 20000}\r\n\r\n", 431),
    "CONNECT": ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
}
PREFLIGHTS = {
    "a preflight": (f"{PREFLIGHT}Origin: {ORIGIN}\r\n\r\n", 204),
    "a refused preflight": (f"{PREFLIGHT}Origin: https://evil.example\r\n\r\n", 403),
}


@pytest.fixture(scope="module")
def production(sample: Settings) -> Iterator[str]:
    settings = {"LECTERN_ENV": "production", "LECTERN_METRICS": "true", "LECTERN_CORS_ORIGINS": ORIGIN}
    with serving(sample, **settings) as url:
        yield url


def head(url: str, request: str) -> tuple[int, list[tuple[bytes, bytes]]]:
    """The status and the header fields of the answer to the bytes of a request."""
    address = urlsplit(url)
    received = b""
    with socket.create_connection((address.hostname, address.port), timeout=20) as sock:
        with suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(request.encode())
        while b"\r\n\r\n" not in received and (got := sock.recv(65_536)):
            received += got
    first, *lines = received.partition(b"\r\n\r\n")[0].split(b"\r\n")
    fields = [line.partition(b": ")[::2] for line in lines]
    return int(first.split()[1]), [(name.lower(), value) for name, value in fields]


@pytest.mark.parametrize(("request_", "status"), ANSWERS.values(), ids=ANSWERS)
def test_every_answer_is_confined(production: str, request_: str, status: int) -> None:
    told, fields = head(production, request_)
    assert told == status
    for field in (*ALWAYS, *DATA):
        assert [value for name, value in fields if name == field[0]] == [field[1]]
    assert not {b"server", b"x-powered-by", b"set-cookie", HSTS[0]} & {name for name, _ in fields}


@pytest.mark.parametrize("name", ["no host", "a long URL", "a long head"])
def test_pages_cannot_read_refusals_of_the_server(production: str, name: str) -> None:
    """It may not have read the origin when it refuses a request."""
    line, rest = ANSWERS[name][0].split("\r\n", 1)
    _, fields = head(production, f"{line}\r\nOrigin: {ORIGIN}\r\n{rest}")
    assert not [field for field, _ in fields if field.startswith(b"access-control")]


@pytest.mark.parametrize(("request_", "status"), PREFLIGHTS.values(), ids=PREFLIGHTS)
def test_preflights_are_confined(production: str, request_: str, status: int) -> None:
    told, fields = head(production, request_)
    assert told == status
    assert set(ALWAYS) <= set(fields)
    assert not [name for name, _ in fields if name == b"access-control-allow-private-network"]


@pytest.mark.parametrize("name", [name for name, (_, status) in ANSWERS.items() if status in {200, 401, 404}])
def test_over_https_browsers_are_told_to_stay_there(production: str, name: str) -> None:
    """Whether it was HTTPS, a trusted proxy says."""
    request, status = ANSWERS[name]
    line, rest = request.split("\r\n", 1)
    for scheme, expected in (("https", [HSTS]), ("http", []), ("ftp", [])):
        told, fields = head(production, f"{line}\r\nX-Forwarded-Proto: {scheme}\r\n{rest}")
        assert told == status
        assert [field for field in fields if field[0] == HSTS[0]] == expected


def test_in_development_nothing_is_said_about_https(gateway_url: str) -> None:
    request = "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n\r\n"
    assert HSTS[0] not in dict(head(gateway_url, request)[1])


@pytest.mark.parametrize("path", ["/", "/graphql"])
def test_the_page_has_a_policy_of_its_own(gateway_url: str, path: str) -> None:
    if not (graphiql.STATIC / "index.html").is_file():
        pytest.skip("GraphiQL is not built: run `make setup`")
    _, fields = head(gateway_url, f"GET {path} HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n")
    assert set(ALWAYS) <= set(fields)
    policies = [value.decode() for name, value in fields if name == b"content-security-policy"]
    assert policies == [graphiql.CONTENT_SECURITY_POLICY]
    assert [value for name, value in fields if name == b"cache-control"] == [b"no-cache"]
    assert [value for name, value in fields if name == b"cross-origin-opener-policy"] == [b"same-origin"]


def test_the_fields_take_few_bytes(production: str) -> None:
    own = {name for name, _ in (*ALWAYS, *DATA)}
    _, fields = head(production, ANSWERS["a query"][0])
    assert sum(len(b"%b: %b\r\n" % field) for field in fields if field[0] in own) <= 230
    names = {name.decode() for name, _ in fields}
    assert names == {
        "date", "content-length", "content-type", "vary", "x-request-id", *(name.decode() for name in own),
    }  # fmt: skip


def test_a_gateway_says_nothing_about_its_software(production: str) -> None:
    for request, _ in (*ANSWERS.values(), *PREFLIGHTS.values()):
        for name, value in head(production, request)[1]:
            assert not re.search(rb"uvicorn|starlette|python", name + value, re.IGNORECASE)
