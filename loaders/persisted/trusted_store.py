"""Trusted operations, and the versions of clients that use them.

An operation is stored once, under its id. A version of a client lists the ids of its operations. Every change
is a transaction that replaces the revision, so a gateway notices changes by reading one small document.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias, TypeVar

import pymongo
from bson import ObjectId

from loaders.mongo import Database, Document, Transaction, find, find_one, send, transaction
from loaders.persisted.trusted_documents import (
    StoredTool,
    TrustedText,
    Version,
    VersionKey,
    text_in,
    version_in,
)

T = TypeVar("T")

_OPERATIONS, _VERSIONS, _REVISION = "trustedOperations", "trustedVersions", "trustedRevision"
_AT_ONCE = 1_000  # number of operations that one command inserts or deletes
_MOST_VERSIONS = 10_000


class NewOperation(NamedTuple):
    """An operation to push. price: the highest that it can have, whatever its variables are."""

    id: str
    text: str
    name: str
    price: int


class Catalogue(NamedTuple):
    """All trusted operations at one revision. is_complete: False if there are more than were asked for.

    unreadable: the documents that can't be read, each as its collection and `_id`.
    """

    revision: ObjectId
    operations: Sequence[TrustedText]
    versions: Sequence[Version]
    is_complete: bool
    unreadable: Sequence[str] = ()


class Pushed(NamedTuple):
    """What a push has done. added: the number of operations that weren't stored before it.

    is_changed: False if the version already had all of the operations. number: those that it has now.
    """

    added: int
    is_changed: bool
    number: int


class ConflictError(Exception):
    """Ids are already stored with another text.

    users: the versions that use each id.
    """

    def __init__(self, users: dict[str, Sequence[VersionKey]]) -> None:
        super().__init__(", ".join(users))
        self.users = users


class UnreadableError(Exception):
    """Documents that a change depends on can't be read. Each is named by its collection and `_id`."""


class ToolConflictError(Exception):
    """Another client has a tool of the same name. users: the versions that have it."""

    def __init__(self, name: str, users: Sequence[VersionKey]) -> None:
        super().__init__(name)
        self.name, self.users = name, users


class TooManyError(Exception):
    """A push would exceed a limit. number, size: the operations there would be, and the bytes of texts."""

    def __init__(self, number: int, size: int) -> None:
        super().__init__(number, size)
        self.number, self.size = number, size


_Chosen: TypeAlias = Callable[[Version], bool]


async def current_revision(database: Database) -> ObjectId | None:
    """Returns the revision, which every change replaces; None before the first push. Sends one command."""
    found: Document | None = await find_one(database[_REVISION], {})
    return found["number"] if found is not None else None


async def load(database: Database, most: int) -> Catalogue | None:
    """Returns the trusted operations, but at most `most`. Returns None before the first push.

    Reads again if there was a change meanwhile, so that the result is that of one moment.
    """
    while (revision := await current_revision(database)) is not None:
        stored = await find(
            database[_OPERATIONS], {}, size=most + 1, limit=most + 1, sort=[("_id", pymongo.ASCENDING)]
        )
        of_clients = await _version_documents(database)
        if revision == await current_revision(database):
            texts = [text for one in stored[:most] if (text := text_in(one)) is not None]
            unreadable = [_label(_OPERATIONS, one) for one in stored[:most] if text_in(one) is None]
            unreadable += [_label(_VERSIONS, one) for one in of_clients if version_in(one) is None]
            return Catalogue(revision, texts, _readable(of_clients), len(stored) <= most, unreadable)
    return None


async def versions(database: Database) -> Sequence[Version]:
    """Returns the versions of all clients, ordered by client and then by time."""
    return _readable(await _version_documents(database))


async def push(
    database: Database,
    key: VersionKey,
    operations: Sequence[NewOperation],
    *,
    most: int,
    most_bytes: int,
    tools: Sequence[StoredTool] | None = None,
) -> Pushed:
    """Stores the operations of a version, all or none. Those that the version had before stay.

    tools: replace the tools that the version had; None leaves them. Changes nothing if the version already
    has all of these and is the client's last. Raises ConflictError, ToolConflictError, TooManyError or
    UnreadableError.
    """
    by_id = {one.id: one for one in operations}

    async def work(tx: Transaction) -> Pushed:
        await _require_same_texts(tx, by_id)
        document = await tx.find_one(_VERSIONS, {"_id": _id(key)})
        version = version_in(document) if document else None
        if document and version is None:
            raise UnreadableError(_label(_VERSIONS, document))
        listed = version.ids if version else ()
        ids = dict.fromkeys([*listed, *by_id])
        stored: Sequence[Document] = document.get("tools", []) if document else []
        offered = stored if tools is None else [_tool(one) for one in tools]
        is_known = document and len(ids) == len(listed) and offered == stored
        if is_known and not await _is_overtaken(tx, document):
            return Pushed(0, is_changed=False, number=len(ids))
        named = tools if tools is not None else version.tools if version else ()
        await _require_own_names(tx, key, [one.name for one in named])
        await _revise(tx)
        new = [by_id[own] for own in await _absent(tx, by_id)]
        await _require_room(tx, new, most, most_bytes)
        for some in _split(new):
            await tx.insert_all(_OPERATIONS, [_operation(one, tx.now) for one in some])
        used = {"usedAt": document["usedAt"]} if document and "usedAt" in document else {}
        pushed = {"ids": list(ids), "pushedAt": tx.now, "tools": offered}
        await tx.put(_VERSIONS, {"_id": _id(key), **pushed, **used})
        return Pushed(len(new), is_changed=True, number=len(ids))

    return await transaction(database, work)


