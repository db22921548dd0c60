"""Claims entries that are due, so that only one process delivers a subject's entries at a time.

Each claim has an id of its own, and moves `dueAt` to the time at which it expires. Times are compared with
MongoDB's clock, because the clocks of different machines differ.
"""

from collections.abc import Mapping, Sequence
from secrets import token_hex

from bson import ObjectId
from pymongo import UpdateMany

from loaders.mongo import Database, Document, Expression, Fields, Filter, Value, aggregate, find, send
from loaders.outbox.entry import UNDELIVERED, EntryDoc

#: Seconds after which entries are looked at again that wait for one that is being delivered, or parked.
_SOON, _LATE = 2.0, 600.0
#: The maximum number of looks for something to claim. If all that is found waits for other entries, it is
#: postponed, and the next look finds what was due after it.
_MOST_LOOKS = 50

_IS_DUE: Filter = {"$expr": {"$lte": ["$dueAt", "$$NOW"]}}


async def claimed(database: Database, destination: str, *, most: int, lease: float) -> list[EntryDoc]:
    """Claims up to `most` entries of a destination that are due, for `lease` seconds.

    The entries of a subject are in order, without one missing. If an entry isn't delivered, those after it
    must not be delivered either (see outcomes.retry). Sends one command if nothing is due.
    """
    for _ in range(_MOST_LOOKS):
        due = await _due(database, destination, most)
        if not due:
            return []
        runs = _by_subject(due)
        heads = await _heads(database, destination, runs)
        ready = {subject: _from_head(run, heads.get(subject)) for subject, run in runs.items()}
        await _postpone(database, [heads[own] for own in runs if own in heads and not ready[own]])
        if own := await _claim(database, [run for run in ready.values() if run], lease):
            return own
    return []


async def _due(database: Database, destination: str, most: int) -> list[EntryDoc]:
    query = {"destination": destination, "state": "PENDING", **_IS_DUE}
    order = [("dueAt", 1), ("_id", 1)]
    entries: list[EntryDoc] = await find(database["outbox"], query, size=most, limit=most, sort=order)
    return entries


def _by_subject(due: Sequence[EntryDoc]) -> dict[str, list[EntryDoc]]:
    runs: dict[str, list[EntryDoc]] = {}
    for entry in sorted(due, key=lambda entry: entry["sequence"]):
        runs.setdefault(entry["subject"], []).append(entry)
    return runs


async def _heads(database: Database, destination: str, subjects: Mapping[str, Value]) -> dict[str, Document]:
    """Returns the undelivered entry with the lowest number of each subject."""
    of_subjects = {"destination": destination, "subject": {"$in": list(subjects)}}
    found = await aggregate(
        database["outbox"],
        [
            {"$match": {**of_subjects, "state": {"$in": list(UNDELIVERED)}}},
            {"$sort": {"subject": 1, "sequence": 1}},
            {"$group": {"_id": "$subject", "head": {"$first": "$$ROOT"}}},
        ],
        size=len(subjects),
    )
    return {one["_id"]: one["head"] for one in found}


def _from_head(run: Sequence[EntryDoc], head: Fields | None) -> list[EntryDoc]:
    """Returns the entries that can be delivered now: the subject's head and those that follow it directly."""
    first = head["sequence"] if head else 0
    return [entry for index, entry in enumerate(run) if entry["sequence"] == first + index]


async def _postpone(database: Database, heads: Sequence[Fields]) -> None:
    """Has all that waits behind some heads looked at again when these may have been delivered.

    Otherwise, it would soon be all that is found to be due.
    """
    if not heads:
        return
    updates = [
        UpdateMany(
            {
                "destination": head["destination"], "subject": head["subject"], "state": "PENDING",
                "sequence": {"$gt": head["sequence"]}, "claim": None, **_IS_DUE,
            },
            [{"$set": {"dueAt": _when_free(head)}}],
        )
        for head in heads
    ]  # fmt: skip
    await send(database["outbox"], "update", lambda target: target.bulk_write(updates, ordered=False))
    await _release_renewed(database, [head for head in heads if head["state"] == "PARKED"])


async def _release_renewed(database: Database, parked: Sequence[Fields]) -> None:
    """Has what waits behind heads that are no longer parked looked at at once.

    Whoever had a head sent again, or deleted it, may have released what waits for it before it was postponed.
    """
    if not parked:
        return
    ids = {"_id": {"$in": [head["_id"] for head in parked]}, "state": "PARKED"}
    found = await find(database["outbox"], ids, size=len(parked), projection={"_id": 1})
    still = {head["_id"] for head in found}
    updates = [
        UpdateMany(
            {
                "destination": head["destination"], "subject": head["subject"], "state": "PENDING",
                "claim": None,
            },
            [{"$set": {"dueAt": "$$NOW"}}],
        )
        for head in parked
        if head["_id"] not in still
    ]  # fmt: skip
    if updates:
        await send(database["outbox"], "update", lambda target: target.bulk_write(updates, ordered=False))


def _when_free(head: Fields) -> Expression:
    """Returns when to look at the entries behind a head."""
    if head["state"] == "PARKED":
        return after(_LATE)
    return after(_SOON) if head["claim"] else {"$max": [head["dueAt"], after(_SOON)]}


async def _claim(database: Database, runs: Sequence[Sequence[EntryDoc]], lease: float) -> list[EntryDoc]:
    """Claims runs of entries, each by its head. Leaves out those whose head another process has claimed.

    Whoever has claimed the head owns what follows it, whether or not that has been postponed meanwhile.
    """
    if not runs:
        return []
    claim = token_hex(8)
    await _take(database, [run[0]["_id"] for run in runs], claim, lease, **_IS_DUE)
    heads = {"_id": {"$in": [run[0]["_id"] for run in runs]}, "claim": claim}
    taken = await find(database["outbox"], heads, size=len(runs), projection={"_id": 1})
    won = {head["_id"] for head in taken}
    own = [run for run in runs if run[0]["_id"] in won]
    if rest := [entry["_id"] for run in own for entry in run[1:]]:
        await _take(database, rest, claim, lease)
    return [{**entry, "claim": claim} for run in own for entry in run]


async def _take(
    database: Database, ids: Sequence[ObjectId], claim: str, lease: float, **conditions: Value
) -> None:
    query = {"_id": {"$in": ids}, "state": "PENDING", **conditions}
    fields = [{"$set": {"claim": claim, "dueAt": after(lease)}}]
    await send(database["outbox"], "update", lambda target: target.update_many(query, fields))


def after(seconds: float) -> Expression:
    """Returns the expression of a time on MongoDB's clock."""
    return {"$add": ["$$NOW", round(seconds * 1000)]}
