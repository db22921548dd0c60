"""Remembers which documents an import has touched, until their aggregates are recounted.

The ids are stored before the writes that touch them. So if an import is interrupted, the next import
recounts what the interrupted one had changed.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from bson import ObjectId

from loaders.mongo import Database, Document, Fields, find, now
from loaders.recounting import recount_these
from loaders.transfer.run_changes import fill_waitlists
from loaders.transfer.seen_keys import Seen

_COLLECTION = "importedDocuments"
_AT_ONCE = 500  # maximum number of documents that are recounted in one transaction
_ABANDONED = timedelta(days=1)  # after this time, an import is assumed to have ended


class Touched:
    """The documents that one import has touched: courses, changed runs, and students whose reviews changed.

    moved_up: the number of students who moved up from a waitlist because their run has more seats now.
    """

    def __init__(self, database: Database) -> None:
        self.moved_up = 0
        self._database = database
        self._import = ObjectId()
        self._stored = Seen()

    async def add(self, ids: Mapping[str, Iterable[ObjectId]]) -> None:
        """Stores ids by collection, unless this import has already stored them. Sends at most one command.

        Calls must follow each other. If one fails, the import must end.
        """
        new = {
            name: [id_ for id_ in ids_ if id_ and self._stored.add((name, id_), 1)]
            for name, ids_ in ids.items()
        }
        documents: list[Document] = [
            {"import": self._import, "at": now(), "collection": name, "ids": ids_}
            for name, ids_ in new.items()
            if ids_
        ]
        if documents:
            await self._database[_COLLECTION].insert_many(documents)

    async def recount(self) -> int:
        """Recounts the aggregates of the documents that this import and unfinished imports have touched.

        Returns the number of corrected values. The ids stored by other imports are kept for a day, because
        those imports may still be running.
        """
        corrected, last, done = 0, ObjectId("0" * 24), Seen()
        while stored := await self._next(last):
            last = stored["_id"]
            ids = [id_ for id_ in stored["ids"] if done.add((stored["collection"], id_), 1)]
            for start in range(0, len(ids), _AT_ONCE):
                corrected += await self._follow(stored["collection"], ids[start : start + _AT_ONCE])
        over = {"$or": [{"import": self._import}, {"at": {"$lt": now() - _ABANDONED}}]}
        await self._database[_COLLECTION].delete_many({"_id": {"$lte": last}, **over})
        return corrected

    async def _follow(self, collection: str, ids: list[ObjectId]) -> int:
        """Recounts changed documents, or gives free seats of changed runs to students on their waitlists.

        Returns the number of corrected values. Courses must be recounted before the waitlists of their runs.
        """
        if collection != "courseRuns":
            return await recount_these(self._database, collection, ids)
        self.moved_up += await fill_waitlists(self._database, ids)
        return 0

    async def _next(self, after: ObjectId) -> Fields | None:
        query = {"_id": {"$gt": after}}
        found = await find(self._database[_COLLECTION], query, size=1, sort=[("_id", 1)], limit=1)
        return found[0] if found else None
