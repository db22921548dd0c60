"""Times archiveCourse and publishCourse, alternating between a course with few reviews and one with many.

python -m benchmarks.archive_course
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bson import ObjectId
from pydantic import SecretStr

from app import embedded
from app.auth import SessionTokens
from app.database import connect
from app.execution import Executor, Operation, Prepared
from app.observing import Record
from app.request import Request, Services
from app.settings import Settings
from benchmarks import report
from loaders.collections import complete
from loaders.indexes import ensure
from loaders.mongo import Database, Document
from resolvers.context import Viewer
from resolvers.cursors import Cursors
from resolvers.relay import encode_id
from resolvers.schema import schema

_SIZES = (100, 100_000)
_ROUNDS = 8
_SECRET = b"only for benchmarks, so not a secret"
_STAFF = Viewer(frozenset({"STAFF"}), subject="staff")
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, embedded.running(Path(directory)) as uri:
        settings = Settings.model_validate({"mongodb_uri": SecretStr(uri), "mongodb_database": "archive"})
        asyncio.run(_compare(settings))


async def _compare(settings: Settings) -> None:
    async with connect(settings) as database:
        await ensure(database)
        courses = {size: await _course(database, size) for size in _SIZES}
        times: dict[int, list[float]] = {size: [] for size in _SIZES}
        for _ in range(_ROUNDS):
            for size, course in courses.items():
                for name in ("archiveCourse", "publishCourse"):
                    times[size].append(await _timed(database, name, course))
    rows = [[f"{size:,}", f"{statistics.median(ms):.1f}", f"{max(ms):.1f}"] for size, ms in times.items()]
    print(report.table(["reviews", "median ms", "longest ms"], rows))


async def _course(database: Database, size: int) -> Document:
    """Inserts a course with `size` reviews."""
    fields = {"title": f"With {size}", "slug": f"with-{size}", "summary": "S", "deliveryModes": ["ONLINE"]}
    course = {"_id": ObjectId(), **complete("courses", fields)}
    await database["courses"].insert_one(course)
    reviews = list(_reviews(course, size))
    for start in range(0, size, 10_000):
        await database["reviews"].insert_many(reviews[start : start + 10_000])
    return course


def _reviews(course: Document, size: int) -> Iterator[Document]:
    for number in range(size):
        fields = {"courseId": course["_id"], "studentId": ObjectId(), "rating": number % 5 + 1}
        yield complete("reviews", {**fields, "createdAt": _BEGAN + timedelta(minutes=number)})


async def _timed(database: Database, name: str, course: Document) -> float:
    """The milliseconds that a mutation takes, without HTTP."""
    executor = Executor(schema)
    type_name = f"{name[0].upper()}{name[1:]}Input!"
    text = f"mutation($input: {type_name}) {{ it: {name}(input: $input) {{ errors {{ message }} }} }}"
    prepared = executor.prepare(Operation(text, {"input": {"courseId": encode_id("Course", course)}}))
    assert isinstance(prepared, Prepared), prepared
    services = Services(lambda: database, Cursors(_SECRET), SessionTokens(_SECRET))
    began = time.perf_counter()
    answer = await executor.run(prepared, Request(services, Record(datetime.now(UTC)), _STAFF))
    took = time.perf_counter() - began
    assert answer.payload["data"]["it"]["errors"] == []
    return took * 1000


if __name__ == "__main__":
    main()
