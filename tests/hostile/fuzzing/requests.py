"""Requests as bytes: well-formed HTTP with unexpected contents, and malformed HTTP."""

import gzip
from random import Random
from typing import NamedTuple
from urllib.parse import quote

from resolvers.context import Viewer
from tests.hostile.fuzzing.documents import Text, damaged, mutated, valid, with_odd
from tests.hostile.fuzzing.values import Json, Pool, written
from tests.support import TOKENS

_ACCEPTS = (
    "application/json", "application/graphql-response+json", "*/*", "", "text/html", "text/event-stream",
    "image/png", "application/json;q=0", "application/json;q=abc, ;;,,=", "*/*;q=0.0001", "a/b;" * 100,
    "multipart/mixed", "ÿ", "application/graphql-response+json; charset=utf-8, application/json; q=0.5",
)  # fmt: skip
_CONTENT_TYPES = (
    "application/json; charset=utf-8", "application/json; charset=utf8",
    "application/json;charset = utf-16", "application/json; charset=\"", "application/graphql",
    "text/plain", "multipart/form-data; boundary=x", "", "application/x-www-form-urlencoded",
    "application/json, application/json", "APPLICATION/JSON", "ÿ", "application/json;",
)  # fmt: skip
_HEADERS = (
    "accept-encoding: gzip, br, zstd", "accept-encoding: gzip;q=0, identity;q=0, *;q=0",
    "accept-encoding: ÿ;;,q=", "content-encoding: gzip", "content-encoding: br",
    "content-encoding: gzip, gzip", "content-encoding: identity", "x-lectern-trace: 1",
    "x-lectern-trace: plan", "x-lectern-trace: " + "1" * 2_000, "origin: null", "origin: https://a.example",
    "access-control-request-method: POST", "access-control-request-headers: a,b,,ÿ", "upgrade: h2c",
    "upgrade: websocket", "connection: upgrade", "connection: upgrade, http2-settings",
    "http2-settings: AAMAAABkAAQAAP__", "sec-websocket-key: x", "sec-websocket-version: 13",
    "expect: 100-continue", "expect: nothing", "te: trailers", "x-forwarded-for: ÿ, 1.2.3.4,,",
    "forwarded: for=_x", "x-forwarded-proto: gopher", "host: evil.example", "host: [::1",
    "cookie: " + "a=b; " * 200, "range: bytes=0-", "if-none-match: *", "x-request-id: \x01",
    "authorization: Basic eA==", "authorization: Bearer ", "authorization: ÿ",
    "authorization: Bearer a.b.c", "authorization: Bearer " + "a" * 9_000, "apollo-require-preflight: 1",
    "content-length: 5", "transfer-encoding: chunked", "transfer-encoding: gzip, chunked", "trailer: x",
    "a" * 200 + ": b",
)  # fmt: skip
_METHODS = (
    "GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get", "PRI", "QUERY",
)  # fmt: skip
_PATHS = (
    "/graphql", "/graphql/", "//graphql", "/graphql?", "/graphql?query", "/graphql?query=%00",
    "/graphql?query=%FF", "/graphql?query={__typename}&query=1", "/graphql?variables=[",
    "/graphql?query={__typename}&variables=" + "[" * 2_000, "/graphql?query={__typename}&extensions=1e309",
    "/graphql?query={__typename}&operationName=%ED%A0%80", "/", "/healthz", "/readyz", "/metrics",
    "/../graphql", "/%2e%2e/x", "/assets/../../etc/passwd", "/static/%00", "/favicon.ico", "*",
    "http://evil.example/graphql", "/" + "a" * 3_000, "/graphql;x", "/graphql#x", "/\xff",
)  # fmt: skip
_VERSIONS = ("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/9.9", "")


class Request(NamedTuple):
    """A request as bytes. is_plain: well-formed HTTP, which must be answered, on a kept connection."""

    data: bytes
    is_plain: bool


