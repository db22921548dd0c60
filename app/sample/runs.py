"""Generates course runs: past ones on fixed days, upcoming ones relative to the day of the first start."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from app.sample.handwritten import CoursePlan, Table
from app.sample.identity import TODAY, external_id, object_id
from app.sample.identity import random as seeded
from loaders.model import CourseDoc, CourseRunDoc

_HOURS = (8, 9, 13, 14, 16, 18)  # starting hours in UTC: mornings and evenings in the students' countries
_TITLES = {8: "Morning batch", 18: "Evening batch"}  # titles of runs, by starting hour
_SELF_PACED_DAYS = 40  # assumed length of a course without a duration, in days


@dataclass(frozen=True)
class Run:
    """A course run. past: whether the run was over by the last day of the sample data."""

    document: CourseRunDoc
    past: bool
    ends: datetime


def course_runs(
    courses: Sequence[tuple[CoursePlan, CourseDoc]], people: Table, now: datetime
) -> list[list[Run]]:
    """Returns the runs of each course, in the order of the courses, without seats and aggregates.

    Seats and aggregates are set later, from the enrolments. The time of day in `now` has no effect, so calls
    on the same day return the same runs.
    """
    random = seeded("runs")
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    rooms: list[str] = people["places"]["rooms"]
    planned = [_starts(plan, course, midnight, random) for plan, course in courses]
    numbers = iter(range(sum(map(len, planned))))
    return [
        [_run(next(numbers), plan, course, start, past, rooms, random) for start, past in starts]
        for (plan, course), starts in zip(courses, planned, strict=True)
    ]


def _starts(
    plan: CoursePlan, course: CourseDoc, midnight: datetime, random: Random
) -> list[tuple[datetime, bool]]:
    """Returns the start of each run of a course, and whether it is a past run."""
    past = sorted(_past(plan, course, random) for _ in range(_past_count(plan, random)))
    days = [random.randrange(7, 45), random.randrange(60, 110), random.randrange(130, 190)]
    if random.random() < 0.25:
        days[0] = -random.randrange(2, 10)  # a run that has just begun
    ahead = [midnight + timedelta(days=d, hours=random.choice(_HOURS)) for d in days]
    return [(start, True) for start in past] + [
        (start, False) for start in ahead[: _ahead_count(plan, random)]
    ]


def _past_count(plan: CoursePlan, random: Random) -> int:
    if plan.is_new or not (plan.is_reviewed or plan.imported):
        return 0
    return random.choice((3, 4, 5)) if plan.modes == ["ONSITE"] else random.choice((0, 1, 2, 2, 3, 4))


def _ahead_count(plan: CoursePlan, random: Random) -> int:
    count = random.choice((0, 1, 1, 2, 2, 3))
    if plan.status == "ARCHIVED":
        return 0
    return max(1, count) if plan.is_new or plan.modes == ["ONSITE"] else count


def _past(plan: CoursePlan, course: CourseDoc, random: Random) -> datetime:
    first = course["createdAt"] + timedelta(days=50)
    last = TODAY - timedelta(days=(plan.days or _SELF_PACED_DAYS) + 20)
    if plan.status == "ARCHIVED":
        last = first + (last - first) / 2
    day = first + (last - first) * random.random()
    return day.replace(hour=random.choice(_HOURS), minute=random.choice((0, 0, 30)), second=0, microsecond=0)


def _run(
    n: int,
    plan: CoursePlan,
    course: CourseDoc,
    start: datetime,
    past: bool,
    rooms: Sequence[str],
    random: Random,
) -> Run:
    mode = random.choice(plan.modes)
    room = random.choice(rooms)
    ends = start + timedelta(days=plan.days or _SELF_PACED_DAYS)
    document: CourseRunDoc = {
        "_id": object_id("courseRuns", n),
        "courseId": course["_id"],
        "title": _TITLES.get(start.hour),
        "startsAt": start,
        "endsAt": ends if plan.days else None,
        "deliveryMode": mode,
        "location": room if mode == "ONSITE" else None,
        "seats": None,
        "seatsTaken": 0,
        "waitlistCount": 0,
        "externalId": external_id(f"{plan.key}-{n}"),
    }
    return Run(document, past, ends)
