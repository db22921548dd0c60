"""Generates enrolments: who took which course, when, and how it ended.

The enrolments determine the seats of course runs and the joining dates of students.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from bson import ObjectId

from app.sample.handwritten import CoursePlan
from app.sample.identity import FIRST_DAY, TODAY, external_id, object_id
from app.sample.identity import random as seeded
from app.sample.runs import Run
from loaders.model import CourseDoc, CourseRunDoc, EnrollmentDoc, EnrollmentStatus, StudentDoc

ENROLLMENTS = 9_000

# Percentages of enrolment statuses in past runs, in upcoming runs, and without a run (self-paced).
_PAST: dict[EnrollmentStatus, int] = {"COMPLETED": 68, "ACTIVE": 10, "EXPIRED": 14, "CANCELLED": 8}
_AHEAD: dict[EnrollmentStatus, int] = {"ACTIVE": 90, "CANCELLED": 10}
_OWN_PACE: dict[EnrollmentStatus, int] = {"COMPLETED": 48, "ACTIVE": 34, "EXPIRED": 9, "CANCELLED": 9}
_UNNUMBERED = object_id("enrollments", 0)  # a placeholder id until all enrolments are sorted
_SEATS = (8, 10, 12, 16, 20, 24, 30, 36, 40, 50, 60, 80, 100, 120, 150, 200, 300, 500)
_FULL_SHARE = 0.4  # share of the upcoming runs that are full
_UNLIMITED_SHARE = 0.4  # share of the online runs that have no seat limit


@dataclass(frozen=True)
class Offer:
    """A course with its plan and its runs, from which its enrolments are generated."""

    plan: CoursePlan
    course: CourseDoc
    runs: Sequence[Run]


def enrolments(offers: Sequence[Offer], students: Sequence[StudentDoc]) -> list[EnrollmentDoc]:
    """Returns every enrolment, oldest first, at most one per student and course. Sets the runs' seats."""
    random = seeded("enrolments")
    cumulative_weights = list(accumulate(1 / (1 + 40 * random.random()) for _ in students))
    ids = [student["_id"] for student in students]
    documents = [
        enrolment
        for offer, count in zip(offers, _counts(offers, random), strict=True)
        for enrolment in _of_course(offer, _distinct(ids, cumulative_weights, count, random), random)
    ]
    documents.sort(key=lambda enrolment: enrolment["enrolledAt"] or FIRST_DAY)
    for n, enrolment in enumerate(documents):
        enrolment["_id"] = object_id("enrollments", n)
        enrolment["externalId"] = external_id(n + 1)
    return documents


def set_joining_dates(
    students: Iterable[StudentDoc], activities: Iterable[tuple[ObjectId, datetime]]
) -> None:
    """Sets `joinedAt` to a time before the student's first activity, often only a few minutes before it.

    For a few students, sets it to None, which means unknown. activities: pairs of a student's id and a time.
    """
    random = seeded("joining dates")
    first: dict[ObjectId, datetime] = {}
    for student, moment in activities:
        first[student] = min(moment, first.get(student, moment))
    for document in students:
        before = timedelta(minutes=3) if random.random() < 0.5 else timedelta(days=90 * random.random())
        moment = first.get(document["_id"], FIRST_DAY + (TODAY - FIRST_DAY) * random.random())
        known = random.random() > 0.04
        document["joinedAt"] = _whole_seconds(moment - before) if known else None


def _counts(offers: Sequence[Offer], random: Random) -> list[int]:
    """Divides ENROLLMENTS among the courses. Returns the number of enrolments for each course.

    The most popular quarter of the courses get about half of the enrolments.
    """
    popularities = [_popularity(offer.plan) * (0.45 + 1.1 * random.random() ** 2) for offer in offers]
    total = sum(popularities)
    counts = [round(ENROLLMENTS * popularity / total) for popularity in popularities]
    counts[counts.index(max(counts))] += ENROLLMENTS - sum(counts)
    return counts


def _popularity(plan: CoursePlan) -> float:
    if not plan.reviews:
        return plan.draw * 0.3
    if plan.modes == ["ONSITE"]:
        return plan.draw * 0.5
    return plan.draw if plan.is_reviewed or plan.imported else 0.0


def _distinct(
    ids: Sequence[ObjectId], cumulative_weights: Sequence[float], count: int, random: Random
) -> list[ObjectId]:
    drawn: dict[ObjectId, None] = {}
    while len(drawn) < count:
        batch = random.choices(ids, cum_weights=cumulative_weights, k=count - len(drawn))
        drawn.update(dict.fromkeys(batch))
    return list(drawn)


