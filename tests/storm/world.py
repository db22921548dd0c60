"""The data before a storm: courses whose runs have few seats, people, and reviews to vote for."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeAlias

from loaders.mongo.database import Database
from loaders.recounting import recount
from resolvers.relay import ids
from tests import factories
from tests.storm.marks import address, mark

_Document: TypeAlias = dict[str, Any]  # what BSON holds

_COURSES, _OLD_REVIEWS = 40, 3  # reviews of each course
_UNSTEADY, _FLEETING = 2, 3  # for each editor
_BUSY = 2  # runs
IMPORT = "school"  # the source of the import


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
    #: one student in so many signs up first
    newcomers: int
    #: global IDs of reviews and their courses; clients add the reviews that they write
    reviews: list[tuple[str, str]] = field(default_factory=list)
    #: courses whose runs are cancelled, and replaced by new ones
    unsteady: list[Course] = field(default_factory=list)
    #: global IDs of courses that nobody can enrol in for long, because they come and go
    fleeting: list[str] = field(default_factory=list)
    #: global IDs of runs that several staff change at once
    busy: list[str] = field(default_factory=list)
    #: the number of those staff
    timekeepers: int = 2

    @property
    def editors(self) -> int:
        """The number of staff who look after the unsteady and the fleeting courses."""
        return len(self.unsteady) // _UNSTEADY

    def course(self, random: Random) -> Course:
        """A random course; some are much more in demand than others."""
        return self.courses[int(len(self.courses) * random.random() ** 2)]

    def taught(self, number: int) -> list[Course]:
        """The courses of an instructor."""
        return self.courses[number :: len(self.instructors)]


def newcomer_email(number: int) -> str:
    """Returns the address with which a client's first person to sign up does so."""
    return address(mark(number, 1))


async def make(
    database: Database, people: int, random: Random, newcomers: int = 10, timekeepers: int = 2
) -> World:
    """Fills an empty database with a world of some people, mostly students.

    newcomers, timekeepers: see World. An import has brought every other one of them already.
    """
    instructors = moderators = max(1, people // 25)
    editors = moderators + 1
    teachers = [factories.instructor(f"Instructor {n}") for n in range(instructors)]
    courses = [
        factories.course(instructorIds=[teachers[n % instructors]["_id"]], stars=[0, 0, 0, _OLD_REVIEWS, 0])
        for n in range(_COURSES)
    ]
    runs = {course["slug"]: _runs(course, random) for course in courses}
    for course in courses:
        course["seatsUntil"] = max(run["startsAt"] for run in runs[course["slug"]])
    number = people - instructors - moderators - editors - timekeepers
    students = [factories.student(f"Student {mark(n, 0)}", email=address(mark(n, 0))) for n in range(number)]
    unsteady = [factories.course(f"Unsteady {n}") for n in range(_UNSTEADY * editors)]
    fleeting = [
        factories.course(
            f"Fleeting {n}", status="DRAFT", summary="It comes and goes.", deliveryModes=["ONLINE"]
        )
        for n in range(_FLEETING * editors)
    ]
    runs |= {course["slug"]: _runs(course, random) for course in unsteady}
    busy = factories.course("Busy")
    busy_runs = _runs(busy, random)[-_BUSY:]
    imported = _imported(range(0, number, 2 * newcomers))
    readers = [factories.student(f"Reader {n}") for n in range(_OLD_REVIEWS)]
    reviews = [factories.review(of, by, rating=4, importedHelpfulCount=0) for of in courses for by in readers]
    await factories.store(
        database,
        instructors=teachers,
        courses=[*courses, *unsteady, *fleeting, busy, *imported["courses"]],
        courseRuns=[*(run for own in runs.values() for run in own), *busy_runs],
        students=[*students, *readers, *imported["students"]],
        reviews=[*reviews, *imported["reviews"]],
        enrollments=imported["enrollments"],
    )
    [_ async for _ in recount(database, fix=True)]

    def shown(course: _Document) -> Course:
        own = [Run(ids.encode_id("CourseRun", run), run["seats"]) for run in runs[course["slug"]]]
        return Course(ids.encode_id("Course", course), own)

    return World(
        [shown(course) for course in courses],
        students,
        teachers,
        moderators,
        newcomers,
        [(ids.encode_id("Review", r), ids.encode_id("Course", {"_id": r["courseId"]})) for r in reviews],
        [shown(course) for course in unsteady],
        [ids.encode_id("Course", course) for course in fleeting],
        [ids.encode_id("CourseRun", run) for run in busy_runs],
        timekeepers,
    )


def _imported(numbers: Iterable[int]) -> dict[str, list[_Document]]:
    """The students whom an import has brought, each with an enrolment and a review."""
    course = factories.course("Imported")
    students = [
        factories.student(f"Imported {n}", email=newcomer_email(n), externalId=imported_id(n))
        for n in numbers
    ]
    rows = [{"externalId": student["externalId"]} for student in students]
    return {
        "courses": [course],
        "students": students,
        "enrollments": [
            factories.enrollment(course, student, status="COMPLETED", progress=1, **row)
            for student, row in zip(students, rows, strict=True)
        ],
        "reviews": [
            factories.review(course, student, importedHelpfulCount=0, **row)
            for student, row in zip(students, rows, strict=True)
        ],
    }


def imported_id(number: int) -> dict[str, str]:
    """Returns the external id of an imported student, and of what the import has brought of theirs."""
    return {"source": IMPORT, "id": str(number)}


def _runs(course: _Document, random: Random) -> list[_Document]:
    """Two runs with few seats and one without a limit; all start after the storm."""
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    return [
        factories.course_run(course, seats=seats, startsAt=soon + n * timedelta(days=7))
        for n, seats in enumerate((random.randint(2, 5), random.randint(3, 8), None))
    ]
