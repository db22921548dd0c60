"""Offers trusted operations to AI assistants as tools, by the Model Context Protocol.

The protocol's SDK is an optional dependency (`lectern[mcp]`), so only `tool_server` imports it.
"""

from app.mcp.json_schema import input_schema
from app.mcp.tool import Tool
from app.mcp.tools_file import ToolEntry, ToolsFileError, read_tools

__all__ = ["Tool", "ToolEntry", "ToolsFileError", "input_schema", "read_tools"]
