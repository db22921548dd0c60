"""The figures of the whole platform. Each is one command."""

from typing import Any

from loaders.model import COUNTED_ENROLLMENTS
from loaders.mongo import Database, Pipeline, aggregate, count, estimated_count

_PUBLISHED = {"status": "PUBLISHED"}


async def students_enrolled(database: Database) -> int:
    """Students with an enrolment that counts, each once."""
    pipeline: Pipeline = [
        {"$match": {"status": {"$in": list(COUNTED_ENROLLMENTS)}}},
        {"$group": {"_id": "$studentId"}},
        {"$count": "n"},
    ]
    return int(_first(await aggregate(database["enrollments"], pipeline, size=1), 0))


async def total_courses(database: Database) -> int:
    """Published courses."""
    return await count(database["courses"], _PUBLISHED)


async def students(database: Database) -> int:
    return await estimated_count(database["students"])


async def countries(database: Database) -> int:
    """Countries that students come from."""
    pipeline: Pipeline = [
        {"$match": {"country": {"$gt": ""}}},
        {"$group": {"_id": "$country"}},
        {"$count": "n"},
    ]
    return int(_first(await aggregate(database["students"], pipeline, size=1), 0))


async def reviews(database: Database) -> int:
    """Published reviews of published courses: all that are published, without those of hidden courses. These
    are few beside all: to look up a course for each review takes several times as long.
    """
    number: Pipeline = [{"$match": _PUBLISHED}, {"$count": "n"}]
    of_course = {
        "from": "reviews", "localField": "_id", "foreignField": "courseId", "as": "hidden",
        "pipeline": number,
    }  # fmt: skip
    pipeline: Pipeline = [
        {"$match": {"status": {"$ne": "PUBLISHED"}}},
        {"$lookup": of_course},
        {"$unwind": "$hidden"},
        {"$project": {"n": {"$multiply": ["$hidden.n", -1]}}},
        {"$unionWith": {"coll": "reviews", "pipeline": number}},
        {"$group": {"_id": None, "n": {"$sum": "$n"}}},
    ]
    return int(_first(await aggregate(database["courses"], pipeline, size=1), 0))


async def average_rating(database: Database) -> float | None:
    """The mean over the ratings of published courses, those imported as an average included."""
    total = {"$multiply": ["$ratingAverage", "$ratingCount"]}
    pipeline: Pipeline = [
        {"$match": _PUBLISHED},
        {"$group": {"_id": None, "count": {"$sum": "$ratingCount"}, "total": {"$sum": total}}},
        {"$match": {"count": {"$gt": 0}}},
        {"$project": {"n": {"$round": [{"$divide": ["$total", "$count"]}, 2]}}},
    ]
    average: float | None = _first(await aggregate(database["courses"], pipeline, size=1), None)
    return average


def _first(rows: list[dict[str, Any]], otherwise: Any) -> Any:
    return rows[0]["n"] if rows else otherwise
