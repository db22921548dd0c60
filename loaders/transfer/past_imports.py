"""Records which file was imported from which source, so that a repeated import is recognised.

Imports are also added to the audit log.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from loaders import audit
from loaders.model import ChangeDoc
from loaders.mongo import Database, Document, find, now

_COLLECTION = "imports"


class ImportedFile(NamedTuple):
    """A file to import into a collection. digest: identifies the file's content; None for standard input."""

    name: str
    collection: str
    columns: Sequence[str]
    digest: str | None


class PastImport(NamedTuple):
    """An earlier import: the source, the file's name, the date (such as "2026-11-27") and the columns."""

    source: str
    name: str
    date: str
    columns: Sequence[str]


async def same_file(database: Database, file: ImportedFile) -> Sequence[PastImport]:
    """Finds imports of the same content into the same collection. Returns the latest one from each source.

    Returns an empty list for standard input, because there is no digest to compare.
    """
    if file.digest is None:
        return []
    query = {"collection": file.collection, "digest": file.digest}
    return _latest_by_source(await find(database[_COLLECTION], query, size=20, sort=[("at", -1)], limit=20))


async def latest(database: Database, source: str, collection: str) -> PastImport | None:
    """Returns the latest import from a source into a collection, or None if there is none."""
    query = {"collection": collection, "source": source}
    found = await find(database[_COLLECTION], query, size=1, sort=[("at", -1)], limit=1)
    return _past(found[0]) if found else None


async def record_file(database: Database, file: ImportedFile, source: str) -> None:
    """Records that a file was imported from a source.

    Replaces the record if the same content was imported earlier from this source into this collection.
    """
    same = {"source": source, "collection": file.collection, "digest": file.digest}
    document = {**same, "name": file.name, "columns": list(file.columns), "at": now()}
    await database[_COLLECTION].replace_one(same, document, upsert=True)


async def record_in_audit_log(
    database: Database, file: ImportedFile, source: str, counts: Mapping[str, int]
) -> None:
    """Adds an import to the audit log. counts: the number of rows with each outcome."""
    after = {"file": file.name, "source": source, **counts}
    change: ChangeDoc = {
        "collection": file.collection, "documentId": source, "before": None, "after": after,
    }  # fmt: skip
    await audit.note(database, "import", [change])


def _latest_by_source(documents: Sequence[Document]) -> Sequence[PastImport]:
    by_source = {document["source"]: _past(document) for document in reversed(documents)}
    return list(by_source.values())


def _past(document: Document) -> PastImport:
    date = document["at"].date().isoformat()
    return PastImport(document["source"], document["name"], date, document["columns"])
