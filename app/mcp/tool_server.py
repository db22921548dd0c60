"""Serves tools to AI assistants by the Model Context Protocol (https://modelcontextprotocol.io).

The transport is streamable HTTP without sessions: each message is a POST, and its response is JSON. So any
worker can answer any message. A call of a tool becomes a request to the GraphQL endpoint with the headers of
the MCP request, so that the same viewer, limits, budgets, log and metrics apply.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any, TypeAlias

import mcp_types as protocol
import orjson
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import shortened
from app.mcp.tool import Tool
from app.mcp.tool_call import LARGEST, ToolCall
from app.mcp.tool_lists import ToolLists

#: The name and version that the log and the metrics show for a tool's requests, unless the client sends them.
CLIENT = "mcp"

_Context: TypeAlias = ServerRequestContext[Any, Request]  # Any: the server has no state of its own

_INSTRUCTIONS = (
    "Each tool runs one operation of a course platform's GraphQL API, and returns its response: `data`, and "
    "`errors` with a `code` each. With the code RATE_LIMITED, wait for `retryAfter` seconds."
)


class ToolServer:
    """An ASGI application that answers MCP messages. It answers only within `running`.

    endpoint: the GraphQL endpoint. tools: returns the current tools, keyed by name. max_body_bytes: the
    maximum size of a message.
    """

    def __init__(
        self, endpoint: ASGIApp, tools: Callable[[], Mapping[str, Tool]], max_body_bytes: int
    ) -> None:
        self._endpoint, self._tools, self._max_body_bytes = endpoint, tools, max_body_bytes
        self._server: Server[Any] = Server(
            "lectern",
            version=metadata.version("lectern"),
            instructions=_INSTRUCTIONS,
            # The SDK would list the tools at each call, to compare headers with arguments whose schemas ask
            # for it. These never do.
            get_tool_input_schema=lambda name: None,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        # The SDK's own middleware makes spans; Lectern has spans for the operation.
        self._server.middleware[:] = [ToolLists(tools)]
        self._messages: StreamableHTTPSessionManager | None = None
        logging.getLogger("mcp").setLevel(logging.ERROR)  # its other lines are about clients' messages

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answers messages until the block ends."""
        self._messages = StreamableHTTPSessionManager(
            self._server, json_response=True, stateless=True, max_request_body_size=self._max_body_bytes
        )
        async with self._messages.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._messages is not None  # noqa: S101  # no requests come before startup
        await self._messages.handle_request(scope, receive, send)

    async def _list(
        self, ctx: _Context, params: protocol.PaginatedRequestParams | None
    ) -> protocol.ListToolsResult:
        if params and params.cursor is not None:
            raise MCPError(protocol.INVALID_PARAMS, "There is no further page: all tools are in the first.")
        tools = sorted(self._tools().values(), key=lambda tool: tool.name)
        return protocol.ListToolsResult(tools=[_described(tool) for tool in tools])

    async def _call(self, ctx: _Context, params: protocol.CallToolRequestParams) -> protocol.CallToolResult:
        tool = self._tools().get(params.name)
        if tool is None:
            raise MCPError(protocol.INVALID_PARAMS, "There is no tool with this name: list the tools again.")
        arguments, request = params.arguments or {}, ctx.request
        assert request is not None  # noqa: S101  # every message comes by HTTP
        if unknown := set(arguments) - set(tool.input_schema["properties"]):
            return _failed(shortened(f"The tool has no argument `{min(unknown)}`."))
        call = ToolCall(request, CLIENT)
        try:
            exchange = call.exchange(tool, arguments)
        except TypeError:
            return _failed("An argument has an integer of more than 64 bits, or is nested too deeply.")
        await self._endpoint(*exchange)
        return _result(call, tool)


def _described(tool: Tool) -> protocol.Tool:
    return protocol.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.input_schema,
        annotations=protocol.ToolAnnotations(read_only_hint=tool.is_query),
    )


def _result(call: ToolCall, tool: Tool) -> protocol.CallToolResult:
    """Returns the result of a call: the response as text. It is an error if the response has no data.

    The same as structured content would double the message, and the protocol asks for it only if a tool
    describes its output.
    """
    if call.is_too_large:
        return _failed(_too_large(tool))
    body = call.body
    if not body:  # the client has disconnected, so nobody will read this
        return _failed("The request was cancelled.")
    content = [protocol.TextContent(type="text", text=body.decode())]
    return protocol.CallToolResult(content=content, is_error=not _has_data(body))


def _has_data(body: bytes) -> bool:
    """Returns whether a GraphQL response has data. Only responses with errors are parsed."""
    return body.startswith(b'{"data":{') or orjson.loads(body).get("data") is not None


def _too_large(tool: Tool) -> str:
    advice = "Its operation must request smaller pages or fewer fields."
    if tool.page_sizes:
        advice = f"Call the tool again with a smaller {' or '.join(f'`{name}`' for name in tool.page_sizes)}."
    done = "" if tool.is_query else " Changes that it has made are not undone."
    return f"The response is larger than {LARGEST:,} bytes, the most that a tool returns. {advice}{done}"


def _failed(message: str) -> protocol.CallToolResult:
    return protocol.CallToolResult(content=[protocol.TextContent(type="text", text=message)], is_error=True)
