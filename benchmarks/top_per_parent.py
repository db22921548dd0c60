"""Times the ways to get "the newest N reviews of each of K courses", side by side in one run.

    python -m benchmarks.top_per_parent

Each way takes the same keys in turn, so that what else the machine does meets all of them. What counts are
the ratios: medians over the rounds, divided by that of the gateway's own way for any list
(Listing.pages). The ids that a course carries come with it, at no cost of their own
(loaders.review), so what is timed is how its reviews are found by them.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bson import ObjectId
from pydantic import SecretStr

from app.database import connect
from app.settings import Settings
from benchmarks import data, report
from loaders.model import unpack_ids
from loaders.mongo import Database, aggregate, find
from loaders.reading import ByKey, Listing, Order, Window

ROUNDS = 30
CASES = ((1, 5), (20, 5), (100, 5), (100, 20), (500, 3))  # parents, reviews of each

Way = Callable[[Database, Sequence[ObjectId], int], Awaitable[Mapping[ObjectId, Sequence[Any]]]]


async def lookup(
    database: Database, keys: Sequence[ObjectId], first: int
) -> Mapping[ObjectId, Sequence[Any]]:
    listing = Listing(database["reviews"], {}, Order("createdAt", descending=True), "courseId")
    found = await listing.pages(keys, Window(limit=first - 1))
    return {page.parent: page.documents for page in found}


async def projected(
    database: Database, keys: Sequence[ObjectId], first: int
) -> Mapping[ObjectId, Sequence[Any]]:
    pipeline = [
        {"$sort": {"createdAt": -1, "_id": 1}},
        {"$limit": first - 1},
        {"$project": dict.fromkeys(("rating", "title", "createdAt", "studentId"), 1)},
    ]
    lookup = {"from": "reviews", "localField": "_id", "foreignField": "courseId", "pipeline": pipeline}
    stages: list[Mapping[str, Any]] = [
        {"$documents": [{"_id": key} for key in keys]},
        {"$lookup": {**lookup, "as": "rows"}},
    ]
    return {row["_id"]: row["rows"] for row in await aggregate(database.driver, stages, size=len(keys))}


async def carried(
    database: Database, keys: Sequence[ObjectId], first: int
) -> Mapping[ObjectId, Sequence[Any]]:
    ids = {key: unpack_ids(_carried[key], first - 1) for key in keys}
    load = ByKey[Any](database["reviews"], "_id")
    rows = iter(await load([i for own in ids.values() for i in own]))
    return {key: [next(rows) for _ in own] for key, own in ids.items()}


#: What each course carries; read once.
_carried: dict[ObjectId, bytes] = {}


async def union(database: Database, keys: Sequence[ObjectId], first: int) -> Mapping[ObjectId, Sequence[Any]]:
    head, *rest = (_branch(key, first - 1) for key in keys)
    pipeline = [*head, *({"$unionWith": {"coll": "reviews", "pipeline": branch}} for branch in rest)]
    rows = await aggregate(database["reviews"], pipeline, size=len(keys) * first)
    found: dict[ObjectId, list[Any]] = {key: [] for key in keys}
    for row in rows:
        found[row["courseId"]].append(row)
    return found


async def finds(database: Database, keys: Sequence[ObjectId], first: int) -> Mapping[ObjectId, Sequence[Any]]:
    sort = [("createdAt", -1), ("_id", 1)]
    rows = await asyncio.gather(
        *(
            find(database["reviews"], {"courseId": key}, size=first, sort=sort, limit=first - 1)
            for key in keys
        )
    )
    return dict(zip(keys, rows, strict=True))


async def group(database: Database, keys: Sequence[ObjectId], first: int) -> Mapping[ObjectId, Sequence[Any]]:
    pipeline: list[Mapping[str, Any]] = [
        {"$match": {"courseId": {"$in": list(keys)}}},
        {"$sort": {"courseId": 1, "createdAt": -1, "_id": 1}},
        {"$group": {"_id": "$courseId", "rows": {"$firstN": {"input": "$$ROOT", "n": first - 1}}}},
    ]
    return {row["_id"]: row["rows"] for row in await aggregate(database["reviews"], pipeline, size=len(keys))}


WAYS: Mapping[str, Way] = {
    "$documents + $lookup": lookup,
    "with a $project in it": projected,
    "find by carried ids": carried,
    "$unionWith": union,
    "$group with $firstN": group,
    "a find each": finds,
}


def _branch(key: ObjectId, limit: int) -> list[Mapping[str, Any]]:
    return [{"$match": {"courseId": key}}, {"$sort": {"createdAt": -1, "_id": 1}}, {"$limit": limit}]


def main() -> None:
    print(
        f"newest N of each of K courses: {data.REVIEWS:,} reviews of {data.COURSES:,} courses; "
        f"{ROUNDS} rounds\n"
    )
    with data.catalogue() as uri:
        rows = asyncio.run(_rows(Settings(mongodb_uri=SecretStr(uri))))
    print(report.table(("K", "N", *WAYS), rows, texts=0))


async def _rows(settings: Settings) -> list[list[object]]:
    keys = [data.course_id(number) for number in range(data.COURSES)]
    async with connect(settings) as database:
        for course in await find(database["courses"], {}, size=len(keys)):
            _carried[course["_id"]] = course["newestReviewIds"]
        return [
            [parents, first, *(f"{ratio:.2f}" for ratio in await _compare(database, keys, parents, first))]
            for parents, first in CASES
        ]


async def _compare(database: Database, keys: Sequence[ObjectId], parents: int, first: int) -> list[float]:
    """The time of each way as a ratio to the first one's; all must give the same reviews."""
    rng = random.Random(2)
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(ROUNDS):
        chosen = rng.sample(keys, parents)
        answers = []
        for name, way in WAYS.items():
            began = time.perf_counter()
            found = await way(database, chosen, first + 1)
            times[name].append(time.perf_counter() - began)
            answers.append({key: [row["_id"] for row in found.get(key, [])] for key in chosen})
        assert all(answer == answers[0] for answer in answers)
    own = statistics.median(times["$documents + $lookup"])
    return [statistics.median(times[name]) / own for name in WAYS]


if __name__ == "__main__":
    main()
