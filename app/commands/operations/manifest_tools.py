"""Matches the tools in a file with the operations of a manifest."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from app.commands.command_error import CommandError
from app.mcp import ToolEntry, ToolsFileError, read_tools, variables_of
from loaders.persisted import NewOperation, StoredTool


def stored_tools(path: Path, operations: Sequence[NewOperation]) -> list[StoredTool]:
    """Returns the tools that a file names. Raises CommandError, with all problems."""
    try:
        entries = read_tools(path)
    except ToolsFileError as error:
        raise CommandError(str(error)) from None
    problems = [problem for entry in entries for problem in _problems(entry, operations)]
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise CommandError(f"{path}: nothing was stored, because of these problems:\n{lines}")
    by_name = {operation.name: operation for operation in operations}
    return [
        StoredTool(entry.name, by_name[entry.operation].id, entry.description, entry.variables)
        for entry in entries
    ]


def _problems(entry: ToolEntry, operations: Sequence[NewOperation]) -> Iterator[str]:
    named = [operation for operation in operations if operation.name == entry.operation]
    if len(named) != 1:
        number = "no operation" if not named else f"{len(named)} operations"
        yield f"[{entry.operation}]: the manifest has {number} with this name."
    else:
        for variable in sorted(set(entry.variables) - variables_of(named[0].text)):
            yield f"[{entry.operation}]: the operation has no variable `{variable}`."
