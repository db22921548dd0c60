"""Reads the file that says which operations of a manifest are offered to assistants as tools.

The file is TOML, with a table for each operation:

    [FindCourses]
    description = "Finds courses by words in their title, summary and topics."
    name = "find_courses"            # optional; by default, the operation's name

    [FindCourses.variables]          # optional
    words = "The words to look for."
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

_LARGEST = 1_000_000  # maximum size of the file, in bytes
_MOST_TOOLS = 200
_LONGEST = 4_000  # maximum length of a description, in characters

#: The names that MCP clients accept (SEP-986 allows more, but not every model's API does).
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_KEYS = {"description", "name", "variables"}


class ToolsFileError(Exception):
    """The file can't be used. The message names the file and the place, and says what to change."""


class ToolEntry(NamedTuple):
    """An operation that is offered as a tool.

    operation: the operation's name in the manifest. variables: descriptions, keyed by variable.
    """

    operation: str
    name: str
    description: str
    variables: Mapping[str, str]


def read_tools(path: Path) -> list[ToolEntry]:
    """Returns the entries of a file, in its order. Raises ToolsFileError."""
    entries = [_entry(path, operation, table) for operation, table in _tables(path).items()]
    if len(entries) > _MOST_TOOLS:
        raise ToolsFileError(f"{path}: it has {len(entries):,} tools; at most {_MOST_TOOLS} are allowed.")
    names = [entry.name for entry in entries]
    for entry in entries:
        if names.count(entry.name) > 1:
            raise ToolsFileError(f"{path}: two tools are named `{entry.name}`: give them different names.")
    return entries


def _tables(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ToolsFileError(f"{path}: it can't be read: {error.strerror}.") from None
    if len(content) > _LARGEST:
        raise ToolsFileError(f"{path}: it is larger than {_LARGEST:,} bytes.")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ToolsFileError(f"{path}: it isn't TOML in UTF-8: {error}.") from None


def _entry(path: Path, operation: str, table: object) -> ToolEntry:
    place = f"{path}, [{operation}]"
    if not isinstance(table, dict):
        raise ToolsFileError(
            f"{path}: `{operation}` must be a table, [{operation}], named like an operation of the manifest."
        )
    if unknown := sorted(set(table) - _KEYS):
        raise ToolsFileError(f"{place}: `{unknown[0]}` is unknown; a tool has {', '.join(sorted(_KEYS))}.")
    name, variables = table.get("name", operation), table.get("variables", {})
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ToolsFileError(f"{place}: the name must have 1 to 64 letters, digits, `_` or `-`.")
    if not isinstance(variables, dict):
        raise ToolsFileError(f"{place}: `variables` must be a table of descriptions, keyed by variable.")
    described = {key: _text(f"{place}, `{key}`", value) for key, value in variables.items()}
    return ToolEntry(operation, name, _text(f"{place}, `description`", table.get("description")), described)


def _text(place: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ToolsFileError(f"{place}: it must be a text that says to an assistant what it is for.")
    if len(value) > _LONGEST:
        raise ToolsFileError(f"{place}: it is longer than {_LONGEST:,} characters.")
    return value.strip()
