"""createReview through the gateway, beside its bare transaction written by hand with PyMongo, in one run.

    python -m benchmarks.create_review [--reviews 300]

Both write reviews of the same generated courses in turn, one after the other, with an idempotency key, in one
transaction with majority write concern: by hand the same is looked up and written as by the gateway, where
HTTP, the token, the reviewer's session, validation and the answer come on top.
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
from typing import Any
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

_Database = Any  # PyMongo's, whose types say little of documents
_Write = Callable[[ObjectId, ObjectId], None]  # of a course by a student


@dataclass(frozen=True)
class _World:
    """Courses, and students who are enrolled in all of them and have a session."""

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
        MongoClient[dict[str, Any]](uri) as client,
        started(LECTERN, *ENGINES[LECTERN], uri) as server,
    ):
        world = asyncio.run(_world(uri, 2 * (count + _WARM_UP)))
        ways: dict[str, _Write] = {
            "by hand": lambda course, student: _by_hand(client, course, student),
            LECTERN: lambda course, student: _asked(server, world.session_id, course, student),
        }
        times = _timed(ways, world)
    _tell(times)


async def _world(uri: str, students: int) -> _World:
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
    return _World([c["_id"] for c in courses], [s["_id"] for s in people], session_id)


def _new(collection: str, **fields: Any) -> dict[str, Any]:
    return complete(collection, {"_id": ObjectId(), **fields})


def _timed(ways: Mapping[str, _Write], world: _World) -> dict[str, list[float]]:
    """Milliseconds of each write, each way in turn."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    students = iter(world.students)
    for number in range(len(world.students) // len(ways)):
        for name, write in ways.items():
            student = next(students)
            start = time.perf_counter()
            write(world.courses[number % _COURSES], student)
            if number >= _WARM_UP:
                times[name].append((time.perf_counter() - start) * 1000)
    return times


def _asked(server: Server, session_id: ObjectId, course: ObjectId, student: ObjectId) -> None:
    """Through the gateway. Its token is made here, as signing in did before."""
    viewer = Viewer(frozenset({"STUDENT"}), student, None, str(student), session_id)
    token = SessionTokens(SIGNED_WITH.encode()).access(viewer).text
    written = {"courseId": encode_id("Course", {"_id": course}), "rating": 4, "body": _BODY}
    variables = {"input": {**written, "idempotencyKey": str(uuid4())}}
    signed = replace(server, headers={"authorization": f"Bearer {token}"})
    answer = signed.data(orjson.dumps({"query": _QUERY, "variables": variables}))
    assert not answer["createReview"]["errors"], answer


def _by_hand(client: "MongoClient[dict[str, Any]]", course_id: ObjectId, student_id: ObjectId) -> None:
    database: _Database = client["lectern"]
    with client.start_session() as session:
        session.with_transaction(
            lambda session: _transaction(database, session, course_id, student_id, str(uuid4())),
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern("majority"),
        )


def _transaction(
    database: _Database, session: Any, course_id: ObjectId, student_id: ObjectId, key: str
) -> None:
    """What a careful developer writes: nothing is shown that isn't true, and a repetition does no harm."""
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
    carried = {"newestReviewIds": _newest(database, session, "studentId", student_id)}
    database["students"].update_one({"_id": student_id}, {"$set": carried}, session=session)
    database["auditLog"].insert_one(
        {"at": now, "action": "createReview", "actor": str(student_id), "after": review}, session=session
    )
    database["idempotencyKeys"].insert_one(
        {"_id": key_id, "at": now, "answer": {"review": review, "course": {**course, **rating}}},
        session=session,
    )


def _newest(database: _Database, session: Any, parent: str, key: ObjectId) -> bytes:
    query = {parent: key, "status": "PUBLISHED"}
    found = database["reviews"].find(query, {"_id": 1}, session=session)
    return pack_ids(row["_id"] for row in found.sort([("createdAt", -1), ("_id", 1)]).limit(NEWEST))


def _tell(times: Mapping[str, Sequence[float]]) -> None:
    p50 = {name: statistics.median(own) for name, own in times.items()}
    rows = [
        (
            name,
            f"{p50[name]:.2f}",
            f"{sorted(own)[int(len(own) * 0.99)]:.2f}",
            f"{p50[name] / p50['by hand']:.2f}",
        )
        for name, own in times.items()
    ]
    print(report.table(("createReview", "p50 ms", "p99 ms", "p50 to by hand"), rows))
    print(f"\nEvery time is in {report.keep('create_review', times)}.")


if __name__ == "__main__":
    main()
