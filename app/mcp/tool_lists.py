"""Keeps the list of tools as it is sent."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from app.mcp.tool import Tool

_Context: TypeAlias = ServerRequestContext[Any, Any]


class ToolLists:
    """Middleware of the SDK that answers `tools/list` with a cached list, until the tools change.

    Making a list of 200 tools takes 15 ms, because the SDK copies and validates it several times. The
    versions of the protocol have lists of their own.

    tools: returns the current tools; another mapping once they have changed.
    """

    def __init__(self, tools: Callable[[], Mapping[str, Tool]]) -> None:
        self._tools = tools
        self._made_of: Mapping[str, Tool] = {}
        self._by_version: dict[str, HandlerResult] = {}

    async def __call__(self, ctx: _Context, call_next: CallNext) -> HandlerResult:
        if ctx.method != "tools/list" or (ctx.params and "cursor" in ctx.params):
            return await call_next(ctx)
        if (tools := self._tools()) is not self._made_of:
            self._made_of, self._by_version = tools, {}
        lists = self._by_version  # those of these tools, even if they are replaced meanwhile
        if (found := lists.get(ctx.protocol_version)) is None:
            found = lists[ctx.protocol_version] = await call_next(ctx)
        return found
