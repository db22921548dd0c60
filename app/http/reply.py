"""What is sent back: an answer, or why there is none."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson
from starlette.exceptions import HTTPException
from starlette.types import Scope, Send

from app import errors
from app.execution import Answer
from app.execution.encoding import encoded
from app.http.request import GRAPHQL_RESPONSE, JSON, Headers


class Reply(NamedTuple):
    """body: its parts in order; a long one has several, so that no copy of the whole is made."""

    body: Sequence[bytes]
    status: int
    media_type: str
    headers: Mapping[str, str] | None = None

    async def send(self, send: Send, scope: Scope, headers: Headers) -> None:
        """Sends it. scope, headers: the request's."""
        fields = [
            (b"content-length", str(sum(map(len, self.body))).encode()),
            (b"content-type", _CONTENT_TYPES[self.media_type]),
            (b"vary", b"accept"),
        ]
        for name, value in (self.headers or {}).items():
            fields.append((name.encode(), value.encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": fields})
        *parts, last = self.body
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": last})


def answered(answer: Answer, media_type: str) -> Reply:
    """A request that was not executed is a client error; plain JSON has 200 for all that was understood, for
    clients from before the specification.
    """
    status = 200 if answer.executed or media_type == JSON else 400
    return Reply((encoded(answer.payload),), status, media_type)


def refused(refusal: HTTPException, media_type: str | None) -> Reply:
    """An error of the request itself, in the type that the client accepts, or else in JSON."""
    payload = {"errors": [{"message": refusal.detail, "extensions": {"code": _CODES[refusal.status_code]}}]}
    media_type = GRAPHQL_RESPONSE if media_type == GRAPHQL_RESPONSE else JSON
    return Reply((orjson.dumps(payload),), refusal.status_code, media_type, refusal.headers)


def unexpected(error: Exception) -> Reply:
    """Our fault: masked, and in the log."""
    return Reply((orjson.dumps({"errors": [errors.unexpected(error)]}),), 500, JSON)


_CODES: Mapping[int, str] = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "REQUEST_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    503: "SERVICE_UNAVAILABLE",
}

_CONTENT_TYPES: Mapping[str, bytes] = {
    media_type: f"{media_type}; charset=utf-8".encode() for media_type in (JSON, GRAPHQL_RESPONSE)
}
