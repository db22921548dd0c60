"""What is sent back: an answer, or why there is none."""

from collections.abc import Iterator, Mapping
from math import ceil
from typing import NamedTuple

import orjson
from starlette.exceptions import HTTPException
from starlette.types import Scope, Send

from app import errors
from app.execution import Answer, encoding
from app.http import compression
from app.http.request import GRAPHQL_RESPONSE, JSON, Headers, NotPersistedError
from loaders.scope import current


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
        for part, is_last in _taken(self.body if scope["method"] != "HEAD" else [b""]):
            await send({"type": "http.response.body", "body": part, "more_body": not is_last})

    @property
    def length(self) -> int:
        return sum(map(len, self.body))


def _taken(body: list[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The parts of a body, each with whether it is the last, as they are taken out of it. None is larger than
    _PART: the connection holds it until its last byte is read.
    """
    body.reverse()
    while body:
        part = body.pop()
        if len(part) <= _PART:
            yield part, not body
        else:
            size = ceil(len(part) / ceil(len(part) / _PART))
            body += [part[start : start + size] for start in range(0, len(part), size)][::-1]


def answered(answer: Answer, media_type: str) -> Reply:
    """A request that was not executed is a client error; plain JSON has 200 for all that was understood, for
    clients from before the specification.
    """
    return _of(answer, [encoding.encoded(answer.payload)], media_type)


async def bounded(answer: Answer, media_type: str, most: int, *, at_once: bool) -> Reply:
    """An answer of at most so many bytes. at_once: whether it is small, by all that is known."""
    try:
        payload = answer.payload
        body = encoding.at_once(payload, most) if at_once else await encoding.bounded(payload, most)
        return _of(answer, body, media_type)
    except encoding.ResponseTooLargeError:
        return answered(answer._replace(payload=answer.payload | _too_large(most)), media_type)


def _of(answer: Answer, body: list[bytes], media_type: str) -> Reply:
    if "errors" in answer.payload:
        scope = current.get()
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


def _too_large(most: int) -> dict[str, object]:
    message = (
        f"The answer is over {most:,} bytes (MAX_RESPONSE_BYTES). Ask for smaller pages with `first`, or for "
        "fewer fields. What a mutation has done stays done."
    )
    return {**_payload(message, "RESPONSE_TOO_LARGE"), "data": None}


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
