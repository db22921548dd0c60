"""Courses that are related to a course: those that its students also took, then others of its category.

Nothing is stored for this. It is computed when it is asked for, from samples of a fixed size. A course with a
million enrolments takes no longer than one with fifty.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId

from loaders.model import COUNTED_ENROLLMENTS, CourseDoc
from loaders.mongo import Database, Pipeline, aggregate
from loaders.reading import Listing, Order, Window

#: The latest enrolments of a course whose students are considered.
SAMPLED_ENROLLMENTS = 50
#: The enrolments of these students that are read, of all students together.
THEIR_ENROLLMENTS = 1_000
#: A course is listed only if so many of these students took it. With fewer, the list would reveal what single
#: persons have taken.
FEWEST_STUDENTS = 3
#: The courses taken most often by these students, of which those in the catalogue are listed.
_CANDIDATES = 24
#: The courses of a category that are considered, best rating first.
OF_CATEGORY = 100


async def by_course(database: Database, courses: Sequence[CourseDoc], size: int) -> list[list[ObjectId]]:
    """Returns the `_id`s of up to `size` published courses that are related to each course, in order.

    The courses that most of the sampled students took come first; among equals, the one with the lowest
    `_id`. They are followed by courses of the same category: those with the most tags in common first, then
    by rating. Sends one command, and a second one if there are too few courses of the first kind.
    """
    taken = await _also_taken(database, [course["_id"] for course in courses], size)
    lacking = [course for course in courses if len(taken[course["_id"]]) < size and course["categorySlug"]]
    similar = await _of_category(database, [course["categorySlug"] for course in lacking])
    return [_chosen(course, taken[course["_id"]], similar, size) for course in courses]


def _chosen(
    course: CourseDoc, taken: Sequence[ObjectId], similar: Mapping[str | None, Sequence[CourseDoc]], size: int
) -> list[ObjectId]:
    tags = set(course["tags"])
    # sorting is stable: courses with as many tags in common stay in the order of their ratings
    ranked = sorted(
        similar.get(course["categorySlug"], ()), key=lambda other: -len(tags.intersection(other["tags"]))
    )
    distinct = dict.fromkeys([*taken, *(other["_id"] for other in ranked)])
    return [one for one in distinct if one != course["_id"]][:size]


async def _also_taken(
    database: Database, courses: Sequence[ObjectId], size: int
) -> dict[ObjectId, list[ObjectId]]:
    """Maps each course to the published courses that its latest students also took, most students first.

    Sends one command.
    """
    ids = list(dict.fromkeys(courses))
    counted = {"status": {"$in": list(COUNTED_ENROLLMENTS)}}
    students = {
        "from": "enrollments", "localField": "_id", "foreignField": "courseId", "as": "taken",
        "pipeline": [
            {"$sort": {"enrolledAt": -1, "_id": 1}},
            {"$limit": SAMPLED_ENROLLMENTS},
            {"$match": counted},
            {"$group": {"_id": "$studentId"}},
        ],
    }  # fmt: skip
    others = {
        "from": "enrollments", "localField": "taken._id", "foreignField": "studentId", "as": "others",
        "let": {"course": "$_id"},
        "pipeline": [
            # Unsorted, so they come in the order of the only index that finds them, (studentId, enrolledAt,
            # _id), and the limit ends the scan. With a $sort, MongoDB might read all of them, or the whole
            # index: it can't read a multikey index in order within the bounds of several students. A single
            # array that another program has stored makes the index multikey.
            {"$limit": THEIR_ENROLLMENTS},
            {"$match": {**counted, "$expr": {"$ne": ["$courseId", "$$course"]}}},
            # a student can have several enrolments in a course
            {"$group": {"_id": "$courseId", "students": {"$addToSet": "$studentId"}}},
            {"$project": {"students": {"$size": "$students"}}},
            {"$match": {"students": {"$gte": FEWEST_STUDENTS}}},
            {"$sort": {"students": -1, "_id": 1}},
            {"$limit": _CANDIDATES},
        ],
    }  # fmt: skip
    shown = {
        "from": "courses", "localField": "others._id", "foreignField": "_id", "as": "shown",
        "pipeline": [{"$match": {"status": "PUBLISHED"}}, {"$project": {"_id": 1}}],
    }  # fmt: skip
    pipeline: Pipeline = [
        {"$documents": [{"_id": one} for one in ids]},
        {"$lookup": students},
        {"$match": {f"taken.{FEWEST_STUDENTS - 1}": {"$exists": True}}},
        {"$lookup": others},
        {"$lookup": shown},
        {"$project": {"others": "$others._id", "shown": "$shown._id"}},
    ]
    found = await aggregate(database.driver, pipeline, size=len(ids), collection="enrollments")
    taken = {row["_id"]: _published(row["others"], row["shown"])[:size] for row in found}
    return {one: taken.get(one, []) for one in ids}


def _published(ids: Sequence[Any], shown: Sequence[Any]) -> list[ObjectId]:  # Any: other programs' `_id`s
    """Returns the IDs that are also among those of the published courses, in order."""
    published = {one for one in shown if isinstance(one, ObjectId)}
    return [one for one in ids if isinstance(one, ObjectId) and one in published]


async def _of_category(
    database: Database, slugs: Sequence[str | None]
) -> dict[str | None, Sequence[Any]]:  # Any, because only the tags of the courses are fetched
    """Maps each category's slug to its published courses, best rating first. Sends at most one command."""
    shown = {"statuses": {"status": "PUBLISHED"}}
    order = Order("ratingBayesian", descending=True)
    listing = Listing(database["courses"], shown, order, "categorySlug", projection={"tags": 1})
    pages = await listing.pages(list(dict.fromkeys(slugs)), Window(OF_CATEGORY))
    return {page.parent: page.documents for page in pages}