def _of_course(offer: Offer, students: Sequence[ObjectId], random: Random) -> list[EnrollmentDoc]:
    choices = _run_choices(offer, random)
    documents = [_enrolment(offer, random.choice(choices), student, random) for student in students]
    for run in offer.runs:
        in_run = [enrolment for enrolment in documents if enrolment["runId"] == run.document["_id"]]
        _set_seats(run, in_run, random)
    return documents


def _run_choices(offer: Offer, random: Random) -> list[Run | None]:
    """Returns a list to draw an enrolment's run from. None stands for self-paced study.

    The more often a run is in the list, the more likely it is to be drawn.
    """
    runs = [run for run in offer.runs for _ in range(random.randrange(2, 6) if run.past else 2)]
    self_paced = len(runs) // 2 + 1 if "ONLINE" in offer.plan.modes and not offer.plan.is_new else 0
    return [*runs, *[None] * self_paced]


def _enrolment(offer: Offer, run: Run | None, student: ObjectId, random: Random) -> EnrollmentDoc:
    enrolled = _whole_seconds(_enrolled(offer, run, random))
    status = _status(run, random)
    completed = _completed(offer, run, enrolled, random) if status == "COMPLETED" else None
    if completed and completed >= TODAY:
        status, completed = "ACTIVE", None
    return {
        "_id": _UNNUMBERED,
        "courseId": offer.course["_id"],
        "runId": run.document["_id"] if run else None,
        "studentId": student,
        "status": status,
        "progress": _progress(status, run, random),
        "enrolledAt": enrolled,
        "completedAt": completed,
        "cancelledAt": _cancelled(enrolled, random) if status == "CANCELLED" else None,
    }


def _enrolled(offer: Offer, run: Run | None, random: Random) -> datetime:
    if run is None:
        first = offer.course["createdAt"] + timedelta(days=10)
        return first + (TODAY - timedelta(days=5) - first) * random.random()
    if run.past:
        return run.document["startsAt"] + timedelta(days=random.random() * 47 - 45)
    return TODAY - timedelta(days=20 * random.random())


def _completed(offer: Offer, run: Run | None, enrolled: datetime, random: Random) -> datetime:
    if run is None:
        days = (offer.plan.days or 40) * (0.4 + 2 * random.random())
        return _whole_seconds(enrolled + timedelta(days=days))
    return _whole_seconds(run.ends + timedelta(days=10 * random.random() ** 2))


def _cancelled(enrolled: datetime, random: Random) -> datetime:
    return _whole_seconds(enrolled + (TODAY - enrolled) * random.random() / 9)


def _status(run: Run | None, random: Random) -> EnrollmentStatus:
    weights = _OWN_PACE if run is None else _PAST if run.past else _AHEAD
    return random.choices([*weights], [*weights.values()])[0]


def _progress(status: EnrollmentStatus, run: Run | None, random: Random) -> float:
    if status == "COMPLETED":
        return 1.0
    if run and not run.past:
        return 0.0
    most = 0.3 if status == "CANCELLED" else 0.95
    return round(most * random.random(), 2)


def _set_seats(run: Run, enrolments: Sequence[EnrollmentDoc], random: Random) -> None:
    """Sets a run's seats: enough, too few, or no limit.

    If there are too few, the last students to enrol are waitlisted.
    """
    document, taken = run.document, [e for e in enrolments if e["status"] in ("ACTIVE", "COMPLETED")]
    full, unlimited = random.random() < _FULL_SHARE, random.random() < _UNLIMITED_SHARE
    if full and not run.past and len(taken) > _SEATS[0]:
        document["seats"] = _seats_for(taken, document)
        _waitlist(sorted(taken, key=lambda e: e["enrolledAt"] or FIRST_DAY)[document["seats"] :])
    elif document["deliveryMode"] == "ONSITE" or not unlimited:
        document["seats"] = next(seats for seats in _SEATS if seats >= len(taken))


def _seats_for(taken: Sequence[EnrollmentDoc], document: CourseRunDoc) -> int:
    """Returns the largest number in _SEATS that leaves some students without a seat.

    The number is at most 30 for runs on site, and 200 for online runs.
    """
    most = min(len(taken) - 1, 30 if document["deliveryMode"] == "ONSITE" else 200)
    return max(seats for seats in _SEATS if seats <= most)


def _waitlist(enrolments: Iterable[EnrollmentDoc]) -> None:
    for enrolment in enrolments:
        enrolment["status"] = "WAITLISTED"


def _whole_seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
