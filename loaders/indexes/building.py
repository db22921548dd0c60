"""Builds the indexes that are missing, and changes the lifetimes of TTL indexes. Nothing is ever dropped.

An operator decides what to do about an index that differs.
"""

from asyncio import gather
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import pymongo
from bson import ObjectId
from pymongo import IndexModel
from pymongo.errors import OperationFailure

from loaders.collections import Index, Retention
from loaders.indexes.comparison import IndexState, compare
from loaders.mongo import UNAUTHORIZED, Database, Document, Fields, Value, aggregate

_DUPLICATE_KEY = 11000  # MongoDB's error code for a duplicate key
_SHOWN = 3  # maximum number of groups of duplicates to show, and of `_id`s to show per group
_AGAIN = "then run `lectern indexes apply`."


class Applied(NamedTuple):
    """The names of the indexes that were created or changed, and the problems that are left."""

    created: Sequence[str] = ()
    changed: Sequence[str] = ()
    problems: Sequence[IndexState] = ()

    @property
    def needs_operator(self) -> bool:
        return any(not problem.is_harmless for problem in self.problems)

    @property
    def is_incomplete(self) -> bool:
        """Whether an index is missing, because it couldn't be created."""
        return any(problem.state == "missing" for problem in self.problems)


class Building(NamedTuple):
    """The indexes of one collection whose build begins now."""

    collection: str
    names: Sequence[str]


#: Called before the indexes of a collection are built.
OnBuilding: TypeAlias = Callable[[Building], None]


async def ensure(database: Database) -> Applied:
    """Creates the missing indexes of all collections at once, except those for retention times.

    Suits a database that is new or small; otherwise, use `apply`.

    An index isn't created if there is already one with the same name or keys, or if duplicates prevent it.
    """
    comparison = await compare(database)
    found = await gather(*(_create(database, name, own) for name, own in comparison.missing.items()))
    prevented = [problem for problems in found for problem in problems]
    return Applied(_without(comparison.missing_names, prevented), problems=[*comparison.problems, *prevented])


async def apply(
    database: Database, retention: Retention, on_building: OnBuilding = lambda _: None
) -> Applied:
    """Creates the missing indexes, one collection after the other, and changes lifetimes as declared.

    Waits for indexes that are already being built. MongoDB reads and writes the collections meanwhile. As in
    `ensure`, some indexes can't be created.
    """
    comparison = await compare(database, retention, with_builds=True)
    lifetimes = [(one, to) for one in comparison.states if (to := one.lifetime_to_set) is not None]
    prevented = [problem for one, to in lifetimes for problem in await _set_lifetime(database, one, to)]
    for collection, indexes in comparison.declared_in("missing", "building").items():
        on_building(Building(collection, [index.name for index in indexes]))
        prevented += await _create(database, collection, indexes)
    unbuilt = [one.full_name for one in comparison.states if one.state in {"missing", "building"}]
    others = [one for one in comparison.problems if one.lifetime_to_set is None]
    changed = [one.full_name for one, _ in lifetimes]
    return Applied(_without(unbuilt, prevented), _without(changed, prevented), [*others, *prevented])


def _without(names: Sequence[str], prevented: Sequence[IndexState]) -> list[str]:
    left_out = {problem.full_name for problem in prevented}
    return [name for name in names if name not in left_out]


async def _create(database: Database, collection: str, indexes: Sequence[Index]) -> list[IndexState]:
    """Creates indexes of a collection. Returns a problem for each index that can't be created."""
    try:
        with pymongo.timeout(None):  # a `timeoutMS` in MONGODB_URI would abort the build
            await database[collection].create_indexes([_model(index) for index in indexes])
    except OperationFailure as error:
        if error.code == UNAUTHORIZED:
            raise
        if len(indexes) == 1:
            return [await _prevented(database, collection, indexes[0], error)]
        return [problem for index in indexes for problem in await _create(database, collection, [index])]
    return []


async def _set_lifetime(database: Database, index: IndexState, seconds: int) -> list[IndexState]:
    """Sets the lifetime of a TTL index. Returns the problem if the MongoDB user has no right to."""
    change = {"name": index.name, "expireAfterSeconds": seconds}
    try:
        await database.driver.command({"collMod": index.collection, "index": change})
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        remedy = (
            f"The MongoDB user may not change that: grant it the role dbAdmin on {database.name}, {_AGAIN}"
        )
        return [index._replace(remedy=remedy)]
    return []


async def _prevented(
    database: Database, collection: str, index: Index, error: OperationFailure
) -> IndexState:
    this = IndexState(collection, index.name, "missing", index)
    if not index.unique or error.code != _DUPLICATE_KEY:
        message = str((error.details or {}).get("errmsg") or error)
        return this._replace(what=f"can't be created: {message}.", remedy=f"Solve that, {_AGAIN}")
    groups = await _duplicates(database, collection, index)
    shown = "; ".join(
        f"{_value(group['_id'])}: {', '.join(map(_written_id, group['ids']))}" for group in groups
    )
    return this._replace(
        what=f"can't be created, because several documents have the same values ({shown}).",
        remedy=f"Delete the duplicates or change their values, {_AGAIN}",
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
    return IndexModel(list(index.keys), name=index.name, **index.options)
