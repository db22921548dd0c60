"""Answers to what never becomes a request: in JSON, as GraphQL errors are."""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

_CODES = {
    400: "BAD_REQUEST",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    414: "URL_TOO_LONG",
    431: "HEAD_TOO_LARGE",
    503: "SERVICE_UNAVAILABLE",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """headers: more of them, each with its line's end."""

    status: int
    message: str
    headers: str = ""

    def encoded(self, defaults: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The whole answer, after which the connection closes. defaults: headers of every answer."""
        error = {"message": self.message, "extensions": {"code": _CODES[self.status]}}
        body = orjson.dumps({"errors": [error]})
        own = (
            f"content-type: application/json; charset=utf-8\r\ncontent-length: {len(body)}\r\n"
            f"{self.headers}connection: close\r\n\r\n"
        )
        return b"".join(
            [STATUS_LINE[self.status], *(b"%s: %s\r\n" % one for one in defaults), own.encode(), body]
        )


CONNECT = Refusal(405, "CONNECT is not supported.", "allow: GET, POST\r\n")
FULL = Refusal(503, "Too many connections: try again.", "retry-after: 1\r\n")
HOST = Refusal(400, "Send exactly one Host header.")
INVALID = Refusal(400, "The request is not valid HTTP.")
TRANSFER = Refusal(400, "`Transfer-Encoding` must be `chunked`.")
VERSION = Refusal(400, "Only HTTP/1.0 and HTTP/1.1 are supported.")
