"""Makes the server of tools where the protocol's SDK is installed."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from app.mcp.tool import Tool

if TYPE_CHECKING:
    from app.mcp.tool_server import ToolServer


def make_tool_server(
    endpoint: ASGIApp, tools: Callable[[], Mapping[str, Tool]], max_body_bytes: int
) -> "ToolServer":
    """Returns an application that answers MCP messages (see app.mcp.tool_server)."""
    from app.mcp.tool_server import ToolServer  # noqa: PLC0415  # the SDK is an extra, and takes a second

    return ToolServer(endpoint, tools, max_body_bytes)
