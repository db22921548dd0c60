"""The generated catalogue that the benchmarks read: always the same documents, ids included."""

import asyncio
import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bson import ObjectId
from pydantic import SecretStr

from app import embedded
from app.database import connect
from app.settings import Settings
from loaders import indexes
from loaders.collections import complete
from loaders.mongo import Database, Document
from loaders.recounting import recount
from loaders.transfer import insert_sample

COURSES, STUDENTS, REVIEWS = 2_000, 20_000, 100_000
LEAST_REVIEWS = 21  # per course: a page of twenty is full, and another follows
CATEGORIES = (
    "algorithms", "art", "biology", "business", "chemistry", "cloud", "data", "design",
    "economics", "history", "languages", "law", "maths", "music", "physics", "web",
)  # fmt: skip

_COUNTRIES = ("BR", "DE", "ES", "FR", "GB", "IN", "JP", "KE", "MX", "NG", "PL", "US")
_LEVELS = ("BEGINNER", "INTERMEDIATE", "ADVANCED", "ALL_LEVELS")
_MODES: tuple[list[str], ...] = (["ONLINE"], ["ONSITE"], ["ONLINE", "ONSITE"])
_WORDS = (
    "about", "after", "analysis", "applied", "basic", "before", "better", "build", "chapter", "clear",
    "course", "deep", "detail", "each", "early", "every", "exam", "example", "exercise", "explain",
    "final", "forum", "good", "group", "guide", "helpful", "idea", "improve", "introduce", "lab",
    "learn", "lecture", "lesson", "material", "method", "model", "module", "never", "notes", "open",
    "pace", "part", "plan", "point", "practice", "problem", "project", "question", "quick", "read",
    "review", "rich", "section", "short", "simple", "skill", "slide", "small", "solve", "step", "strong",
    "student", "study", "subject", "task", "teacher", "team", "test", "theory", "think", "time", "topic",
    "useful", "value", "video", "week", "work", "write",
)  # fmt: skip
_START = datetime(2020, 1, 1, tzinfo=UTC)
_MINUTES = 2_000_000  # from the first review to the last: almost four years


@contextmanager
def catalogue() -> Iterator[str]:
    """Runs a mongod of its own with the catalogue in the database `lectern`; yields its URI."""
    with tempfile.TemporaryDirectory() as temporary, embedded.running(Path(temporary), cache_gb=1) as uri:
        asyncio.run(_fill(uri))
        yield uri


async def fill(database: Database) -> None:
    """Inserts the catalogue, with its indexes and aggregates, into an empty database."""
    await insert_sample(database, _collections())
    await indexes.ensure(database)
    async for _ in recount(database, fix=True):
        pass


def slug(number: int) -> str:
    """The slug of a course, by its number from 0."""
    return f"course-{number}"


def course_id(number: int) -> ObjectId:
    """The `_id` of a course, by its number from 0."""
    return _id("course", number)


async def _fill(uri: str) -> None:
    async with connect(Settings(mongodb_uri=SecretStr(uri))) as database:
        await fill(database)


def _collections() -> Mapping[str, list[Document]]:
    chance = random.Random(1)
    return {
        "categories": [{"_id": _id("category", n), "slug": s, "name": s} for n, s in enumerate(CATEGORIES)],
        "courses": [_course(chance, number) for number in range(COURSES)],
        "students": [_student(chance, number) for number in range(STUDENTS)],
        "reviews": [_review(chance, number) for number in range(REVIEWS)],
    }


def _id(kind: str, number: int) -> ObjectId:
    return ObjectId(kind[:2].encode() + number.to_bytes(10, "big"))


def _course(chance: random.Random, number: int) -> Document:
    return complete(
        "courses",
        {
            "_id": course_id(number),
            "slug": slug(number),
            "title": _text(chance, 4).title(),
            "summary": _text(chance, 15),
            "description": _text(chance, 60),
            "categorySlug": CATEGORIES[number % len(CATEGORIES)],
            "level": chance.choice(_LEVELS),
            "deliveryModes": chance.choice(_MODES),
            "durationDays": chance.randint(1, 200),
            "price": {"amountMinor": chance.randint(10, 2_000) * 100, "currency": "EUR"},
            "createdAt": _moment(chance),
        },
    )


def _student(chance: random.Random, number: int) -> Document:
    return complete(
        "students",
        {
            "_id": _id("student", number),
            "name": _text(chance, 2).title(),
            "country": chance.choice(_COUNTRIES),
            "joinedAt": _moment(chance),
        },
    )


def _review(chance: random.Random, number: int) -> Document:
    """A review. Each course has LEAST_REVIEWS; the other reviews are skewed towards a few courses."""
    is_of_each = number < COURSES * LEAST_REVIEWS
    course = number % COURSES if is_of_each else int(COURSES * chance.random() ** 2)
    return complete(
        "reviews",
        {
            "_id": _id("review", number),
            "courseId": course_id(course),
            "studentId": _id("student", chance.randrange(STUDENTS)),
            "rating": min(5, chance.randint(1, 7)),
            "title": _text(chance, 4),
            "body": _text(chance, 40),
            "createdAt": _moment(chance),
            "externalId": {"source": "benchmark", "id": str(number)},
        },
    )


def _text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=words))


def _moment(chance: random.Random) -> datetime:
    return _START + timedelta(minutes=chance.randrange(_MINUTES))
