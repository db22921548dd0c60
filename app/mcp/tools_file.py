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
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from app.regular_files import read_regular

_LARGEST = 1_000_000  # maximum size of the file, in bytes
_MOST_TOOLS = 200
_LONGEST = 4_000  # maximum length of a description, in characters

#: The names that MCP clients accept (SEP-986 allows more, but not every model's API does).
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_KEYS = {"description", "name", "variables"}
_WHEN = "say when the assistant should use the tool"


class ToolsFileError(Exception):
    """The file can't be used. The message has a line for each problem, with the place and what to change."""


class ToolEntry(NamedTuple):
    """An operation that is offered as a tool.

    operation: the operation's name in the manifest. variables: descriptions, keyed by variable.
    """

    operation: str
    name: str
    description: str
    variables: Mapping[str, str]


def read_tools(path: Path) -> list[ToolEntry]:
    """Returns the entries of a file, in its order. Raises ToolsFileError, with all problems."""
    tables = _tables(path)
    problems = list(_problems(tables))
    if problems:
        raise ToolsFileError("\n".join(f"{path}: {problem}" for problem in problems))
    return [_entry(operation, table) for operation, table in tables.items()]


def _tables(path: Path) -> dict[str, Any]:
    try:
        content = read_regular(path, _LARGEST + 1)
    except OSError as error:
        raise ToolsFileError(f"{path}: it can't be read: {error.strerror}.") from None
    if len(content) > _LARGEST:
        raise ToolsFileError(f"{path}: it is larger than {_LARGEST:,} bytes.")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ToolsFileError(f"{path}: it isn't TOML in UTF-8: {error}.") from None
    except ValueError:  # Python's limit for integers
        raise ToolsFileError(f"{path}: it has a number with too many digits.") from None


def _problems(tables: Mapping[str, Any]) -> Iterator[str]:
    if len(tables) > _MOST_TOOLS:
        yield f"it has {len(tables):,} tools; at most {_MOST_TOOLS} are allowed."
    names: Counter[str] = Counter()
    for operation, table in tables.items():
        if isinstance(table, dict):
            names[str(table.get("name", operation))] += 1
            yield from (f"[{operation}]: {problem}" for problem in _problems_of_tool(operation, table))
        else:
            yield f"`{operation}` must be a table, [{operation}], named like an operation of the manifest."
    for name, number in names.items():
        if number > 1:
            yield f"{number} tools are named `{name}`: give them different names."


def _problems_of_tool(operation: str, table: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(set(table) - _KEYS):
        yield f"`{key}` is unknown; a tool has {', '.join(sorted(_KEYS))}."
    name, variables = table.get("name", operation), table.get("variables", {})
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield "the name must have 1 to 64 letters, digits, `_` or `-`."
    yield from _problems_of_text("description", table.get("description"), _WHEN)
    if isinstance(variables, dict):
        for variable, value in variables.items():
            yield from _problems_of_text(variable, value, "say what the variable means")
    else:
        yield "`variables` must be a table of descriptions, keyed by variable."


def _problems_of_text(key: str, value: object, purpose: str) -> Iterator[str]:
    if value is None:
        yield f"`{key}` is missing: {purpose}."
    elif not isinstance(value, str) or not value.strip():
        yield f"`{key}` must be a text: {purpose}."
    elif len(value) > _LONGEST:
        yield f"`{key}` is longer than {_LONGEST:,} characters."


def _entry(operation: str, table: Mapping[str, Any]) -> ToolEntry:
    variables = {variable: text.strip() for variable, text in table.get("variables", {}).items()}
    return ToolEntry(operation, table.get("name", operation), table["description"].strip(), variables)
