"""HTTP replies to GraphQL requests: the response to an operation, or an error."""

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

import orjson
from starlette.exceptions import HTTPException
from starlette.types import Scope, Send

from app import errors
from app.error_codes import BY_STATUS, SERVICE_UNAVAILABLE, TIMEOUT
from app.execution import Answer, Refusal, encoded
from app.http import compression
from app.http.caching import PERSONAL
from app.http.decoding import GRAPHQL_RESPONSE, JSON, REQUEST_ID, Headers
from app.persisted import OperationError
from app.security_headers import DATA, Fields, data_kept_for
from loaders.mongo import current_scope


class Reply(NamedTuple):
    """An HTTP response.

    body: the parts of the body, in order. A large body has several parts, so that it is never copied in full.
    Sending the body empties the list. code: the code of the first error, or empty. errors: the number of
    errors. error_id: the id of the first error, if it was masked. is_shared: whether everyone who sends the
    same request without a token gets this body. max_age: seconds for which any cache may keep the response; 0
    if none may.
    """

    body: list[bytes]
    status: int
    media_type: str
    headers: Mapping[str, str] | None = None
    code: str = ""
    errors: int = 0
    error_id: str = ""
    is_shared: bool = False
    max_age: int = 0

    def may_be_compressed(self, headers: Headers) -> bool:
        """Returns whether the reply is worth compressing and the client accepts gzip."""
        return self.length >= compression.LEAST and compression.is_accepted(headers)

    def kept_for(self, seconds: int) -> "Reply":
        """Returns the reply as caches may keep it."""
        return self._replace(headers=None, max_age=seconds)

    async def compressed(self) -> "Reply":
        """Returns the reply, compressed with gzip."""
        body = await compression.compressed(self.body)
        return self._replace(body=body, headers={**(self.headers or {}), "content-encoding": "gzip"})

    async def send(self, send: Send, scope: Scope, request_id: str, budget: Fields = ()) -> None:
        """Sends the reply, without its body if the method is HEAD.

        budget: fields with the state of the client's budget. A reply that caches may keep has neither these
        nor the request's id.

        The memory of each part is released once the client has read that part.
        """
        fields = [(b"content-length", b"%d" % self.length), _CONTENT_TYPES[self.media_type]]
        if self.max_age:
            fields += [_SHARED_VARY, *data_kept_for(self.max_age)]
        else:
            fields += [(REQUEST_ID, request_id.encode()), _VARY, *DATA, *budget]
        if self.headers:
            fields += [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": fields})
        pending = self.body if scope["method"] != "HEAD" else [b""]
        pending.reverse()
        while pending:
            part = pending.pop()
            if len(part) > _PART:
                pending += reversed(_pieces(part))
            else:
                await send({"type": "http.response.body", "body": part, "more_body": bool(pending)})

    @property
    def length(self) -> int:
        """The length of the body, in bytes."""
        return sum(map(len, self.body))


def _pieces(part: bytes) -> list[bytes]:
    """Splits bytes into pieces of about the same size, at most _PART bytes each.

    Pieces are small because the connection can't free a piece before the client has read all of it.
    """
    size = ceil(len(part) / ceil(len(part) / _PART))
    return [part[start : start + size] for start in range(0, len(part), size)]


def answered(answer: Answer | Refusal, media_type: str) -> Reply:
    """Returns the reply to an operation that was run or refused.

    The status of a refused operation is 400, or 200 with the media type `application/json`, because clients
    that predate the GraphQL over HTTP specification expect 200 for every well-formed request.
    """
    if isinstance(answer, Refusal):
        body, status = [encoded(answer.payload)], 200 if media_type == JSON else 400
        return Reply(body, status, media_type, code=answer.code, errors=len(answer.errors))
    if answer.errors:
        extensions, number = answer.errors[0]["extensions"], len(answer.errors)
        code, error_id = str(extensions["code"]), extensions.get("errorId", "")
        scope = current_scope.get()
        wrote = scope is not None and scope.wrote
        if errors.nothing_done(answer.errors, has_data=answer.has_data, wrote=wrote):
            seconds = str(extensions.get("retryAfter", _RETRY_AFTER))
            return Reply(answer.body, 503, media_type, {"retry-after": seconds}, code, number)
        return Reply(answer.body, 200, media_type, None, code, number, error_id)
    return Reply(answer.body, 200, media_type, is_shared=answer.cacheable)


def refused(refusal: HTTPException, media_type: str | None) -> Reply:
    """Returns the error response to a request that was refused with an HTTPException."""
    media_type = GRAPHQL_RESPONSE if media_type == GRAPHQL_RESPONSE else JSON
    code = code_of(refusal)
    body = [orjson.dumps(_payload(refusal, code))]
    if isinstance(refusal, OperationError):
        status = 200 if media_type == JSON else 400
        return Reply(body, status, media_type, refusal.headers, code, 1)
    return Reply(body, refusal.status_code, media_type, refusal.headers, code, 1)


def code_of(refusal: HTTPException) -> str:
    """Returns the value of `extensions.code` for an invalid HTTP request."""
    return str(getattr(refusal, "code", BY_STATUS.get(refusal.status_code, "")))


def unexpected(error: Exception, media_type: str | None) -> Reply:
    """Returns the reply to an unexpected exception.

    The details are hidden from the client.
    """
    shown, status, headers = masked(error)
    code, error_id = shown["extensions"]["code"], shown["extensions"].get("errorId", "")
    media_type = GRAPHQL_RESPONSE if media_type == GRAPHQL_RESPONSE else JSON
    return Reply([orjson.dumps({"errors": [shown]})], status, media_type, headers, code, 1, error_id)


def masked(error: Exception) -> tuple[errors.ErrorDict, int, dict[str, str]]:
    """Returns what a client is shown of an unexpected exception, with the status and headers. Logs a bug.

    The status is 503 if MongoDB is unavailable or too slow, and 500 if there is a bug.
    """
    shown = errors.unexpected(error)
    if shown["extensions"]["code"] not in {SERVICE_UNAVAILABLE, TIMEOUT}:
        return shown, 500, {}
    shown["extensions"]["retryAfter"] = int(_RETRY_AFTER)
    return shown, 503, {"retry-after": _RETRY_AFTER}


def _payload(refusal: HTTPException, code: str) -> dict[str, object]:
    """Returns the body of a refusal. It repeats `Retry-After`, for clients that don't read headers."""
    extensions: dict[str, object] = {"code": code, **getattr(refusal, "extensions", {})}
    if seconds := (refusal.headers or {}).get("retry-after"):
        extensions["retryAfter"] = int(seconds)
    return {"errors": [{"message": refusal.detail, "extensions": extensions}]}


_PART = 65_536  # maximum number of bytes that are sent at a time

_RETRY_AFTER = "5"  # the value of the Retry-After header, in seconds

_VARY = (b"vary", b"accept, accept-encoding")
_SHARED_VARY = (b"vary", b", ".join((b"accept", b"accept-encoding", *PERSONAL)))
_CONTENT_TYPES: Mapping[str, tuple[bytes, bytes]] = {
    media_type: (b"content-type", f"{media_type}; charset=utf-8".encode())
    for media_type in (JSON, GRAPHQL_RESPONSE)
}
