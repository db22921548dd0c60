"""Compares the ways to get "the newest N reviews of each of K courses" in one run.

    python -m benchmarks.top_per_parent

All ways take turns with the same keys, so that other load on the machine affects them alike. The results are
ratios: the median over the rounds, divided by the median of the gateway's general way (Listing.pages). The
review ids that a course stores come with the course at no extra cost (loaders.review), so for these only the
fetching of the reviews is timed.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from bson import ObjectId
from pydantic import SecretStr

from app.database import connect
from app.settings import Settings
from benchmarks import data, report
from loaders.model import unpack_ids
from loaders.mongo import Database, Document, Expression, Pipeline, Stored, aggregate, find
from loaders.reading import ByKey, Listing, Order, Window

ROUNDS = 30
CASES = ((1, 5), (20, 5), (100, 5), (100, 20), (500, 3))  # parents, reviews of each

#: The newest reviews of each course, by the course's `_id`.
Reviews: TypeAlias = Mapping[ObjectId, Sequence[Stored]]

#: Called with the ids of courses, and one more than the number of reviews of each.
Way: TypeAlias = Callable[[Database, Sequence[ObjectId], int], Awaitable[Reviews]]


async def lookup(database: Database, keys: Sequence[ObjectId], first: int) -> Reviews:
    listing = Listing(database["reviews"], {}, Order("createdAt", descending=True), "courseId")
    found = await listing.pages(keys, Window(limit=first - 1))
    return {page.parent: page.documents for page in found}


async def projected(database: Database, keys: Sequence[ObjectId], first: int) -> Reviews:
    pipeline = [
        {"$sort": {"createdAt": -1, "_id": 1}},
        {"$limit": first - 1},
        {"$project": dict.fromkeys(("rating", "title", "createdAt", "studentId"), 1)},
    ]
    lookup = {"from": "reviews", "localField": "_id", "foreignField": "courseId", "pipeline": pipeline}
    stages: Pipeline = [
        {"$documents": [{"_id": key} for key in keys]},
        {"$lookup": {**lookup, "as": "rows"}},
    ]
    return {row["_id"]: row["rows"] for row in await aggregate(database.driver, stages, size=len(keys))}


async def carried(database: Database, keys: Sequence[ObjectId], first: int) -> Reviews:
    ids = {key: unpack_ids(_stored_ids[key], first - 1) for key in keys}
    load = ByKey[Document](database["reviews"], "_id")
    rows = iter(await load([i for of_course in ids.values() for i in of_course]))
    return {key: [next(rows) for _ in of_course] for key, of_course in ids.items()}


#: The review ids that each course stores; read once.
_stored_ids: dict[ObjectId, bytes] = {}


async def union(database: Database, keys: Sequence[ObjectId], first: int) -> Reviews:
    head, *rest = (_branch(key, first - 1) for key in keys)
    pipeline = [*head, *({"$unionWith": {"coll": "reviews", "pipeline": branch}} for branch in rest)]
    rows = await aggregate(database["reviews"], pipeline, size=len(keys) * first)
    found: dict[ObjectId, list[Stored]] = {key: [] for key in keys}
    for row in rows:
        found[row["courseId"]].append(row)
    return found


async def finds(database: Database, keys: Sequence[ObjectId], first: int) -> Reviews:
    sort = [("createdAt", -1), ("_id", 1)]
    rows = await asyncio.gather(
        *(
            find(database["reviews"], {"courseId": key}, size=first, sort=sort, limit=first - 1)
            for key in keys
        )
    )
    return dict(zip(keys, rows, strict=True))


async def group(database: Database, keys: Sequence[ObjectId], first: int) -> Reviews:
    pipeline: Pipeline = [
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


def _branch(key: ObjectId, limit: int) -> list[Expression]:
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
            _stored_ids[course["_id"]] = course["newestReviewIds"]
        return [
            [parents, first, *(f"{ratio:.2f}" for ratio in await _compare(database, keys, parents, first))]
            for parents, first in CASES
        ]


async def _compare(database: Database, keys: Sequence[ObjectId], parents: int, first: int) -> list[float]:
    """The median time of each way, as a ratio to the first one's. All ways must give the same reviews."""
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
    reference = statistics.median(times["$documents + $lookup"])
    return [statistics.median(times[name]) / reference for name in WAYS]


if __name__ == "__main__":
    main()
