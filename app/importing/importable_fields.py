"""The importable fields of each collection, and the default normaliser of each field."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Literal, NamedTuple, get_args

from loaders.model import CourseStatus, EnrollmentStatus, Level, ReviewStatus

Importable = Literal[
    "categories", "instructors", "courses", "courseRuns", "students", "reviews", "enrollments"
]
Fields = dict[str, Any]  # normalised values, keyed by field name; the normaliser determines the type

#: The headers by which the columns of fields are recognised, by collection and field. The key "rosters" has
#: the words that are used in rosters of learning management systems.
HEADERS: Mapping[str, Mapping[str, Sequence[str]]] = tomllib.loads(
    files("app.importing").joinpath("headers.toml").read_text("utf-8")
)


class Target(NamedTuple):
    """A field that can be imported."""

    normaliser: str
    required: bool = False  # whether a row without a value for this field is rejected
    choices: tuple[str, ...] = ()


TARGETS: Mapping[Importable, Mapping[str, Target]] = {
    "categories": {
        "id": Target("text", required=True),
        "name": Target("line", required=True),
        "slug": Target("slug"),
        "description": Target("plain"),
        "imageUrl": Target("image_url"),
        "position": Target("integer"),
    },
    "instructors": {
        "id": Target("text", required=True),
        "name": Target("line", required=True),
        "headline": Target("line"),
        "bio": Target("plain"),
        "avatarUrl": Target("image_url"),
    },
    "courses": {
        "id": Target("text", required=True),
        "title": Target("line", required=True),
        "slug": Target("slug"),
        "codes": Target("references"),
        "summary": Target("plain"),
        "description": Target("markdown"),
        "category": Target("line"),
        "level": Target("level", choices=get_args(Level)),
        "deliveryModes": Target("modes"),
        "durationDays": Target("duration"),
        "language": Target("language"),
        "tags": Target("list"),
        "price": Target("price"),
        "credits": Target("credits"),
        "institution": Target("line"),
        "url": Target("url"),
        "imageUrl": Target("image_url"),
        "prerequisites": Target("references"),
        "instructors": Target("people"),
        "status": Target("constant", choices=get_args(CourseStatus)),
        "rating": Target("rating"),
        "students": Target("integer"),
        "createdAt": Target("date"),
        "updatedAt": Target("date"),
    },
    "courseRuns": {
        "id": Target("text", required=True),
        "course": Target("text", required=True),
        "title": Target("line"),
        "startsAt": Target("date", required=True),
        "endsAt": Target("end_date"),
        "deliveryMode": Target("mode"),
        "location": Target("line"),
        "seats": Target("seats"),
    },
    "students": {
        "id": Target("text", required=True),
        "name": Target("line"),
        "avatarUrl": Target("text"),
        "country": Target("country"),
        "bio": Target("plain"),
        "email": Target("text"),
        "joinedAt": Target("date"),
    },
    "reviews": {
        "id": Target("text", required=True),
        "course": Target("text", required=True),
        "student": Target("text"),
        "rating": Target("stars"),
        "title": Target("line"),
        "body": Target("markdown"),
        "difficulty": Target("stars"),
        "workloadHours": Target("hours"),
        "term": Target("text"),
        "verified": Target("boolean"),
        "helpfulCount": Target("integer"),
        "unhelpfulCount": Target("integer"),
        "status": Target("constant", choices=get_args(ReviewStatus)),
        "createdAt": Target("date"),
        "updatedAt": Target("date"),
    },
    "enrollments": {
        "id": Target("text", required=True),
        "course": Target("text", required=True),
        "student": Target("text", required=True),
        "status": Target("constant", choices=get_args(EnrollmentStatus)),
        "progress": Target("fraction"),
        "enrolledAt": Target("date"),
        "completedAt": Target("date"),
        "cancelledAt": Target("date"),
    },
}
