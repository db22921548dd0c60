"""Compares the indexes of the database with the declared ones, and creates those that are missing.

Indexes are compared by their keys and options, not only by their names. Nothing is ever dropped: an operator
decides what to do about an index that differs.
"""

import json
from asyncio import gather
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from bson import ObjectId
from pymongo import IndexModel
from pymongo.errors import OperationFailure

from loaders.collections import COLLECTIONS, Index, StoredCollection
from loaders.mongo import Database, Document, Fields, Option, Value, aggregate

#: The indexes of one collection by name, as MongoDB describes them.
_Existing = Mapping[str, Fields]

_DUPLICATE_KEY = 11000  # MongoDB's error code for a duplicate key
_SHOWN = 3  # maximum number of groups of duplicates to show, and of `_id`s to show per group
#: Options that change what an index does, and which no declared index uses. Each has a description of an
#: index with that option.
_OTHER_OPTIONS = {"sparse": "is sparse", "hidden": "is hidden", "collation": "has a collation"}


class IndexProblem(NamedTuple):
    """An index that differs from the declared ones, or that can't be created.

    what: the problem, as a sentence whose subject (the index) is left out. remedy: a sentence that says
    what to do about the problem.
    is_harmless: whether the gateway works as well as it would without the problem.
    """

    collection: str
    name: str
    what: str
    remedy: str
    is_harmless: bool = False

    def __str__(self) -> str:
        return f"{self.collection}.{self.name} {self.what} {self.remedy}"


class Comparison(NamedTuple):
    """How the database's indexes differ from the declared ones. missing: missing indexes, by collection."""

    missing: Mapping[str, Sequence[Index]]
    problems: Sequence[IndexProblem]

    @property
    def differing(self) -> list[IndexProblem]:
        """The problems that are not harmless."""
        return [problem for problem in self.problems if not problem.is_harmless]

    @property
    def missing_names(self) -> list[str]:
        return [f"{name}.{index.name}" for name, indexes in self.missing.items() for index in indexes]


class Ensured(NamedTuple):
    """The result of `ensure`: the names of the indexes that it created, and the problems that it found."""

    created: Sequence[str]
    problems: Sequence[IndexProblem]

    @property
    def needs_operator(self) -> bool:
        return any(not problem.is_harmless for problem in self.problems)


async def compare(database: Database) -> Comparison:
    """Compares the indexes of all collections with the declared ones."""
    missing, problems = {}, []
    for row in COLLECTIONS.values():
        existing = await database[row.name].index_information()
        absent, found = _compared(row, existing)
        problems += found
        if absent:
            missing[row.name] = absent
    return Comparison(missing, problems)


async def missing(database: Database) -> list[str]:
    """Returns the indexes that don't exist, each as "collection.name"."""
    return (await compare(database)).missing_names


async def ensure(database: Database) -> Ensured:
    """Creates the indexes that don't exist. Building an index on a large collection takes a long time.

    An index isn't created if there is already one with the same name or keys, or if duplicates prevent it.
    """
    comparison = await compare(database)
    failures = await gather(
        *(_create(database, name, indexes) for name, indexes in comparison.missing.items())
    )
    prevented = [problem for found in failures for problem in found]
    names = {f"{problem.collection}.{problem.name}" for problem in prevented}
    created = [name for name in comparison.missing_names if name not in names]
    return Ensured(created, [*comparison.problems, *prevented])


def _compared(row: StoredCollection, existing: _Existing) -> tuple[list[Index], list[IndexProblem]]:
    """Returns the missing indexes of a collection, and the problems with its existing indexes."""
    absent, problems = [], []
    others = {name: found for name, found in existing.items() if name != "_id_"}
    for index in row.indexes:
        name = index.name if index.name in others else _with_keys(index, others)
        if name is None:
            absent.append(index)
            continue
        found = others.pop(name)
        if differences := list(_differences(index, found)):
            problems.append(_differing(row.name, name, differences))
        elif name != index.name:
            problems.append(_renamed(row.name, name, index))
    return absent, problems + [_unknown(row.name, name) for name in others]


def _with_keys(index: Index, others: _Existing) -> str | None:
    """Returns the name of an index with the same keys as `index`, preferably with the same options."""
    names = [name for name, found in others.items() if [*found["key"]] == [*index.keys]]
    return min(names, key=lambda name: len([*_differences(index, others[name])]), default=None)


