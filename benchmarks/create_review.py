"""createReview through the gateway, compared with its bare transaction written by hand with PyMongo.

    python -m benchmarks.create_review [--reviews 300]

Both write reviews of the same generated courses, alternating in one run, each with an idempotency key, in one
transaction with majority write concern. The hand-written transaction reads and writes the same documents as
the gateway, which adds HTTP, the token, the reviewer's session, validation and the answer.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import orjson
from bson import ObjectId
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from app import embedded
from app.auth import SessionTokens
from app.database import connect
from app.settings import Settings
from benchmarks import report
from benchmarks.servers import ENGINES, LECTERN, SIGNED_WITH, Server, leave_a_core, started
from loaders.collections import complete
from loaders.indexes import ensure
from loaders.model import NEWEST, pack_ids, summarise
from loaders.mongo import Document, DriverObject, Value
from resolvers.context import Viewer
from resolvers.relay import encode_id

_COURSES = 10
_WARM_UP = 30
_BODY = "Clear, well paced, and the exercises are worth doing. " * 4
_QUERY = """
mutation Write($input: CreateReviewInput!) {
  createReview(input: $input) {
    review { id rating verified createdAt }
    course { id rating { average count } }
    errors { code message path }
  }
}"""

_Write = Callable[[ObjectId, ObjectId], None]  # writes a review of a course by a student


@dataclass(frozen=True)
class _Catalogue:
    """Courses, students who are enrolled in all of them, and a session that all students share."""

    courses: Sequence[ObjectId]
    students: Sequence[ObjectId]
    session_id: ObjectId


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reviews", type=int, default=300, help="of each kind")
    count = parser.parse_args().reviews
    leave_a_core()
    with (
        tempfile.TemporaryDirectory() as directory,
        embedded.running(Path(directory)) as uri,
        MongoClient[Document](uri) as client,
        started(LECTERN, *ENGINES[LECTERN], uri) as server,
    ):
        catalogue = asyncio.run(_fill(uri, 2 * (count + _WARM_UP)))
        writers: dict[str, _Write] = {
            "by hand": lambda course, student: _write_by_hand(client, course, student),
            LECTERN: lambda course, student: _mutate(server, catalogue.session_id, course, student),
        }
        times = _timed(writers, catalogue)
    _print(times)


async def _fill(uri: str, students: int) -> _Catalogue:
    now = datetime.now(UTC)
    courses = [_new("courses", slug=f"course-{n}", title=f"Course {n}") for n in range(_COURSES)]
    people = [_new("students", name=f"Student {n}") for n in range(students)]
    enrollments = [
        _new("enrollments", courseId=course["_id"], studentId=student["_id"], enrolledAt=now)
        for student in people
        for course in courses
    ]
    session_id = ObjectId()
    async with connect(Settings.model_validate({"mongodb_uri": SecretStr(uri)})) as database:
        await ensure(database)
        await database["courses"].insert_many(courses)
        await database["students"].insert_many(people)
        await database["enrollments"].insert_many(enrollments)
        await database["sessions"].insert_one(
            {"_id": session_id, "endedAt": None, "expiresAt": now + timedelta(days=1)}
        )
    return _Catalogue([c["_id"] for c in courses], [s["_id"] for s in people], session_id)


def _new(collection: str, **fields: Value) -> Document:
    return complete(collection, {"_id": ObjectId(), **fields})


def _timed(writers: Mapping[str, _Write], catalogue: _Catalogue) -> dict[str, list[float]]:
    """The milliseconds of each write, by writer; the writers alternate."""
    times: dict[str, list[float]] = {name: [] for name in writers}
    students = iter(catalogue.students)
    for number in range(len(catalogue.students) // len(writers)):
        for name, write in writers.items():
            student = next(students)
            start = time.perf_counter()
            write(catalogue.courses[number % _COURSES], student)
            if number >= _WARM_UP:
                times[name].append((time.perf_counter() - start) * 1000)
    return times


def _mutate(server: Server, session_id: ObjectId, course: ObjectId, student: ObjectId) -> None:
    """Writes a review through the gateway, with an access token made here instead of by signing in."""
    viewer = Viewer(frozenset({"STUDENT"}), student, None, str(student), session_id)
    token = SessionTokens(SIGNED_WITH.encode()).access(viewer).text
    review = {"courseId": encode_id("Course", {"_id": course}), "rating": 4, "body": _BODY}
    variables = {"input": {**review, "idempotencyKey": str(uuid4())}}
    signed = replace(server, headers={"authorization": f"Bearer {token}"})
    answer = signed.data(orjson.dumps({"query": _QUERY, "variables": variables}))
    assert not answer["createReview"]["errors"], answer


def _write_by_hand(client: "MongoClient[Document]", course_id: ObjectId, student_id: ObjectId) -> None:
    database: DriverObject = client["lectern"]
    with client.start_session() as session:
        session.with_transaction(
            lambda session: _transaction(database, session, course_id, student_id, str(uuid4())),
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern("majority"),
        )


def _transaction(
    database: DriverObject, session: DriverObject, course_id: ObjectId, student_id: ObjectId, key: str
) -> None:
    """What a careful developer would write: all aggregates stay correct, and a retry does no harm."""
    now, pair = datetime.now(UTC), {"studentId": student_id, "courseId": course_id}
    key_id = {"viewer": str(student_id), "key": key}
    if database["idempotencyKeys"].find_one({"_id": key_id}, session=session):
        return
    course = database["courses"].find_one({"_id": course_id, "status": "PUBLISHED"}, session=session)
    taken = {**pair, "status": {"$in": ["ACTIVE", "COMPLETED", "EXPIRED"]}}
    assert course is not None
    assert database["enrollments"].find_one(taken, session=session)
    assert not database["reviews"].find_one(pair, session=session)
    review = complete(
        "reviews",
        {
            **pair, "_id": ObjectId(), "rating": 4, "body": _BODY,
            "verified": True, "createdAt": now, "updatedAt": now,
        },
    )  # fmt: skip
    database["reviews"].insert_one(review, session=session)
    stars = [n + (stars == 4) for stars, n in enumerate(course["ratingStars"], 1)]
    rating = {**summarise(stars), "newestReviewIds": _newest(database, session, "courseId", course_id)}
    database["courses"].update_one({"_id": course_id}, {"$set": rating}, session=session)
    newest = {"newestReviewIds": _newest(database, session, "studentId", student_id)}
    database["students"].update_one({"_id": student_id}, {"$set": newest}, session=session)
    database["auditLog"].insert_one(
        {"at": now, "action": "createReview", "actor": str(student_id), "after": review}, session=session
    )
    database["idempotencyKeys"].insert_one(
        {"_id": key_id, "at": now, "answer": {"review": review, "course": {**course, **rating}}},
        session=session,
    )


def _newest(database: DriverObject, session: DriverObject, parent: str, key: ObjectId) -> bytes:
    query = {parent: key, "status": "PUBLISHED"}
    found = database["reviews"].find(query, {"_id": 1}, session=session)
    return pack_ids(row["_id"] for row in found.sort([("createdAt", -1), ("_id", 1)]).limit(NEWEST))


def _print(times: Mapping[str, Sequence[float]]) -> None:
    p50 = {name: statistics.median(ms) for name, ms in times.items()}
    rows = [
        (
            name,
            f"{p50[name]:.2f}",
            f"{sorted(ms)[int(len(ms) * 0.99)]:.2f}",
            f"{p50[name] / p50['by hand']:.2f}",
        )
        for name, ms in times.items()
    ]
    print(report.table(("createReview", "p50 ms", "p99 ms", "p50 to by hand"), rows))
    print(f"\nAll measured times are in {report.keep('create_review', times)}.")


if __name__ == "__main__":
    main()
