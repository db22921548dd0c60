"""Enrolments: who took which course when, and what became of it. Seats of runs and joining dates follow."""

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

# Statuses by their weights, for runs that are over, for those ahead, and at one's own pace.
_PAST: dict[EnrollmentStatus, int] = {"COMPLETED": 68, "ACTIVE": 10, "EXPIRED": 14, "CANCELLED": 8}
_AHEAD: dict[EnrollmentStatus, int] = {"ACTIVE": 90, "CANCELLED": 10}
_OWN_PACE: dict[EnrollmentStatus, int] = {"COMPLETED": 48, "ACTIVE": 34, "EXPIRED": 9, "CANCELLED": 9}
_UNNUMBERED = object_id("enrollments", 0)  # until all are there and in order
_SEATS = (8, 10, 12, 16, 20, 24, 30, 36, 40, 50, 60, 80, 100, 120, 150, 200, 300, 500)
_FULL_SHARE = 0.4  # of the upcoming runs
_UNLIMITED_SHARE = 0.4  # of the runs online


@dataclass(frozen=True)
class Offer:
    """A course with what its enrolments depend on."""

    plan: CoursePlan
    course: CourseDoc
    runs: Sequence[Run]


def enrolments(offers: Sequence[Offer], students: Sequence[StudentDoc]) -> list[EnrollmentDoc]:
    """Every enrolment, oldest first; at most one a student and course. Sets the seats of the runs."""
    random = seeded("enrolments")
    keen = list(accumulate(1 / (1 + 40 * random.random()) for _ in students))
    ids = [student["_id"] for student in students]
    made = [
        enrolment
        for offer, count in zip(offers, _counts(offers, random), strict=True)
        for enrolment in _of_course(offer, _distinct(ids, keen, count, random), random)
    ]
    made.sort(key=lambda enrolment: enrolment["enrolledAt"] or FIRST_DAY)
    for n, enrolment in enumerate(made):
        enrolment["_id"] = object_id("enrollments", n)
        enrolment["externalId"] = external_id(n + 1)
    return made


def set_joining_dates(students: Iterable[StudentDoc], seen: Iterable[tuple[ObjectId, datetime]]) -> None:
    """Each joined some time before being first seen, many of them on the same day; of some nobody knows."""
    random = seeded("joining dates")
    first: dict[ObjectId, datetime] = {}
    for student, moment in seen:
        first[student] = min(moment, first.get(student, moment))
    for document in students:
        before = timedelta(minutes=3) if random.random() < 0.5 else timedelta(days=90 * random.random())
        moment = first.get(document["_id"], FIRST_DAY + (TODAY - FIRST_DAY) * random.random())
        known = random.random() > 0.04
        document["joinedAt"] = _whole_seconds(moment - before) if known else None


def _counts(offers: Sequence[Offer], random: Random) -> list[int]:
    """How many each course draws: few of them most of it; ENROLLMENTS in all."""
    draws = [_draw(offer.plan) * (0.45 + 1.1 * random.random() ** 2) for offer in offers]
    total = sum(draws)
    counts = [round(ENROLLMENTS * draw / total) for draw in draws]
    counts[counts.index(max(counts))] += ENROLLMENTS - sum(counts)
    return counts


def _draw(plan: CoursePlan) -> float:
    if not plan.reviews:
        return plan.draw * 0.3
    if plan.modes == ["ONSITE"]:
        return plan.draw * 0.5
    return plan.draw if plan.is_reviewed or plan.imported else 0.0


def _distinct(
    ids: Sequence[ObjectId], weights: Sequence[float], count: int, random: Random
) -> list[ObjectId]:
    found: dict[ObjectId, None] = {}
    while len(found) < count:
        found.update(dict.fromkeys(random.choices(ids, cum_weights=weights, k=count - len(found))))
    return list(found)


def _of_course(offer: Offer, students: Sequence[ObjectId], random: Random) -> list[EnrollmentDoc]:
    places = _places(offer, random)
    made = [_enrolment(offer, random.choice(places), student, random) for student in students]
    for run in offer.runs:
        mine = [enrolment for enrolment in made if enrolment["runId"] == run.document["_id"]]
        _seat(run, mine, random)
    return made


def _places(offer: Offer, random: Random) -> list[Run | None]:
    """The runs to choose from, each as often as it is popular; none is at one's own pace."""
    runs = [run for run in offer.runs for _ in range(random.randrange(2, 6) if run.past else 2)]
    own_pace = len(runs) // 2 + 1 if "ONLINE" in offer.plan.modes and not offer.plan.is_new else 0
    return [*runs, *[None] * own_pace]


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


def _seat(run: Run, enrolments: Sequence[EnrollmentDoc], random: Random) -> None:
    """Give a run its seats: enough for all, or too few, and then the last to come wait."""
    document, taken = run.document, [e for e in enrolments if e["status"] in ("ACTIVE", "COMPLETED")]
    full, unlimited = random.random() < _FULL_SHARE, random.random() < _UNLIMITED_SHARE
    if full and not run.past and len(taken) > _SEATS[0]:
        document["seats"] = _seats_for(taken, document)
        _wait(sorted(taken, key=lambda e: e["enrolledAt"] or FIRST_DAY)[document["seats"] :])
    elif document["deliveryMode"] == "ONSITE" or not unlimited:
        document["seats"] = next(seats for seats in _SEATS if seats >= len(taken))


def _seats_for(taken: Sequence[EnrollmentDoc], document: CourseRunDoc) -> int:
    """The largest usual number of seats that is not enough."""
    most = min(len(taken) - 1, 30 if document["deliveryMode"] == "ONSITE" else 200)
    return max(seats for seats in _SEATS if seats <= most)


def _wait(enrolments: Iterable[EnrollmentDoc]) -> None:
    for enrolment in enrolments:
        enrolment["status"] = "WAITLISTED"


def _whole_seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
