"""Statistics of the whole platform. Each function sends one command."""

from loaders.model import COUNTED_ENROLLMENTS
from loaders.mongo import Database, Document, Pipeline, Value, aggregate, count, estimated_count

_PUBLISHED = {"status": "PUBLISHED"}
#: Matches numbers from 0 to 2³¹, but not infinity, NaN, decimals or anything else that other programs may
#: have stored.
_NUMBER = {"$gte": 0, "$lte": 2**31, "$type": ["int", "long", "double"], "$not": {"$type": "array"}}


async def students_enrolled(database: Database) -> int:
    """Returns the number of students with an enrolment that counts (COUNTED_ENROLLMENTS).

    A student with several enrolments counts once.
    """
    pipeline: Pipeline = [
        {"$match": {"status": {"$in": list(COUNTED_ENROLLMENTS)}}},
        {"$group": {"_id": "$studentId"}},
        {"$count": "n"},
    ]
    return int(_first(await aggregate(database["enrollments"], pipeline, size=1), 0))


async def total_courses(database: Database) -> int:
    """Returns the number of published courses."""
    return await count(database["courses"], _PUBLISHED)


async def students(database: Database) -> int:
    """Returns the number of students, from the collection's metadata."""
    return await estimated_count(database["students"])


async def countries(database: Database) -> int:
    """Returns the number of countries that students come from."""
    pipeline: Pipeline = [
        {"$match": {"country": {"$gt": ""}}},
        {"$group": {"_id": "$country"}},
        {"$count": "n"},
    ]
    return int(_first(await aggregate(database["students"], pipeline, size=1), 0))


async def reviews(database: Database) -> int:
    """Returns the number of published reviews of published courses.

    Counts all published reviews, then subtracts those of hidden courses. There are few hidden courses, so
    this is several times as fast as looking up the course of each review.
    """
    number: Pipeline = [{"$match": _PUBLISHED}, {"$count": "n"}]
    lookup = {
        "from": "reviews", "localField": "_id", "foreignField": "courseId", "as": "hidden",
        "pipeline": number,
    }  # fmt: skip
    pipeline: Pipeline = [
        {"$match": {"status": {"$ne": "PUBLISHED"}}},
        {"$lookup": lookup},
        {"$unwind": "$hidden"},
        {"$project": {"n": {"$multiply": ["$hidden.n", -1]}}},
        {"$unionWith": {"coll": "reviews", "pipeline": number}},
        {"$group": {"_id": None, "n": {"$sum": "$n"}}},
    ]
    return int(_first(await aggregate(database["courses"], pipeline, size=1), 0))


async def average_rating(database: Database) -> float | None:
    """Returns the mean of all ratings of published courses, including imported averages.

    Returns None if there are no ratings.
    """
    total = {"$multiply": ["$ratingAverage", "$ratingCount"]}
    pipeline: Pipeline = [
        {"$match": {**_PUBLISHED, "ratingAverage": _NUMBER, "ratingCount": _NUMBER}},
        {"$group": {"_id": None, "count": {"$sum": "$ratingCount"}, "total": {"$sum": total}}},
        {"$match": {"count": {"$gt": 0}}},
        {"$project": {"n": {"$round": [{"$divide": ["$total", "$count"]}, 2]}}},
    ]
    average: float | None = _first(await aggregate(database["courses"], pipeline, size=1), None)
    return average


def _first(rows: list[Document], default: Value) -> Value:
    return rows[0]["n"] if rows else default
