"""The request to the GraphQL endpoint that a call of a tool becomes."""

import orjson
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from app.budgets import PAID_BEFORE
from app.execution import JsonObject
from app.mcp.message_checks import PRICE
from app.mcp.tool import Tool

#: The headers that belong to the assistant's request as a whole. The others describe the MCP message.
_PASSED_ON = frozenset(
    (
        b"accept-language",
        b"authorization",
        b"traceparent",
        b"tracestate",
        b"user-agent",
        b"x-lectern-client-key",
        b"x-request-id",
    )
)
#: The maximum size of a response that a tool returns, in bytes. Assistants can't use more: Claude Code takes
#: at most 25,000 tokens, which are some 100,000 characters.
LARGEST = 100_000

_CLIENT_NAME, _CLIENT_VERSION = b"apollographql-client-name", b"apollographql-client-version"


class ToolCall:
    """A request to the endpoint, in memory.

    request: the HTTP request with the MCP message. client: the name of the client, unless the request has
    one. body: the endpoint's response; empty if the client has disconnected, or if it is too large.
    """

    def __init__(self, request: Request, client: str) -> None:
        self._request, self._client = request, client
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def is_too_large(self) -> bool:
        """Whether the response is larger than LARGEST."""
        return self._size > LARGEST

    @property
    def body(self) -> bytes:
        return b"".join(self._parts)

    def exchange(self, tool: Tool, variables: JsonObject) -> tuple[Scope, Receive, Send]:
        """Returns the arguments for the endpoint, an ASGI application.

        Raises TypeError if a variable has an integer of more than 64 bits, or is nested too deeply.
        """
        content = orjson.dumps({"id": tool.operation_id, "variables": variables})
        pending: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> Message:
            # After the body, only the disconnect of the assistant can follow.
            return pending.pop() if pending else await self._request.receive()

        return self._scope(len(content)), receive, self._send

    async def _send(self, message: Message) -> None:
        part = message.get("body", b"")
        self._size += len(part)
        if self.is_too_large:
            self._parts.clear()
        else:
            self._parts.append(part)

    def _scope(self, length: int) -> Scope:
        scope, sent = self._request.scope, dict(self._request.scope["headers"])
        headers = [(name, value) for name, value in scope["headers"] if name in _PASSED_ON]
        headers += [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % length),
            (b"accept", b"application/graphql-response+json"),
            (_CLIENT_NAME, sent.get(_CLIENT_NAME, self._client.encode())),
            (_CLIENT_VERSION, sent.get(_CLIENT_VERSION, b"")),
        ]
        path = "/graphql"  # as in the log; the endpoint doesn't look at it
        return {
            **scope, "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": headers, PAID_BEFORE: PRICE,
        }  # fmt: skip
