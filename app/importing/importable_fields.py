"""The importable fields of each collection, and the default normaliser of each field."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

from loaders.model import CourseStatus, EnrollmentStatus, Level, ReviewStatus

Importable = Literal["courses", "students", "reviews", "enrollments"]
Fields = dict[str, Any]  # normalised values, keyed by field name; the normaliser determines the type


class Target(NamedTuple):
    """A field that can be imported."""

    normaliser: str
    names: str = ""  # lower-case column headers that identify the field; the preferred one is first
    required: bool = False  # whether a row without a value for this field is rejected
    choices: tuple[str, ...] = ()

    def headers(self) -> list[str]:
        return [name.strip() for name in self.names.split("|")]

    def owns(self, name: str, header: str) -> bool:
        """Returns whether a header is the field's name or its preferred header. Ignores spaces."""
        return header.replace(" ", "") in (name.casefold(), self.headers()[0].replace(" ", ""))


_ID = "id | uid | uuid | key | external id"
_COURSE = "course | course id | courseid | course code | course slug | class id | module"
_PERSON = "student | student id | studentid | user | user id | userid | learner id"
_AUTHOR = f"{_PERSON} | author | author id | reviewer | reviewer id"
_CREATED = "created | created at | createdat | created on | date | published | published at | timestamp"
_REGISTERED = "registered | registered at | registered on"
_UPDATED = "updated | updated at | updatedat | last update | last update date | last updated | modified"

_COURSES = {
    "id": Target("text", f"{_ID} | course id | courseid", required=True),
    "slug": Target("slug", "slug | course slug"),
    "codes": Target("list", "code | codes | course code | number"),
    "title": Target("plain", "title | name | course | course name | course title", required=True),
    "summary": Target("plain", "summary | headline | subtitle | short description | short intro"),
    "description": Target("markdown", "description | about | course description | long description"),
    "category": Target("plain", "category | subject | department | topic | domain | sub category"),
    "level": Target(
        "level", "level | difficulty | difficulty level | course difficulty", choices=get_args(Level)
    ),
    "deliveryModes": Target("modes", "mode | modes | delivery mode | delivery modes | format"),
    "durationDays": Target(
        "duration", "duration | duration days | length | course duration | content duration"
    ),
    "language": Target("language", "language | lang | locale"),
    "tags": Target("list", "tags | keywords | skills | skills covered | topics"),
    "price": Target("price", "price | cost | fee | fees"),
    "instructors": Target(
        "list", "instructor | instructors | teacher | teachers | trainer | trainers | taught by"
    ),
    "status": Target("constant", "status", choices=get_args(CourseStatus)),
    "rating": Target("rating", "rating | ratings | avg rating | average rating | course rating | stars"),
    "students": Target(
        "integer",
        "students | student count | enrolled | course students enrolled | num subscribers | subscribers",
    ),
    "createdAt": Target("date", f"{_CREATED} | published timestamp | published time"),
    "updatedAt": Target("date", _UPDATED),
}

_STUDENTS = {
    "id": Target("text", f"{_ID} | {_PERSON}", required=True),
    "name": Target("plain", "name | full name | display name | student name | username"),
    "avatarUrl": Target("text", "avatar | avatar url | picture | photo | image"),
    "country": Target("country", "country | country code"),
    "bio": Target("plain", "bio | about | biography"),
    "email": Target("text", "email | e mail | mail"),
    "joinedAt": Target("date", f"joined | joined at | joinedat | joined on | {_REGISTERED} | {_CREATED}"),
}

_REVIEWS = {
    "id": Target("text", f"{_ID} | review id | reviewid", required=True),
    "course": Target("text", _COURSE, required=True),
    "student": Target("text", _AUTHOR),
    "rating": Target("stars", "rating | stars | score | label | overall"),
    "title": Target("plain", "title | headline | subject"),
    "body": Target("markdown", "body | text | review | reviews | comment | content | review text"),
    "difficulty": Target("stars", "difficulty"),
    "workloadHours": Target("hours", "workload | workload hours | hours per week"),
    "term": Target("text", "term | semester"),
    "verified": Target("boolean", "verified"),
    "helpfulCount": Target("integer", "helpful | helpful count | upvotes | likes"),
    "unhelpfulCount": Target("integer", "unhelpful | unhelpful count | downvotes"),
    "status": Target("constant", "status", choices=get_args(ReviewStatus)),
    "createdAt": Target("date", f"{_CREATED} | date reviews | review date | reviewed at"),
    "updatedAt": Target("date", _UPDATED),
}

_ENROLLMENTS = {
    "id": Target("text", f"{_ID} | enrollment id | enrolment id | registration id", required=True),
    "course": Target("text", _COURSE, required=True),
    "student": Target("text", _PERSON, required=True),
    "status": Target("constant", "status | state", choices=get_args(EnrollmentStatus)),
    "progress": Target("fraction", "progress"),
    "enrolledAt": Target(
        "date", f"enrolled | enrolled at | enrolledat | enrolled on | {_REGISTERED} | {_CREATED}"
    ),
    "completedAt": Target("date", "completed | completed at | completedat | completed on | finished at"),
    "cancelledAt": Target("date", "cancelled | cancelled at | cancelledat | cancelled on | withdrawn at"),
}

TARGETS: Mapping[Importable, Mapping[str, Target]] = {
    "courses": _COURSES,
    "students": _STUDENTS,
    "reviews": _REVIEWS,
    "enrollments": _ENROLLMENTS,
}
