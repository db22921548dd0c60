"""What is sent back: an answer, or why there is none."""

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

import orjson
from starlette.exceptions import HTTPException
from starlette.types import Scope, Send

from app import errors
from app.execution import Answer, ResponseTooLargeError, encode_at_once, encode_bounded, encoded
from app.http import compression
from app.http.decoding import GRAPHQL_RESPONSE, JSON, Headers, NotPersistedError
from loaders.mongo import current_scope


class Reply(NamedTuple):
    """body: its parts in order. A large one has several, so that it is never copied as a whole. It is empty
    once it is sent.
    """

    body: list[bytes]
    status: int
    media_type: str
    headers: Mapping[str, str] | None = None

    def may_be_compressed(self, headers: Headers) -> bool:
        """Whether it is worth it, and the client takes it. headers: the request's."""
        return self.length >= compression.LEAST and compression.is_accepted(headers)

    async def compressed(self) -> "Reply":
        """The reply compressed by gzip."""
        body = await compression.compressed(self.body)
        return self._replace(body=body, headers={**(self.headers or {}), "content-encoding": "gzip"})

    async def send(self, send: Send, scope: Scope) -> None:
        """Sends it; to HEAD without the body. What the client has read is in memory no longer."""
        fields = [(b"content-length", b"%d" % self.length), _CONTENT_TYPES[self.media_type], _VARY]
        if self.headers:
            fields += [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": fields})
        left = self.body if scope["method"] != "HEAD" else [b""]
        left.reverse()
        while left:
            part = left.pop()
            if len(part) > _PART:
                left += reversed(_pieces(part))
            else:
                await send({"type": "http.response.body", "body": part, "more_body": bool(left)})

    @property
    def length(self) -> int:
        return sum(map(len, self.body))


def _pieces(part: bytes) -> list[bytes]:
    """Pieces of at most _PART bytes: the connection holds one until its last byte is read."""
    size = ceil(len(part) / ceil(len(part) / _PART))
    return [part[start : start + size] for start in range(0, len(part), size)]


def answered(answer: Answer, media_type: str) -> Reply:
    """A request that was not executed is a client error; plain JSON has 200 for all that was understood, for
    clients from before the specification.
    """
    return _of(answer, [encoded(answer.payload)], media_type)


async def bounded(answer: Answer, media_type: str, most: int) -> Reply:
    """An answer of at most so many bytes."""
    try:
        return _of(answer, await encode_bounded(answer.payload, most), media_type)
    except ResponseTooLargeError:
        return _too_large(answer, media_type, most)


def at_once(answer: Answer, media_type: str, most: int) -> Reply:
    """As `bounded`, for one that is small by all that is known."""
    try:
        return _of(answer, encode_at_once(answer.payload, most), media_type)
    except ResponseTooLargeError:
        return _too_large(answer, media_type, most)


def _of(answer: Answer, body: list[bytes], media_type: str) -> Reply:
    if "errors" in answer.payload:
        scope = current_scope.get()
        if errors.nothing_done(answer.payload, wrote=scope is not None and scope.wrote):
            return Reply(body, 503, media_type, {"retry-after": _RETRY_AFTER})
    return Reply(body, 200 if answer.executed or media_type == JSON else 400, media_type)


def refused(refusal: HTTPException, media_type: str | None) -> Reply:
    """An error of the request itself, in the type that the client accepts, or else in JSON."""
    media_type = GRAPHQL_RESPONSE if media_type == GRAPHQL_RESPONSE else JSON
    if isinstance(refusal, NotPersistedError):
        return answered(Answer(_payload(refusal.detail, "PERSISTED_QUERY_NOT_SUPPORTED")), media_type)
    payload = _payload(refusal.detail, getattr(refusal, "code", _CODES.get(refusal.status_code, "")))
    return Reply([orjson.dumps(payload)], refusal.status_code, media_type, refusal.headers)


def unexpected(error: Exception, media_type: str | None) -> Reply:
    """MongoDB is away or too slow, or it is our fault: masked, and in the log."""
    told = errors.unexpected(error)
    body = [orjson.dumps({"errors": [told]})]
    media_type = GRAPHQL_RESPONSE if media_type == GRAPHQL_RESPONSE else JSON
    if told["extensions"]["code"] in {errors.SERVICE_UNAVAILABLE, errors.TIMEOUT}:
        return Reply(body, 503, media_type, {"retry-after": _RETRY_AFTER})
    return Reply(body, 500, media_type)


def _too_large(answer: Answer, media_type: str, most: int) -> Reply:
    message = (
        f"The answer is over {most:,} bytes (MAX_RESPONSE_BYTES). Ask for smaller pages with `first`, or for "
        "fewer fields. What a mutation has done stays done."
    )
    told = {**_payload(message, "RESPONSE_TOO_LARGE"), "data": None}
    return answered(answer._replace(payload=answer.payload | told), media_type)


def _payload(message: str, code: str) -> dict[str, object]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


_PART = 65_536  # bytes

_RETRY_AFTER = "5"  # seconds

_CODES: Mapping[int, str] = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "REQUEST_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    503: "SERVICE_UNAVAILABLE",
}

_VARY = (b"vary", b"accept, accept-encoding")
_CONTENT_TYPES: Mapping[str, tuple[bytes, bytes]] = {
    media_type: (b"content-type", f"{media_type}; charset=utf-8".encode())
    for media_type in (JSON, GRAPHQL_RESPONSE)
}
