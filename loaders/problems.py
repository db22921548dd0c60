"""Finds the documents that don't fit the model: `lectern check`.

The declarations in loaders/model/documents.py determine what is wrong with a value. The documents are read in
batches to save memory. A document that is written during the check may be missed, or reported as it was
before the write.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from inspect import isawaitable
from typing import Literal, NamedTuple

from loaders.collections import COLLECTIONS, StoredCollection, derived
from loaders.model import MISSING, ProblemKind, Refers, Shape, shape_of
from loaders.mongo import Database, Document, DriverObject, Filter, Pipeline, Stored, Value, find
from loaders.reading import finding
from loaders.transfer import CourseGraph

_BATCH = 500
_MOST_SAME = 1_000  # maximum number of students reported for an e-mail address that they share


MisfitKind = ProblemKind | Literal["derived", "dangling", "cycle", "same e-mail"]


class Misfit(NamedTuple):
    """Something that is wrong with a document. path: the path of the field, such as "price.currency"."""

    collection: str
    id: Value
    path: str
    reason: str
    kind: MisfitKind


_DERIVED = "differs from the value computed from the other fields"
_DANGLING = "does not match any of the"
_LEADS_BACK = "requires the course itself, directly or through others"
_SAME_EMAIL = "is also the e-mail address of another student"


async def misfits(database: Database) -> AsyncIterator[Misfit]:
    """Yields everything that is wrong with the stored documents, collection by collection."""
    for row in COLLECTIONS.values():
        if row.document is None:
            continue
        find_suspects, shape = finding(row.name), shape_of(row.document)
        async for batch in _batches(database, row.name):
            for document in find_suspects(batch):
                for problem in shape.problems(document, ""):
                    yield Misfit(row.name, document.get("_id"), *problem)
            for misfit in _underived(row, shape, batch):
                yield misfit
            for misfit in await _dangling(database, row, shape, batch):
                yield misfit
    async for misfit in _cycles(database):
        yield misfit
    async for misfit in _same_emails(database):
        yield misfit


async def _batches(
    database: Database, collection: str, query: Filter | None = None
) -> AsyncIterator[list[Stored]]:
    # A batch can't be selected by a range of `_id`s, because MongoDB compares only values of the same type,
    # and an `_id` can have any type.
    cursor = database[collection].find(query or {}, batch_size=_BATCH)
    while batch := await cursor.to_list(_BATCH):
        yield batch


def _underived(row: StoredCollection, shape: Shape, documents: Sequence[Document]) -> Iterator[Misfit]:
    """Yields derived fields whose stored values differ from the computed ones.

    A document is skipped if a field in `derived_from` doesn't fit the model.
    """
    if row.derive is None or shape.members is None:
        return
    sources = [(name, shape.members[name]) for name in row.derived_from]
    for document in documents:
        if any(True for name, part in sources for _ in part.problems(document.get(name, MISSING), name)):
            continue
        for name, value in derived(row.name, document).items():
            if name in document and document[name] != value:
                yield Misfit(row.name, document["_id"], name, _DERIVED, "derived")


class _Reference(NamedTuple):
    id: Value  # `_id` of the document that contains the reference
    path: str
    target: Value


async def _dangling(
    database: Database, row: StoredCollection, shape: Shape, documents: Sequence[Document]
) -> list[Misfit]:
    """Returns the references whose targets don't exist. Sends one command for each collection referred to."""
    references: Mapping[Refers, list[_Reference]] = defaultdict(list)
    for document in documents:
        for refers, path, target in _references(shape, document, ""):
            references[refers].append(_Reference(document["_id"], path, target))
    found: list[Misfit] = []
    for refers, those in references.items():
        existing = await _existing(database, refers, [reference.target for reference in those])
        found += [
            Misfit(row.name, reference.id, reference.path, f"{_DANGLING} {refers.collection}", "dangling")
            for reference in those
            if reference.target not in existing
        ]
    return found


def _references(shape: Shape, value: Value, path: str) -> Iterator[tuple[Refers, str, Value]]:
    """Yields each reference in a value, as its declaration (Refers), its path and its target."""
    if isinstance(value, dict) and shape.members is not None:
        for name, member in shape.members.items():
            yield from _references(member, value.get(name), f"{path}.{name}" if path else name)
    elif isinstance(value, list) and shape.item is not None:
        for item in value:
            yield from _references(shape.item, item, f"{path}[]")
    elif shape.refers is not None and isinstance(value, shape.kind):
        yield shape.refers, path, value


async def _existing(database: Database, refers: Refers, targets: Sequence[Value]) -> set[Value]:
    wanted = list(dict.fromkeys(targets))
    query, projection = {refers.field: {"$in": wanted}}, {refers.field: 1}
    found = await find(database[refers.collection], query, size=len(wanted), projection=projection)
    return {document[refers.field] for document in found}


async def _cycles(database: Database) -> AsyncIterator[Misfit]:
    """Yields the courses that require themselves, directly or indirectly. Reads all prerequisites twice."""
    graph, have_any = CourseGraph(), {"prerequisiteIds.0": {"$exists": True}}
    async for batch in _batches(database, "courses", have_any):
        for course in batch:
            graph.add(str(course["_id"]), _prerequisites(course))
    graph.find_cycles()
    async for batch in _batches(database, "courses", have_any):
        for course in batch:
            own = str(course["_id"])
            if any(graph.leads_back(own, target) for target in _prerequisites(course)):
                yield Misfit("courses", course["_id"], "prerequisiteIds[]", _LEADS_BACK, "cycle")


def _prerequisites(course: Document) -> list[str]:
    found = course["prerequisiteIds"]
    return [str(target) for target in found] if isinstance(found, list) else []


async def _same_emails(database: Database) -> AsyncIterator[Misfit]:
    """Yields the students who share an e-mail address, ignoring case."""
    pipeline: Pipeline = [
        {"$match": {"email": {"$type": "string", "$gt": ""}}},
        {"$group": {"_id": {"$toLower": "$email"}, "ids": {"$firstN": {"input": "$_id", "n": _MOST_SAME}}}},
        {"$match": {"ids.1": {"$exists": True}}},
    ]
    cursor: DriverObject = database["students"].aggregate(pipeline, allowDiskUse=True, batchSize=_BATCH)
    cursor = await cursor if isawaitable(cursor) else cursor
    while groups := await cursor.to_list(_BATCH):
        for group in groups:
            for key in group["ids"]:
                yield Misfit("students", key, "email", _SAME_EMAIL, "same e-mail")
