"""Generates reviews: most by students of the course, some by other students, a few without an author."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from random import Random

from bson import ObjectId

from app.sample.handwritten import CategoryPlan, CoursePlan, Table
from app.sample.identity import TODAY, external_id, object_id
from app.sample.identity import random as seeded
from app.sample.prose import Writer
from loaders.model import (
    ANONYMOUS_STUDENT,
    COUNTED_ENROLLMENTS,
    CourseDoc,
    EnrollmentDoc,
    InstructorDoc,
    ReviewDoc,
    ReviewReplyDoc,
    StudentDoc,
    wilson,
)

REVIEWS = 6_000
_UNNUMBERED = object_id("reviews", 0)  # a placeholder id until all reviews are sorted
_UNVERIFIED = 480  # number of reviews by students who never enrolled, have cancelled or are waitlisted
_ANONYMOUS = 150
_PENDING = 60
_REJECTED = 25

# Pairs of an average rating and the percentages of reviews with one to five stars. The percentages for other
# averages are interpolated.
_SHARES: tuple[tuple[float, tuple[float, ...]], ...] = (
    (3.0, (16, 18, 26, 25, 15)),
    (3.5, (8, 12, 23, 34, 23)),
    (4.0, (4, 6, 14, 38, 38)),
    (4.4, (2, 3, 8, 29, 58)),
    (4.9, (0.4, 0.6, 1.5, 8, 89.5)),
)
# The usual difficulty and weekly hours of a course, by level.
_BASE = {"BEGINNER": (2, 4.0), "ALL_LEVELS": (2, 3.0), "INTERMEDIATE": (3, 6.0), "ADVANCED": (4, 9.0)}
_VOTES = (0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 6, 9, 14, 25, 60)


@dataclass(frozen=True)
class Subject:
    """A course, with what is needed to write reviews of it.

    shares: the percentages of reviews with at most one, two, three, four and five stars.
    """

    category: CategoryPlan
    plan: CoursePlan
    course: CourseDoc
    difficulty: int
    hours: float
    shares: Sequence[float]
    writer: Writer


@dataclass(frozen=True)
class _Occasion:
    """A review that is yet to be written.

    student: its author, if any. after: the review's date is later than this time.
    """

    course: ObjectId
    student: ObjectId | None
    after: datetime
    verified: bool
    term: str | None


def reviews(
    courses: Sequence[tuple[CategoryPlan, CoursePlan, CourseDoc]],
    students: Sequence[StudentDoc],
    instructors: Sequence[InstructorDoc],
    enrolments: Sequence[EnrollmentDoc],
    texts: Mapping[str, Table],
) -> list[ReviewDoc]:
    """Returns every review, oldest first, at most one per student and course."""
    random = seeded("reviews")
    names = {i["_id"]: i["name"] for i in instructors}
    subjects = {
        course["_id"]: _subject(category, plan, course, names, texts, random)
        for category, plan, course in courses
        if plan.is_reviewed
    }
    occasions = _occasions(subjects, students, enrolments, random)
    documents = _dated_reviews(occasions, random)
    _add_content(documents, subjects, {s["_id"]: _first_name(s) for s in students}, random)
    return documents


def _subject(
    category: CategoryPlan,
    plan: CoursePlan,
    course: CourseDoc,
    names: Mapping[ObjectId, str],
    texts: Mapping[str, Table],
    random: Random,
) -> Subject:
    difficulty, hours = _BASE[plan.level]
    teachers = [_short_name(names[i]) for i in course["instructorIds"]]
    quality = plan.quality or round(3.8 + random.random() * 0.9, 2)
    return Subject(
        category,
        plan,
        course,
        difficulty,
        hours + random.randrange(-1, 4),
        _cumulative_shares(quality),
        Writer(plan, category, teachers, texts[plan.language], random),
    )


def _cumulative_shares(quality: float) -> list[float]:
    (low, below), (high, above) = next(pair for pair in pairwise(_SHARES) if quality <= pair[1][0])
    weight = (quality - low) / (high - low)
    return list(accumulate(b + (a - b) * weight for b, a in zip(below, above, strict=True)))


def _short_name(name: str) -> str:
    """Returns what students call an instructor: the first name, or the title and the last name."""
    first, *rest = name.split()
    return f"{first} {rest[-1]}" if first.endswith(".") else first


def _first_name(student: StudentDoc) -> str | None:
    """Returns a student's first name, for replies to the student's reviews.

    Returns None if the first word of the name might be the family name, or if the student is anonymous.
    """
    if student["name"] == ANONYMOUS_STUDENT or student["country"] in ("CN", "JP", "KR", "VN", None):
        return None
    return student["name"].split()[0]


def _occasions(
    subjects: Mapping[ObjectId, Subject],
    students: Sequence[StudentDoc],
    enrolments: Sequence[EnrollmentDoc],
    random: Random,
) -> list[_Occasion]:
    counted = [e for e in enrolments if e["courseId"] in subjects and e["status"] in COUNTED_ENROLLMENTS]
    begun = [e for e in counted if e["progress"] > 0.15]
    candidates = sorted(begun, key=lambda e: random.random() * (1 if e["completedAt"] else 2))
    occasions = [_occasion(e, random) for e in candidates[: REVIEWS - _UNVERIFIED - _ANONYMOUS]]
    courses = [o.course for o in occasions]  # with repetitions, so that a popular course is chosen more often
    taken = {(e["courseId"], e["studentId"]) for e in counted}
    for n in range(REVIEWS - len(occasions)):
        course = random.choice(courses)
        student = None if n < _ANONYMOUS else _outsider(course, students, taken, random)
        after = subjects[course].course["createdAt"] + timedelta(days=60)
        occasions.append(_Occasion(course, student, after, False, None))
    return occasions


def _outsider(
    course: ObjectId, students: Sequence[StudentDoc], taken: set[tuple[ObjectId, ObjectId]], random: Random
) -> ObjectId:
    """Draws a student who hasn't reviewed the course.

    The student never enrolled in the course, has cancelled or is waitlisted.
    """
    while (course, student := random.choice(students)["_id"]) in taken:
        pass
    taken.add((course, student))
    return student


def _occasion(enrolment: EnrollmentDoc, random: Random) -> _Occasion:
    enrolled = enrolment["enrolledAt"] or TODAY
    after = enrolment["completedAt"] or enrolled + (TODAY - enrolled) * random.random() * 0.2
    term = f"{enrolled.year}-{1 + (enrolled.month - 1) // 4}" if random.random() < 0.75 else None
    return _Occasion(enrolment["courseId"], enrolment["studentId"], after, True, term)


def _dated_reviews(occasions: Iterable[_Occasion], random: Random) -> list[ReviewDoc]:
    """Creates reviews without content, in order of date.

    Some reviews of a course get the same date, because this is common in data from imports and forms.
    """
    last: dict[ObjectId, datetime] = {}
    documents = []
    for occasion in occasions:
        span = min(timedelta(days=45), TODAY - occasion.after)
        if not occasion.verified:
            span = TODAY - occasion.after
        created = (occasion.after + span * random.random() ** 2).replace(microsecond=0)
        created = max(created, occasion.after + timedelta(seconds=1)).replace(microsecond=0)
        same = last.get(occasion.course)
        if same and same > occasion.after and random.random() < 0.05:
            created = same
        last[occasion.course] = created
        documents.append(_review(occasion, created))
    documents.sort(key=lambda review: review["createdAt"] or TODAY)
    return documents


def _review(occasion: _Occasion, created: datetime) -> ReviewDoc:
    return {
        "_id": _UNNUMBERED,
        "courseId": occasion.course,
        "studentId": occasion.student,
        "rating": None,
        "title": None,
        "body": "",
        "difficulty": None,
        "workloadHours": None,
        "term": occasion.term,
        "verified": occasion.verified,
        "helpfulCount": 0,
        "importedHelpfulCount": 0,
        "unhelpfulCount": 0,
        "reply": None,
        "status": "PUBLISHED",
        "createdAt": created,
        "updatedAt": created,
        "helpfulScore": 0.0,
    }


def _add_content(
    documents: Sequence[ReviewDoc],
    subjects: Mapping[ObjectId, Subject],
    names: Mapping[ObjectId, str | None],
    random: Random,
) -> None:
    """Fills in each review's text, ratings and status, and the reactions to it."""
    seen: set[str] = set()
    count = len(documents)
    rejected = set(random.sample(range(count), _REJECTED))
    pending = set(random.sample(range(count - 4 * _PENDING, count), _PENDING)) - rejected
    for n, review in enumerate(documents):
        review["_id"], review["externalId"] = object_id("reviews", n), external_id(n + 1)
        subject = subjects[review["courseId"]]
        gripe = _write(review, subject, seen, random)
        if n in rejected:
            review["status"], review["body"], review["title"] = "REJECTED", subject.writer.rejected(), None
        elif n in pending:
            review["status"] = "PENDING"
        else:
            _add_reactions(review, subject, gripe, names, random)


