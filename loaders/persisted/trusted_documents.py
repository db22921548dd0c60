"""The documents of trusted operations and of the versions that use them, as objects.

A document can have another shape: a later version of Lectern may have written it, or somebody by hand. What
is unknown in it is ignored. If what is needed is missing or has another type, it can't be read.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from loaders.mongo import Document, utc


class VersionKey(NamedTuple):
    """The name of a client and its version."""

    client: str
    version: str


class StoredTool(NamedTuple):
    """An operation that is offered to AI assistants as a tool.

    operation: the operation's id. variables: descriptions, keyed by the names of variables.
    """

    name: str
    operation: str
    description: str
    variables: Mapping[str, str]


class TrustedText(NamedTuple):
    """A trusted operation: its id, its text, the operation's name and its highest price."""

    id: str
    text: str
    name: str
    price: int


class Version(NamedTuple):
    """A version of a client. used_at: None if none of its operations was used since it was pushed."""

    key: VersionKey
    ids: Sequence[str]
    pushed_at: datetime
    used_at: datetime | None
    tools: Sequence[StoredTool] = ()


def text_in(document: Document) -> TrustedText | None:
    """Returns the operation that a document contains, or None if it can't be read."""
    match document:
        case {"_id": str(own), "text": str(text), "name": str(name), "price": int(price)}:
            return TrustedText(own, text, name, price)
    return None


def version_in(document: Document) -> Version | None:
    """Returns the version that a document contains, or None if it can't be read.

    Tools that can't be read are left out.
    """
    match document:
        case {
            "_id": {"client": str(client), "version": str(version)},
            "ids": [*ids],
            "pushedAt": datetime() as pushed,
        }:
            if not all(isinstance(own, str) for own in ids):
                return None
            used = document.get("usedAt")
            used_at = utc(used) if isinstance(used, datetime) else None
            tools = [tool for one in _list(document.get("tools")) if (tool := _tool_in(one)) is not None]
            return Version(VersionKey(client, version), ids, utc(pushed), used_at, tools)
    return None


def _tool_in(value: object) -> StoredTool | None:
    match value:
        case {
            "name": str(name),
            "operation": str(operation),
            "description": str(description),
            "variables": dict(variables),
        }:
            if all(isinstance(each, str) for each in variables.values()):
                return StoredTool(name, operation, description, variables)
    return None


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