async def remove(database: Database, chosen: _Chosen) -> tuple[Sequence[Version], int]:
    """Deletes versions, and the operations that no other version uses.

    Returns the versions and the number of operations. Raises UnreadableError if a version can't be read,
    because nobody knows which operations it uses.
    """

    async def work(tx: Transaction) -> tuple[Sequence[Version], int]:
        documents = await tx.find(_VERSIONS, {}, size=_MOST_VERSIONS)
        found = _readable(documents)
        if len(found) < len(documents):
            unread = [_label(_VERSIONS, one) for one in documents if version_in(one) is None]
            raise UnreadableError(", ".join(unread))
        gone = [one for one in found if chosen(one)]
        if not gone:
            return gone, 0
        await _revise(tx)
        left = {own for one in found if one not in gone for own in one.ids}
        unused = sorted({own for one in gone for own in one.ids} - left)
        for version in gone:
            await tx.delete_all(_VERSIONS, {"_id": _id(version.key)})
        for ids in _split(unused):
            await tx.delete_all(_OPERATIONS, {"_id": {"$in": ids}})
        return gone, len(unused)

    return await transaction(database, work)


async def _version_documents(database: Database) -> Sequence[Document]:
    sort = [("_id.client", pymongo.ASCENDING), ("pushedAt", pymongo.ASCENDING)]
    found: list[Document] = await find(database[_VERSIONS], {}, size=_MOST_VERSIONS, sort=sort)
    return found


def _readable(documents: Iterable[Document]) -> list[Version]:
    return [version for one in documents if (version := version_in(one)) is not None]


def _label(collection: str, document: Document) -> str:
    return f"{collection} {document['_id']!r}"


async def mark_used(database: Database, keys: Iterable[VersionKey], at: datetime) -> None:
    """Stores when versions were last used. Sends one command."""
    query = {"_id": {"$in": [_id(key) for key in keys]}}
    await send(
        database[_VERSIONS],
        "update",
        lambda target: target.update_many(query, {"$max": {"usedAt": at}}),
    )


async def _is_overtaken(tx: Transaction, version: Document) -> bool:
    """Returns whether another version of the client was pushed later."""
    later = {"_id.client": version["_id"]["client"], "pushedAt": {"$gt": version["pushedAt"]}}
    return await tx.find_one(_VERSIONS, later, projection=["_id"]) is not None


async def _require_same_texts(tx: Transaction, by_id: dict[str, NewOperation]) -> None:
    stored = [
        one
        for ids in _split(list(by_id))
        for one in await tx.find(_OPERATIONS, {"_id": {"$in": ids}}, size=len(ids))
    ]
    others = [one["_id"] for one in stored if one.get("text") != by_id[one["_id"]].text]
    if others:
        users = await tx.find(_VERSIONS, {"ids": {"$in": others}}, size=_MOST_VERSIONS)
        raise ConflictError(
            {own: [one.key for one in _readable(users) if own in one.ids] for own in sorted(others)}
        )


async def _require_own_names(tx: Transaction, key: VersionKey, names: Sequence[str]) -> None:
    others = {"_id.client": {"$ne": key.client}, "tools.name": {"$in": names}}
    found = await tx.find(_VERSIONS, others, size=_MOST_VERSIONS) if names else []
    for name in names:
        users = [one.key for one in _readable(found) if name in {tool.name for tool in one.tools}]
        if users:
            raise ToolConflictError(name, users)


async def _absent(tx: Transaction, by_id: dict[str, NewOperation]) -> list[str]:
    known = {
        one["_id"]
        for ids in _split(list(by_id))
        for one in await tx.find(_OPERATIONS, {"_id": {"$in": ids}}, size=len(ids), projection=["_id"])
    }
    return [own for own in by_id if own not in known]


async def _require_room(tx: Transaction, new: Sequence[NewOperation], most: int, most_bytes: int) -> None:
    total = {"_id": None, "number": {"$sum": 1}, "bytes": {"$sum": "$bytes"}}
    found = await tx.aggregate(_OPERATIONS, [{"$group": total}], size=1)
    stored = found[0] if found else {"number": 0, "bytes": 0}
    number = stored["number"] + len(new)
    size = stored["bytes"] + sum(len(one.text.encode()) for one in new)
    if number > most or size > most_bytes:
        raise TooManyError(number, size)


async def _revise(tx: Transaction) -> None:
    """Replaces the revision. This also makes concurrent changes conflict, so that one of them is retried."""
    await tx.put(_REVISION, {"_id": "trusted", "number": ObjectId()})


def _operation(operation: NewOperation, at: datetime) -> Document:
    own_id, text, name, price = operation
    return {
        "_id": own_id,
        "text": text,
        "name": name,
        "price": price,
        "bytes": len(text.encode()),
        "addedAt": at,
    }


def _tool(tool: StoredTool) -> Document:
    return {**tool._asdict(), "variables": dict(tool.variables)}


def _id(key: VersionKey) -> Document:
    return {"client": key.client, "version": key.version}


def _split(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE)]
