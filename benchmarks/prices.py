"""The cost of the most expensive operations: their price against the CPU time and event-loop time they take.

    python -m benchmarks.prices

It runs on the sample data, in this process: the CPU time includes the driver's threads, but not MongoDB. A
unit of price stands for about 10 µs, so no operation should take more than 10 µs per unit. `held` is the most
CPU time for which the event loop was blocked. The numbers are minima of three runs, since the machine may do
other things meanwhile.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from graphql import get_introspection_query
from pydantic import SecretStr

from app import embedded
from app.auth import SessionTokens
from app.database import connect
from app.execution import Executor, Operation, Prepared
from app.observing import Record
from app.request import Request, Services
from app.sample import load_sample
from app.settings import Settings
from benchmarks import report
from loaders import indexes
from loaders.mongo import Database
from resolvers.cursors import Cursors
from resolvers.schema import schema

_SECRET = b"only for benchmarks, so not a secret"
_RUNS = 3


def _repeated(text: str, count: int) -> str:
    return " ".join(text.replace("#", str(number)) for number in range(count))


def _lists(selection: str, count: int) -> str:
    """An operation with `count` different lists of 100 courses."""
    listed = f"a#: courses(first: 100, filter: {{ minRating: 0.# }}) {{ {selection} }}"
    return f"{{ {_repeated(listed, count)} }}"


def _of_each(selection: str) -> str:
    """An operation that selects fields of 100 courses."""
    return f"{{ courses(first: 100) {{ nodes {{ {selection} }} }} }}"


_RATED = "filter: { ratings: [5, 4, 3, 2, 1, #] }"

OPERATIONS: Mapping[str, str] = {
    "1,000 courses with 20 reviews each": _lists(
        "nodes { id slug title reviews(first: 20) { nodes { id rating title createdAt } } }", 10
    ),
    "3 pages of 100 reviews for 100 courses": _of_each(
        _repeated(f"a#: reviews(first: 100, {_RATED}) {{ nodes {{ id }} }}", 3)
    ),
    "10 pages of 10 long reviews and their students": _of_each(
        _repeated(f"a#: reviews(first: 10, {_RATED}) {{ nodes {{ body title student {{ name }} }} }}", 10)
    ),
    "70 empty pages for 100 courses": _of_each(
        _repeated(f"a#: reviews(first: 0, {_RATED}) {{ nodes {{ id }} }}", 70)
    ),
    "students' reviews of reviews' students": _of_each(
        "reviews(first: 8) { nodes { student { reviews(first: 20) { nodes { course { title } } } } } }"
    ),
    "49 lists, each searched and counted": "{ "
    + _repeated('a#: courses(first: 100, filter: {search: "the mongo # a"}) { totalCount nodes { id } }', 49)
    + " }",
    "50 lists of 100 cursors": _lists("edges { cursor }", 50),
    "50 cursors for 1,000 places": f"fragment C on CourseEdge {{ {_repeated('a#: cursor', 50)} }} "
    + _lists("edges { ...C }", 10),
    "introspection": get_introspection_query(),
    "100 names of each type": f"{{ __schema {{ types {{ {_repeated('a#: name', 100)} }} }} }}",
    "a page beside introspection": "{ __schema { queryType { name } } courses { nodes { id "
    "reviews(first: 5) { nodes { rating student { name } } } } } }",
}


class Usage(NamedTuple):
    """The CPU seconds of a run. held: the most for which the event loop was blocked at a stretch."""

    cpu: float
    held: float


async def main() -> None:
    async with _sample() as database:
        rows = [await _row(name, text, database) for name, text in OPERATIONS.items()]
    print(report.table(["operation", "price", "CPU ms", "µs for each of it", "held ms"], rows))


async def _row(name: str, text: str, database: Database) -> tuple[object, ...]:
    executor = Executor(schema, max_response_bytes=100_000_000)
    prepared = executor.prepare(Operation(text))
    assert isinstance(prepared, Prepared), (name, prepared)
    runs = [await _measure(executor, prepared, database) for _ in range(_RUNS)]
    cpu, price = min(run.cpu for run in runs), prepared.cost.price
    held = min(run.held for run in runs)
    return name, f"{price:,}", f"{cpu * 1e3:.0f}", f"{cpu * 1e6 / price:.1f}", f"{held * 1e3:.0f}"


async def _measure(executor: Executor, prepared: Prepared, database: Database) -> Usage:
    gaps: list[float] = []
    watching = asyncio.create_task(_watch(gaps))
    await asyncio.sleep(0.01)
    services = Services(lambda: database, Cursors(_SECRET), SessionTokens(_SECRET))
    start = time.process_time()
    await executor.run(prepared, Request(services, Record(datetime.now(UTC))))
    cpu = time.process_time() - start
    await asyncio.sleep(0.01)  # so that the last gap is recorded
    watching.cancel()
    return Usage(cpu, max(gaps, default=0.0))


async def _watch(gaps: list[float]) -> None:
    """Records the CPU time between wake-ups of the event loop; real time would include other processes."""
    while True:
        start = time.process_time()
        await asyncio.sleep(0.001)
        gaps.append(time.process_time() - start)


@asynccontextmanager
async def _sample() -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory() as directory, embedded.running(Path(directory) / "mongod") as uri:
        settings = Settings(mongodb_uri=SecretStr(uri), mongodb_database="prices")
        async with connect(settings, tz_aware=False) as database:
            await indexes.ensure(database)
            await load_sample(database)
            yield database


if __name__ == "__main__":
    asyncio.run(main())
