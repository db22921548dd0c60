"""Generates all documents of the sample data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bson import ObjectId

from app.sample import counting, handwritten
from app.sample.courses import category_documents, course_documents, instructor_documents
from app.sample.enrolments import Offer, enrolments, set_joining_dates
from app.sample.people import student_documents
from app.sample.reviews import reviews
from app.sample.runs import course_runs
from loaders.model import (
    CategoryDoc,
    CourseDoc,
    CourseRunDoc,
    EnrollmentDoc,
    InstructorDoc,
    ReviewDoc,
    StudentDoc,
)
from loaders.transfer import SampleDocument


@dataclass(frozen=True)
class Sample:
    """The documents of each collection, aggregates and derived keys included."""

    categories: list[CategoryDoc]
    instructors: list[InstructorDoc]
    courses: list[CourseDoc]
    runs: list[CourseRunDoc]
    students: list[StudentDoc]
    enrollments: list[EnrollmentDoc]
    reviews: list[ReviewDoc]

    def collections(self) -> dict[str, Sequence[SampleDocument]]:
        """Returns the documents, keyed by the name of their collection."""
        return {
            "categories": self.categories,
            "instructors": self.instructors,
            "courses": self.courses,
            "courseRuns": self.runs,
            "students": self.students,
            "enrollments": self.enrollments,
            "reviews": self.reviews,
        }


def generate(now: datetime) -> Sample:
    """Returns the sample data.

    `now` must have a time zone. Only its date matters, and only for upcoming runs and courses' `seatsUntil`.
    """
    categories, people = handwritten.categories(), handwritten.people()
    courses = course_documents(categories, people)
    plans = [(category, course) for category in categories for course in category.courses]
    planned = [(course_plan, doc) for (_, course_plan), doc in zip(plans, courses, strict=True)]
    runs = course_runs(planned, people, now)
    offers = [Offer(*pair, its_runs) for pair, its_runs in zip(planned, runs, strict=True)]
    students, instructors = student_documents(people), instructor_documents(people)
    enrolled = enrolments(offers, students)
    triples = [(*pair, doc) for pair, doc in zip(plans, courses, strict=True)]
    written = reviews(triples, students, instructors, enrolled, handwritten.texts())
    sample = Sample(
        category_documents(categories),
        instructors,
        courses,
        [run.document for its_runs in runs for run in its_runs],
        students,
        enrolled,
        written,
    )
    _complete(sample)
    return sample


def _complete(sample: Sample) -> None:
    """Sets the fields that depend on several collections: joining dates and aggregates."""
    activities: list[tuple[ObjectId, datetime]] = [
        (e["studentId"], e["enrolledAt"]) for e in sample.enrollments if e["enrolledAt"]
    ]
    activities += [
        (r["studentId"], r["createdAt"]) for r in sample.reviews if r["studentId"] and r["createdAt"]
    ]
    set_joining_dates(sample.students, activities)
    counting.count(sample.courses, sample.runs, sample.enrollments, sample.reviews)
    counting.list_newest(sample.courses, "courseId", sample.reviews)
    counting.list_newest(sample.students, "studentId", sample.reviews)