def _write(review: ReviewDoc, subject: Subject, seen: set[str], random: Random) -> str | None:
    """Fills in a review's text and ratings. Returns the flaw in the course that the text mentions, if any."""
    rating = random.choices((1, 2, 3, 4, 5), cum_weights=subject.shares)[0]
    difficulty = min(5, max(1, subject.difficulty + random.choice((-1, 0, 0, 0, 1))))
    hours = max(1.5, subject.hours + random.randrange(-6, 7) / 2)
    stated = difficulty if random.random() < 0.85 else None
    written = subject.writer.write(rating, stated, hours, lambda text: text not in seen)
    seen.add(written.body)
    review["rating"], review["body"], review["difficulty"] = rating, written.body, stated
    review["title"] = written.title if random.random() < 0.85 else None
    review["workloadHours"] = hours if random.random() < 0.8 else None
    return written.gripe


def _add_reactions(
    review: ReviewDoc,
    subject: Subject,
    gripe: str | None,
    names: Mapping[ObjectId, str | None],
    random: Random,
) -> None:
    """Adds votes and, to some reviews, a reply or a later edit."""
    rating, created = review["rating"] or 3, review["createdAt"] or TODAY
    total = random.choice(_VOTES) + (random.choice(_VOTES) if len(review["body"]) > 400 else 0)
    against = round(total * random.random() ** 2 * (0.35 if rating > 2 else 0.6))
    review["helpfulCount"] = review["importedHelpfulCount"] = total - against
    review["unhelpfulCount"], review["helpfulScore"] = against, wilson(total - against, against)
    if random.random() < (0.06 if rating > 3 else 0.3):
        student = names.get(review["studentId"]) if review["studentId"] else None
        review["reply"] = _reply(subject, rating, gripe, student, _later(created, 12, random), random)
    if random.random() < 0.05:
        review["updatedAt"] = _later(created, 200, random)
        if random.random() < 0.5:
            review["body"] += f"\n\n{subject.writer.note()}"


def _reply(
    subject: Subject, rating: int, gripe: str | None, student: str | None, when: datetime, random: Random
) -> ReviewReplyDoc:
    author = random.choice(subject.course["instructorIds"]) if random.random() < 0.93 else None
    return {"instructorId": author, "body": subject.writer.reply(rating, gripe, student), "createdAt": when}


def _later(moment: datetime, days: int, random: Random) -> datetime:
    span = min(timedelta(days=days), TODAY - moment)
    return (moment + span * random.random()).replace(microsecond=0)
