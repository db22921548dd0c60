"""Compares the indexes of the database with the declared ones, by keys and options, not only by names."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from loaders.collections import COLLECTIONS, Index, Retention, StoredCollection
from loaders.indexes.statistics import being_built
from loaders.mongo import Database, Fields, Value

#: The indexes of one collection by name, as MongoDB describes them.
_Existing = Mapping[str, Fields]

#: "building": found only with `with_builds`. "renamed": exists under another name. "obsolete": an
#: earlier version needed it, or a retention time that is no longer set. "unknown": isn't Lectern's.
State: TypeAlias = Literal["present", "missing", "building", "differs", "renamed", "obsolete", "unknown"]

#: Options that change what an index does, and which no declared index uses. Each has a description of an
#: index with that option.
_OTHER_OPTIONS = {"sparse": "is sparse", "hidden": "is hidden", "collation": "has a collation"}


class IndexState(NamedTuple):
    """An index that is declared, that exists, or both.

    name: its name in the database, or the declared name if it is missing. existing: how MongoDB describes it.
    what: the problem with it, as a sentence whose subject (the index) is left out; empty if there is none.
    remedy: a sentence that says what to do about the problem. is_harmless: whether the gateway works as well
    as it would without the problem.
    """

    collection: str
    name: str
    state: State
    declared: Index | None = None
    existing: Fields | None = None
    what: str = ""
    remedy: str = ""
    is_harmless: bool = False

    def __str__(self) -> str:
        return f"{self.full_name} {self.what} {self.remedy}".rstrip()

    @property
    def full_name(self) -> str:
        return f"{self.collection}.{self.name}"

    @property
    def lifetime_to_set(self) -> int | None:
        """The declared lifetime, if this is a TTL index that differs only in its lifetime; otherwise None."""
        if self.state != "differs" or self.declared is None or self.existing is None:
            return None
        if (seconds := self.existing.get("expireAfterSeconds")) is None:
            return None
        same = self.declared._replace(seconds=seconds)
        return None if [*_differences(same, self.existing)] else self.declared.seconds


class Comparison(NamedTuple):
    """The state of all indexes, in the order of the collections."""

    states: Sequence[IndexState]

    @property
    def missing(self) -> Mapping[str, Sequence[Index]]:
        """The declared indexes that don't exist, by collection."""
        return self.declared_in("missing")

    @property
    def missing_names(self) -> list[str]:
        return [one.full_name for one in self.states if one.state == "missing"]

    @property
    def problems(self) -> list[IndexState]:
        """The existing indexes with a problem. Those that are being built have none."""
        return [one for one in self.states if one.what and one.state not in {"missing", "building"}]

    @property
    def differing(self) -> list[IndexState]:
        """The problems that are not harmless."""
        return [problem for problem in self.problems if not problem.is_harmless]

    def declared_in(self, *states: State) -> dict[str, list[Index]]:
        """The declared indexes in any of these states, by collection."""
        found: dict[str, list[Index]] = {}
        for one in self.states:
            if one.declared and one.state in states:
                found.setdefault(one.collection, []).append(one.declared)
        return found


async def compare(
    database: Database, retention: Retention | None = None, *, with_builds: bool = False
) -> Comparison:
    """Compares the indexes of all collections with the declared ones.

    If retention is None, the indexes that delete documents after a retention time are left out. with_builds:
    also finds out which indexes are still being built, which takes another, costly command for each
    collection that exists. Otherwise, those count as present.
    """
    states: list[IndexState] = []
    for row in COLLECTIONS.values():
        existing = await database[row.name].index_information()
        building = await being_built(database[row.name]) if existing and with_builds else ()
        states += _compared(row, existing, building, retention)
    return Comparison(states)


async def missing(database: Database) -> list[str]:
    """Returns the indexes that don't exist, each as "collection.name"."""
    return (await compare(database)).missing_names


def drop_command(collection: str, name: str) -> str:
    return f"db.{collection}.dropIndex({json.dumps(name)})"


def _compared(
    row: StoredCollection, existing: _Existing, building: Collection[str], retention: Retention | None
) -> Iterator[IndexState]:
    """Yields the states of a collection's indexes: first the declared ones, then the others."""
    others = {name: found for name, found in existing.items() if name != "_id_"}
    for index in _declared(row, retention):
        name = index.name if index.name in others else _with_keys(index, others)
        if name is None:
            yield _missing(row.name, index)
        else:
            yield _existing(row.name, name, index, others.pop(name), is_building=name in building)
    for name, found in others.items():
        if not _is_retaining(row, found):
            yield _undeclared(row, name, found)
        elif retention is not None:
            yield _no_longer_retaining(row.name, name, found)


def _declared(row: StoredCollection, retention: Retention | None) -> Iterator[Index]:
    yield from row.indexes
    if retention and (index := row.retaining_index(retention.get(row.name, 0))):
        yield index


