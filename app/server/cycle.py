"""uvicorn's request-response cycle, except that head and body are usually written in one call."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

_CLOSE = (b"connection", b"close")

#: Fields that differ from response to response, so that they aren't cached.
_VARYING = frozenset({b"content-length", b"x-request-id", b"ratelimit", b"retry-after"})

_Field: TypeAlias = tuple[bytes, bytes]
_Message: TypeAlias = Any  # an ASGI message; uvicorn keeps its types private


class Cycle(RequestResponseCycle):
    """A request and its response. Sends the response faster than uvicorn's own class does.

    If the response has a `Content-Length`, its head is written together with the first part of the body, and
    the encoded header fields are cached. uvicorn writes the head separately, and validates every header field
    of every response.
    """

    _head: bytes | None = None  # the encoded head, until it is written with the next part of the body
    _closes = False  # whether the head says that the connection will close
    _is_received = False  # whether the application has received the whole body of the request

    async def receive(self) -> _Message:
        has_ended = self.disconnected or self.response_complete
        if self.more_body or self._is_received or has_ended or self.waiting_for_100_continue:
            message = await super().receive()
            self._is_received |= not message.get("more_body", True)
            return message
        # The whole body has arrived, so there is nothing to wait for.
        # uvicorn's own method awaits an event even then.
        self._is_received = True
        self.flow.resume_reading()
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: _Message) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            length, others, own = _sorted_out(message.get("headers", ()))
            if length is None or self.scope["method"] == "HEAD":
                await super().send(message)
                return
            self._head = self._encoded_head(message["status"], others, own, length)
            self.expected_content_length = length
            self.response_started = True
            self.waiting_for_100_continue = False
        elif self._head is None or self.response_complete:
            await super().send(message)
        else:
            self._write(message.get("body", b""), more=message.get("more_body", False))

    def _encoded_head(self, status: int, others: list[_Field], own: list[_Field], length: int) -> bytes:
        """Encodes the head of a response, whose fields `_sorted_out` has returned."""
        if _CLOSE in others:
            self.keep_alive = False
        elif not self.keep_alive:
            others.append(_CLOSE)
        self._closes = not self.keep_alive
        lines = _lines((*self.default_headers, *others)) + (_encoded(own) if own else b"")
        return b"%b%bcontent-length: %d\r\n\r\n" % (STATUS_LINE[status], lines, length)

    def _write(self, body: bytes, *, more: bool) -> None:
        self.expected_content_length -= len(body)
        if self.expected_content_length < 0 or (self.expected_content_length and not more):
            raise ValueError("the length of the response body differs from its Content-Length header")
        self.transport.write(self._head + body if self._head else body)
        self._head = b""
        if not more:
            self.response_complete = True
            self.body = bytearray()  # don't keep an unread body while the connection stays open
            self.message_event.set()
            if self._closes:
                self.transport.close()
            self.on_response()


def _sorted_out(headers: Iterable[_Field]) -> tuple[int | None, list[_Field], list[_Field]]:
    """Splits header fields into the content length, the fields that many responses share, and the others.

    The content length is None unless exactly one field gives it.
    """
    lengths, shared, own = [], [], []
    for field in headers:
        if field[0] not in _VARYING:
            shared.append(field)
        elif field[0] == b"content-length":
            lengths.append(int(field[1]))
        else:
            own.append(field)
    return lengths[0] if len(lengths) == 1 else None, shared, own


def _encoded(fields: Sequence[_Field]) -> bytes:
    """Encodes fields, whose names must be valid. Raises ValueError for an invalid value."""
    if HEADER_VALUE_RE.search(b"".join([value for _, value in fields])):
        raise ValueError("a header field of the response has an invalid value")
    return b"".join([b"%b: %b\r\n" % field for field in fields])


@lru_cache(maxsize=32)  # a few entries suffice, because most responses share the same fields
def _lines(fields: Sequence[_Field]) -> bytes:
    """Encodes fields that many responses share. Raises ValueError for an invalid name or value."""
    if HEADER_RE.search(b"".join([name for name, _ in fields])):
        raise ValueError("a header field of the response has an invalid name")
    return _encoded(fields)