class Maker:
    """Generates the requests of a seed, each from its number."""

    def __init__(self, seed: int, pool: Pool) -> None:
        self._seed, self._pool = seed, pool
        self._tokens = [
            TOKENS.access(Viewer(frozenset(roles), subject=subject)).text
            for roles, subject in ((("STAFF",), "fuzzing staff"), (("STUDENT",), "nobody"), ((), "no roles"))
        ]

    def request(self, number: int) -> Request:
        random = Random(f"{self._seed} {number}")
        body = self._body(random)
        chance = random.random()
        if chance < 0.85:
            return Request(self._plain(random, body), is_plain=True)
        return Request(self._odd(random, body), is_plain=False)

    def _body(self, random: Random) -> bytes:
        text = valid(random, self._pool)
        chance = random.random()
        if chance < 0.15:
            return _json(text)
        if chance < 0.65:
            return _json(text._replace(query=mutated(random, text.query)))
        if chance < 0.85:
            return written(with_odd(random, _object(random, text))).encode(errors="surrogatepass")
        return damaged(random, _json(text))

    def _headers(self, random: Random) -> list[str]:
        headers = ["content-type: application/json"]
        if random.random() < 0.3:
            headers.append(f"accept: {random.choice(_ACCEPTS)}")
        if random.random() < 0.4:
            token = random.choice(self._tokens)
            headers.append(
                f"authorization: Bearer {token if random.random() < 0.9 else mutated(random, token)}"
            )
        if random.random() < 0.1:
            headers.append("x-lectern-trace: plan")
        return [header for header in headers if "\n" not in header]

    def _plain(self, random: Random, body: bytes) -> bytes:
        method, headers = "POST", self._headers(random)
        if random.random() < 0.02:
            method = random.choice(("PUT", "DELETE", "PATCH"))
        if random.random() < 0.05:
            headers[0] = f"content-type: {random.choice(_CONTENT_TYPES)}"
        length = f"content-length: {len(body)}"
        head = "\r\n".join([f"{method} /graphql HTTP/1.1", "host: localhost", *headers, length, "", ""])
        return head.encode("latin-1", "replace") + body

    def _odd(self, random: Random, body: bytes) -> bytes:
        if random.random() < 0.2:
            body = random.choice(
                (gzip.compress(body), gzip.compress(body)[:-5], b"", body * 3, body[: len(body) // 2])
            )
        method, path, version = random.choice(_METHODS), random.choice(_PATHS), random.choice(_VERSIONS)
        if random.random() < 0.4:
            method, query = "GET", valid(random, self._pool)
            path = f"/graphql?query={quote(mutated(random, query.query), errors='replace')[:6_000]}"
            path += f"&variables={quote(written(query.variables))}" if random.random() < 0.5 else ""
        headers = self._headers(random)
        if random.random() < 0.4:
            headers[0] = f"content-type: {random.choice(_CONTENT_TYPES)}"
        headers += random.sample(_HEADERS, random.choice((0, 1, 1, 2, 4)))
        if random.random() < 0.2:
            headers.append("transfer-encoding: chunked")
            body = _chunked(random, body)
        elif random.random() < 0.9:
            length = (
                len(body)
                if random.random() < 0.8
                else random.choice((0, 1, len(body) + 5, -1, 10**12, "x", 2**64))
            )
            headers.append(f"content-length: {length}")
        head = "\r\n".join([f"{method} {path} {version}", "host: localhost", *headers, "", ""]).encode(
            "latin-1", "replace"
        )
        data = head + body
        if random.random() < 0.2:
            data = damaged(random, head) + body
        if random.random() < 0.1:
            data = data[: random.randrange(len(data))]
        return data * (2 if random.random() < 0.05 else 1)


def _object(random: Random, text: Text) -> dict[str, Json]:
    return {
        "query": text.query,
        "variables": text.variables,
        "operationName": random.choice((None, "F0", "", "a" * 300)),
        "extensions": random.choice((None, {}, {"persistedQuery": {"version": 1, "sha256Hash": "a" * 64}})),
    }


def _json(text: Text) -> bytes:
    return written({"query": text.query, "variables": text.variables}).encode(errors="surrogatepass")


def _chunked(random: Random, body: bytes) -> bytes:
    size = random.choice((1, 7, 100, 10_000))
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return chunks + random.choice(
        (b"0\r\n\r\n", b"0\r\n\r\n", b"", b"0\r\nx: y\r\n\r\n", b"-1\r\n\r\n", b"f" * 30 + b"\r\n")
    )
