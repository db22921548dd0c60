"""A request and its response on a connection: uvicorn's, with most answers written in one piece."""

from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)


class Cycle(RequestResponseCycle):
    """A response with a known length is written in one piece where possible. uvicorn checks each header and
    writes the head separately.
    """

    _head: bytes | None = None  # to be written before the next part of the body
    _closes = False  # the connection, as the head said
    _is_received = False  # the whole body

    async def receive(self) -> Any:
        if self.more_body or self._is_received or self._has_ended or self.waiting_for_100_continue:
            message = await super().receive()
            self._is_received |= not message.get("more_body", True)
            return message
        self._is_received = True  # and there is nothing to wait for
        self.flow.resume_reading()
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": False}

    @property
    def _has_ended(self) -> bool:
        return self.disconnected or self.response_complete

    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            length = dict(message.get("headers", ())).get(b"content-length")
            if length is None or self.scope["method"] == "HEAD":
                await super().send(message)
                return
            self._head = self._written(message["status"], message["headers"])
            self.expected_content_length = int(length)
            self.response_started = True
            self.waiting_for_100_continue = False
        elif self._head is None or self.response_complete:
            await super().send(message)
        else:
            self._write(message.get("body", b""), more=message.get("more_body", False))

    def _written(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The head of a response."""
        fields = [*self.default_headers, *headers]
        names, values = zip(*fields, strict=True)
        if HEADER_RE.search(b"".join(names)) or HEADER_VALUE_RE.search(b"".join(values)):
            raise ValueError("a field of the response has an invalid name or value")
        self._closes = not self.keep_alive
        if (b"connection", b"close") in fields:
            self._closes, self.keep_alive = True, False
        elif self._closes:
            fields.append((b"connection", b"close"))
        return b"%b%b\r\n" % (STATUS_LINE[status], b"".join([b"%b: %b\r\n" % field for field in fields]))

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