def _is_retaining(row: StoredCollection, found: Fields) -> bool:
    """Returns whether an index deletes documents after a retention time."""
    return [*found["key"]] == [(row.retained_from, 1)] and "expireAfterSeconds" in found


def _with_keys(index: Index, others: _Existing) -> str | None:
    """Returns the name of an index with the same keys as `index`, preferably with the same options."""
    names = [name for name, found in others.items() if [*found["key"]] == [*index.keys]]
    return min(names, key=lambda name: len([*_differences(index, others[name])]), default=None)


def _differences(index: Index, found: Fields) -> Iterator[str]:
    """Yields descriptions of how an existing index differs from the declared one."""
    if [*found["key"]] != [*index.keys]:
        yield f"has different keys ({written_keys(found['key'])})"
    if bool(found.get("unique")) is not index.unique:
        yield "is not unique" if index.unique else "is unique"
    if (where := found.get("partialFilterExpression")) != index.where:
        yield (
            "covers all documents"
            if where is None
            else f"covers different documents ({json.dumps(where, default=str)})"
        )
    if (seconds := found.get("expireAfterSeconds")) != index.seconds:
        yield (
            "deletes no documents"
            if seconds is None
            else f"deletes documents after {written_lifetime(seconds)}"
        )
    yield from (difference for option, difference in _OTHER_OPTIONS.items() if found.get(option))


def written_keys(keys: Iterable[tuple[str, Value]]) -> str:
    return ", ".join(f"{field}: {direction}" for field, direction in keys)


def written_lifetime(seconds: float) -> str:
    """Formats a lifetime, in days if it is a whole number of days."""
    days, rest = divmod(seconds, 24 * 60 * 60)
    return f"{seconds} s" if rest or not days else "1 day" if days == 1 else f"{days:.0f} days"


def _missing(collection: str, index: Index) -> IndexState:
    remedy = "To build it, run `lectern indexes apply`."
    return IndexState(collection, index.name, "missing", index, what="is missing.", remedy=remedy)


def _existing(collection: str, name: str, index: Index, found: Fields, *, is_building: bool) -> IndexState:
    """Returns the state of an index that has the name or the keys of a declared one."""
    this = IndexState(collection, name, "present", index, found)
    if differences := [*_differences(index, found)]:
        differing = this._replace(state="differs", what=f"{' and '.join(differences)}.")
        return differing._replace(remedy=_remedy(differing, differences))
    if is_building and name == index.name:
        remedy = "To wait for it, run `lectern indexes apply`."
        return this._replace(state="building", what="is being built.", remedy=remedy)
    if name != index.name:
        what = f"has the keys and options of {index.name}, and is used instead of it."
        remedy = "Nothing needs to be done."
        return this._replace(state="renamed", what=what, remedy=remedy, is_harmless=True)
    return this


def _remedy(differing: IndexState, differences: Sequence[str]) -> str:
    if differing.lifetime_to_set is not None:
        return "To change that, run `lectern indexes apply`."
    if [*differences] == [_OTHER_OPTIONS["hidden"]]:
        name = json.dumps(differing.name)
        return f"To have it used, run db.{differing.collection}.unhideIndex({name}) in mongosh."
    drop = drop_command(differing.collection, differing.name)
    return f"To replace it, run {drop} in mongosh, then `lectern indexes apply`."


def _undeclared(row: StoredCollection, name: str, found: Fields) -> IndexState:
    drop = drop_command(row.name, name)
    if name in row.former_indexes:
        what = "is obsolete: no query needs it any more."
        remedy = f"Drop it in mongosh, because it slows down writes: {drop}"
        return IndexState(row.name, name, "obsolete", None, found, what, remedy, is_harmless=True)
    what = f"is not one of Lectern's indexes{_effects(found)}."
    remedy = f"If nothing else needs it, drop it, because it slows down writes: {drop}."
    return IndexState(row.name, name, "unknown", None, found, what, remedy, is_harmless=True)


def _effects(found: Fields) -> str:
    """Describes what an index does besides making queries faster."""
    effects = ["refuses documents with equal values"] if found.get("unique") else []
    if (seconds := found.get("expireAfterSeconds")) is not None:
        effects.append(f"deletes documents after {written_lifetime(seconds)}")
    return f": it {' and '.join(effects)}" if effects else ""


def _no_longer_retaining(collection: str, name: str, found: Fields) -> IndexState:
    lifetime = written_lifetime(found["expireAfterSeconds"])
    what = f"deletes documents after {lifetime}, but the setting keeps them forever."
    remedy = f"To keep them, drop it in mongosh: {drop_command(collection, name)}"
    return IndexState(collection, name, "obsolete", None, found, what, remedy)
