"""A request and its response on a connection: uvicorn's, with most answers written in one piece."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeAlias

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

_CLOSE = (b"connection", b"close")

_Field: TypeAlias = tuple[bytes, bytes]


class Cycle(RequestResponseCycle):
    """A response with a known length is written in one piece where possible. uvicorn checks each header and
    writes the head separately.
    """

    _head: bytes | None = None  # to be written before the next part of the body
    _closes = False  # the connection, as the head said
    _is_received = False  # the whole body

    async def receive(self) -> Any:
        has_ended = self.disconnected or self.response_complete
        if self.more_body or self._is_received or has_ended or self.waiting_for_100_continue:
            message = await super().receive()
            self._is_received |= not message.get("more_body", True)
            return message
        self._is_received = True  # and there is nothing to wait for
        self.flow.resume_reading()
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            length, others = _without_length(message.get("headers", ()))
            if length is None or self.scope["method"] == "HEAD":
                await super().send(message)
                return
            self._head = self._written(message["status"], others, length)
            self.expected_content_length = length
            self.response_started = True
            self.waiting_for_100_continue = False
        elif self._head is None or self.response_complete:
            await super().send(message)
        else:
            self._write(message.get("body", b""), more=message.get("more_body", False))

    def _written(self, status: int, others: list[_Field], length: int) -> bytes:
        """The head of a response. others: its fields but for the length."""
        if _CLOSE in others:
            self.keep_alive = False
        elif not self.keep_alive:
            others.append(_CLOSE)
        self._closes = not self.keep_alive
        lines = _lines((*self.default_headers, *others))
        return b"%b%bcontent-length: %d\r\n\r\n" % (STATUS_LINE[status], lines, length)

    def _write(self, body: bytes, *, more: bool) -> None:
        self.expected_content_length -= len(body)
        if self.expected_content_length < 0 or (self.expected_content_length and not more):
            raise ValueError("the body of the response has not the length that its head says")
        self.transport.write(self._head + body if self._head else body)
        self._head = b""
        if not more:
            self.response_complete = True
            self.body = bytearray()  # unread, it would stay with the connection
            self.message_event.set()
            if self._closes:
                self.transport.close()
            self.on_response()


def _without_length(headers: Iterable[_Field]) -> tuple[int | None, list[_Field]]:
    """The length, None unless there is one, and the other fields."""
    lengths, others = [], []
    for field in headers:
        if field[0] == b"content-length":
            lengths.append(int(field[1]))
        else:
            others.append(field)
    return lengths[0] if len(lengths) == 1 else None, others


@lru_cache(maxsize=32)  # most responses have the fields of the one before
def _lines(fields: tuple[_Field, ...]) -> bytes:
    """The fields of a head."""
    names, values = b"".join([name for name, _ in fields]), b"".join([value for _, value in fields])
    if HEADER_RE.search(names) or HEADER_VALUE_RE.search(values):
        raise ValueError("a field of the response has an invalid name or value")
    return b"".join([b"%b: %b\r\n" % field for field in fields])
