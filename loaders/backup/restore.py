"""Restores a backup into an empty database.

A marker in the database names the backup until everything has been restored. So a restore that was
interrupted can be repeated, and a database that was not empty is never written to.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bson.raw_bson import RawBSONDocument
from pymongo.errors import BulkWriteError
from pymongo.write_concern import WriteConcern

from loaders import indexes
from loaders.backup.collection_file import check_file, file_name, read_collection
from loaders.backup.manifest import NAME, BackupError, Manifest, read_manifest
from loaders.collections import COLLECTIONS
from loaders.indexes import IndexState
from loaders.mongo import Database, find_one

_MARKERS, _MARKER = "restores", "restore"
_DUPLICATE_KEY = 11000  # MongoDB's error code for a duplicate key


class Restored(NamedTuple):
    """The result of a restore. problems: indexes that couldn't be created, or that differ."""

    manifest: Manifest
    problems: Sequence[IndexState]


async def restore_backup(
    database: Database, directory: Path, version: str, writing: Callable[[str], None] = lambda _: None
) -> Restored:
    """Restores a backup into an empty database, and then creates the indexes.

    Checks all files before it writes anything. If it was interrupted, the same call completes it. version:
    this version of Lectern. writing: called with the name of each collection, before it is written.

    Raises BackupError if the backup can't be restored, or the database isn't empty.
    """
    manifest = read_manifest(directory, version)
    for name, contents in manifest.collections.items():
        check_file(directory / file_name(name), contents)
    await _mark(database, hashlib.sha256((directory / NAME).read_bytes()).hexdigest())
    for name in manifest.collections:
        writing(name)
        for batch in read_collection(directory / file_name(name)):
            await _insert(database, name, batch)
    await _check_counts(database, manifest)
    problems = (await indexes.ensure(database)).problems
    await database[_MARKERS].drop()
    return Restored(manifest, problems)


async def is_unfinished(database: Database) -> bool:
    """Returns whether a restore into the database has been interrupted, or is running."""
    return await find_one(database[_MARKERS], {"_id": _MARKER}) is not None


async def _mark(database: Database, backup: str) -> None:
    """Marks the database as one in which this backup is being restored, unless it is marked already.

    Raises BackupError if the database isn't empty, or another backup is being restored in it.
    """
    marker = await find_one(database[_MARKERS], {"_id": _MARKER})
    if marker and marker["backup"] == backup:
        return
    if marker:
        raise BackupError(
            f"The restore of another backup into the database {database.name} was interrupted. Run that one"
            " again, or drop the database."
        )
    for name in COLLECTIONS:
        if await find_one(database[name], {}, projection={"_id": 1}):
            raise BackupError(
                f"The database {database.name} isn't empty: it has {name}. Restore into another one"
                " (LECTERN_MONGODB_DATABASE), or drop this one first."
            )
    durable = database[_MARKERS].with_options(write_concern=WriteConcern("majority"))
    await durable.insert_one({"_id": _MARKER, "backup": backup})


async def _insert(database: Database, collection: str, batch: Sequence[RawBSONDocument]) -> None:
    """Inserts documents. Leaves out those that an interrupted restore has inserted."""
    durable = database[collection].with_options(write_concern=WriteConcern("majority"))
    try:
        await durable.insert_many(batch, ordered=False)
    except BulkWriteError as error:
        for failed in error.details["writeErrors"]:
            if failed["code"] != _DUPLICATE_KEY or failed.get("keyPattern") != {"_id": 1}:
                raise BackupError(
                    f"MongoDB rejected a document of {collection}: {failed['errmsg']}"
                ) from None
        if error.details["writeConcernErrors"]:
            raise BackupError(
                f"The replica set hasn't confirmed the documents of {collection}. Run the same command again."
            ) from None


async def _check_counts(database: Database, manifest: Manifest) -> None:
    """Raises BackupError if a collection has more or fewer documents than the backup."""
    for name, contents in manifest.collections.items():
        # MongoDB deletes documents that have outlived the backup.
        has_lifetime = any(index.seconds is not None for index in COLLECTIONS[name].indexes)
        found = await database[name].count_documents({})
        if found > contents.documents or (found < contents.documents and not has_lifetime):
            raise BackupError(
                f"{name} has {found:,} documents, but the backup has {contents.documents:,}. Something else"
                " writes to the database: stop it, drop the database, and restore again."
            )