def _differences(index: Index, found: Fields) -> Iterator[str]:
    """Yields descriptions of how an existing index differs from the declared one."""
    if [*found["key"]] != [*index.keys]:
        yield f"has different keys ({_written(found['key'])})"
    if bool(found.get("unique")) is not index.unique:
        yield "is not unique" if index.unique else "is unique"
    if (where := found.get("partialFilterExpression")) != index.where:
        yield (
            "covers all documents"
            if where is None
            else f"covers different documents ({json.dumps(where, default=str)})"
        )
    if (seconds := found.get("expireAfterSeconds")) != index.seconds:
        yield "deletes no documents" if seconds is None else f"deletes documents after {seconds} s"
    yield from (difference for option, difference in _OTHER_OPTIONS.items() if found.get(option))


def _written(keys: Iterable[tuple[str, Value]]) -> str:
    return ", ".join(f"{field}: {direction}" for field, direction in keys)


def _differing(collection: str, name: str, differences: Sequence[str]) -> IndexProblem:
    remedy = f"To replace it, run {_drop(collection, name)} in mongosh, then `lectern indexes`."
    return IndexProblem(collection, name, f"{' and '.join(differences)}.", remedy)


def _renamed(collection: str, name: str, index: Index) -> IndexProblem:
    what = f"has the keys and options of {index.name}, and is used instead of it."
    return IndexProblem(collection, name, what, "Nothing needs to be done.", is_harmless=True)


def _unknown(collection: str, name: str) -> IndexProblem:
    remedy = f"If nothing else needs it, drop it, because it slows down writes: {_drop(collection, name)}."
    return IndexProblem(collection, name, "is not one of Lectern's indexes.", remedy, is_harmless=True)


def _drop(collection: str, name: str) -> str:
    return f'db.{collection}.dropIndex("{name}")'


async def _create(database: Database, collection: str, indexes: Sequence[Index]) -> list[IndexProblem]:
    """Creates indexes of a collection. Returns a problem for each index that can't be created."""
    try:
        await database[collection].create_indexes([_model(index) for index in indexes])
    except OperationFailure as error:
        if len(indexes) == 1:
            return [await _prevented(database, collection, indexes[0], error)]
        return [problem for index in indexes for problem in await _create(database, collection, [index])]
    return []


async def _prevented(
    database: Database, collection: str, index: Index, error: OperationFailure
) -> IndexProblem:
    if not index.unique or error.code != _DUPLICATE_KEY:
        message = str((error.details or {}).get("errmsg") or error)
        return IndexProblem(collection, index.name, f"can't be created: {message}.", "")
    groups = await _duplicates(database, collection, index)
    shown = "; ".join(
        f"{_value(group['_id'])}: {', '.join(map(_written_id, group['ids']))}" for group in groups
    )
    what = f"can't be created, because several documents have the same values ({shown})."
    return IndexProblem(
        collection,
        index.name,
        what,
        "Delete the duplicates or change their values, then run `lectern indexes`.",
    )


async def _duplicates(database: Database, collection: str, index: Index) -> list[Document]:
    """Returns groups of documents with equal values in an index.

    Returns at most _SHOWN groups, and at most _SHOWN `_id`s for each.
    """
    keys = {field.replace(".", "_"): f"${field}" for field, _ in index.keys}
    return await aggregate(
        database[collection],
        [
            {"$match": index.where or {}},
            {"$group": {"_id": keys, "ids": {"$firstN": {"input": "$_id", "n": _SHOWN}}}},
            {"$match": {"ids.1": {"$exists": True}}},
            {"$limit": _SHOWN},
        ],
        size=_SHOWN,
        allowDiskUse=True,
    )


def _written_id(key: Value) -> str:
    return str(key) if isinstance(key, ObjectId) else repr(key)


def _value(key: Fields) -> str:
    return (
        ", ".join(repr(value) if isinstance(value, str) else str(value) for value in key.values()) or "null"
    )


def _model(index: Index) -> IndexModel:
    options: dict[str, Option] = {"partialFilterExpression": index.where} if index.where else {}
    if index.seconds is not None:
        options["expireAfterSeconds"] = index.seconds
    return IndexModel(list(index.keys), name=index.name, unique=index.unique, **options)
