"""Offers trusted operations to AI assistants as tools, by the Model Context Protocol.

The protocol's SDK is an optional dependency (`lectern[mcp]`), so only `tool_server` and `tool_lists`
import it.
"""

from app.mcp.json_schema import input_schema
from app.mcp.message_checks import MessageChecks
from app.mcp.serving import make_tool_server
from app.mcp.tool import Tool, Tools, variables_of
from app.mcp.tools_file import ToolEntry, ToolsFileError, read_tools

__all__ = [
    "MessageChecks",
    "Tool",
    "ToolEntry",
    "Tools",
    "ToolsFileError",
    "input_schema",
    "make_tool_server",
    "read_tools",
    "variables_of",
]
