"""Error responses that the server sends instead of the application. Their bodies are GraphQL errors."""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from app.error_codes import BY_STATUS
from app.security_headers import DATA


@dataclass(frozen=True, slots=True)
class Rejection:
    """An error response. headers: additional header lines, each ending in CRLF."""

    status: int
    message: str
    headers: str = ""

    def encoded(self, defaults: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Encodes the response, with `Connection: close`. defaults: headers that every response has."""
        error = {"message": self.message, "extensions": {"code": BY_STATUS[self.status]}}
        body = orjson.dumps({"errors": [error]})
        head = (
            f"content-type: application/json; charset=utf-8\r\ncontent-length: {len(body)}\r\n"
            f"{self.headers}connection: close\r\n\r\n"
        )
        fields = [b"%s: %s\r\n" % field for field in (*defaults, *DATA)]
        return b"".join([STATUS_LINE[self.status], *fields, head.encode(), body])


CONNECT = Rejection(405, "CONNECT is not supported.", "allow: GET, POST\r\n")
FULL = Rejection(503, "There are too many connections: try again later.", "retry-after: 1\r\n")
HOST = Rejection(400, "Send exactly one Host header.")
INVALID = Rejection(400, "The request is not valid HTTP.")
TRANSFER = Rejection(400, "`Transfer-Encoding` must be `chunked`.")
VERSION = Rejection(400, "Only HTTP/1.0 and HTTP/1.1 are supported.")
