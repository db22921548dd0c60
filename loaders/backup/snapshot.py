"""Reads collections as they all were at one moment, while others write to them.

MongoDB chooses the moment at the first read. It keeps the state of that moment for a time
(`minSnapshotHistoryWindowInSeconds`, 300 seconds by default). Later reads fail.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import cast

from pymongo.errors import OperationFailure

from loaders.mongo import Database, DriverObject

#: What to do about each of MongoDB's error codes for a snapshot that can't be read.
_ADVICE = {
    # SnapshotTooOld
    239: "The backup took longer than MongoDB keeps a snapshot, which is 300 seconds by default. Keep it for"
    " longer, with db.adminCommand({setParameter: 1, minSnapshotHistoryWindowInSeconds: 3600}) in mongosh,"
    " and run the same command again.",
    # SnapshotUnavailable
    246: "A collection or an index was created while the backup began. Run the same command again.",
}


class SnapshotError(Exception):
    """MongoDB doesn't have the snapshot (any more). The message says what to do."""


class Snapshot:
    """The state of the database at one moment."""

    def __init__(self, database: Database, session: DriverObject) -> None:
        self._database = database
        self._session = session

    async def batches(self, collection: str) -> AsyncIterator[bytes]:
        """Yields the documents of a collection as concatenated BSON, at most 16 MB at a time.

        Raises SnapshotError if the snapshot can't be read.
        """
        cursor = self._database[collection].find_raw_batches({}, session=self._session)
        try:
            async for batch in cursor:
                yield cast("bytes", batch)  # the driver's type is that of documents
        except OperationFailure as error:
            if error.code in _ADVICE:
                raise SnapshotError(_ADVICE[error.code]) from None
            raise


@asynccontextmanager
async def open_snapshot(database: Database) -> AsyncIterator[Snapshot]:
    """Yields a snapshot of the database. It needs a replica set or a sharded cluster."""
    session: DriverObject = database.client.start_session(snapshot=True)
    if isawaitable(session):
        session = await session
    try:
        yield Snapshot(database, session)
    finally:
        if isawaitable(ended := session.end_session()):
            await ended
