"""The data before a storm: courses whose runs have few seats, people, and reviews to vote for."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeAlias

from loaders.mongo.database import Database
from resolvers.relay import ids
from tests import factories

_Document: TypeAlias = dict[str, Any]  # what BSON holds

_COURSES, _OLD_REVIEWS = 40, 3  # reviews of each course


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a course. seats: the initial number; None: unlimited."""

    id: str
    seats: int | None


@dataclass(frozen=True, slots=True)
class Course:
    """A course and its runs. id: global."""

    id: str
    runs: list[Run]


@dataclass(frozen=True, slots=True)
class World:
    """What the clients know. students, instructors: documents. moderators: their number."""

    courses: list[Course]
    students: list[_Document]
    instructors: list[_Document]
    moderators: int
    #: global IDs of reviews and their courses; clients add the reviews that they write
    reviews: list[tuple[str, str]] = field(default_factory=list)

    def course(self, random: Random) -> Course:
        """A random course; some are much more in demand than others."""
        return self.courses[int(len(self.courses) * random.random() ** 2)]

    def taught(self, number: int) -> list[Course]:
        """The courses of an instructor."""
        return self.courses[number :: len(self.instructors)]


async def make(database: Database, people: int, random: Random) -> World:
    """Fills an empty database with a world of some people, mostly students."""
    instructors = moderators = max(1, people // 25)
    teachers = [factories.instructor(f"Instructor {n}") for n in range(instructors)]
    courses = [
        factories.course(instructorIds=[teachers[n % instructors]["_id"]], stars=[0, 0, 0, _OLD_REVIEWS, 0])
        for n in range(_COURSES)
    ]
    runs = {course["slug"]: _runs(course, random) for course in courses}
    for course in courses:
        course["seatsUntil"] = max(run["startsAt"] for run in runs[course["slug"]])
    students = [factories.student(f"Student {n}") for n in range(people - instructors - moderators)]
    readers = [factories.student(f"Reader {n}") for n in range(_OLD_REVIEWS)]
    reviews = [factories.review(of, by, rating=4, importedHelpfulCount=0) for of in courses for by in readers]
    await factories.store(
        database,
        instructors=teachers,
        courses=courses,
        courseRuns=[run for own in runs.values() for run in own],
        students=students + readers,
        reviews=reviews,
    )
    return World(
        [
            Course(
                ids.encode_id("Course", course),
                [Run(ids.encode_id("CourseRun", run), run["seats"]) for run in runs[course["slug"]]],
            )
            for course in courses
        ],
        students,
        teachers,
        moderators,
        [(ids.encode_id("Review", r), ids.encode_id("Course", {"_id": r["courseId"]})) for r in reviews],
    )


def _runs(course: _Document, random: Random) -> list[_Document]:
    """Two runs with few seats and one without a limit; all start after the storm."""
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    return [
        factories.course_run(course, seats=seats, startsAt=soon + n * timedelta(days=7))
        for n, seats in enumerate((random.randint(2, 5), random.randint(3, 8), None))
    ]
