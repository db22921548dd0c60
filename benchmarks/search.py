"""Measures search on generated courses: the index's size, and the time and commands of searches.

    .venv/bin/python -m benchmarks.search [--courses 100000] [--words 150] [--rounds 15]

It runs a mongod of its own in a temporary directory. Commands are counted by the driver. The last letters of
words are swapped to make slips.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from pydantic import SecretStr
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app import embedded
from app.auth.session_tokens import SessionTokens
from app.database import connect
from app.observing import Record
from app.request import Request, Services
from app.settings import Settings
from benchmarks import report
from benchmarks.wordy_courses import Row, courses, vocabulary
from loaders import indexes
from loaders.collections import complete
from loaders.mongo import Database, Document
from loaders.reading import WHOLE
from resolvers.context import PUBLIC
from resolvers.course_search import course_connections
from resolvers.cursors import Cursors
from resolvers.inputs import CourseFilter
from resolvers.relay import Slice, total_count

_BATCH = 1_000
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Commands(CommandListener):
    """Counts commands."""

    sent = 0

    def started(self, event: CommandStartedEvent) -> None:
        self.sent += 1

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--courses", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=150, help="in each description")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as temporary,
        embedded.running(Path(temporary) / "db", cache_gb=1) as uri,
    ):
        asyncio.run(_measure(uri, arguments.courses, arguments.words, arguments.rounds))


async def _measure(uri: str, count: int, words: int, rounds: int) -> None:
    commands = Commands()
    async with connect(Settings(mongodb_uri=SecretStr(uri)), commands) as database:
        await _fill(database, count, words)
        stats = await database.driver.command("collStats", "courses")
        size = next(size for name, size in stats["indexSizes"].items() if name.startswith("searchTerms"))
        print(f"{count:,} courses; the index of the search terms has {size / 1e6:.0f} MB\n")
        rows = [await _row(database, commands, name, text, rounds) for name, text in _searches()]
    print(report.table(("search", "finds", "ms (p50)", "ms (most)", "commands"), rows))


async def _fill(database: Database, count: int, words: int) -> None:
    """Inserts the courses, and creates the indexes afterwards, which is faster."""
    rows = courses(count, words)
    while batch := [_document(row) for row in islice(rows, _BATCH)]:
        await database["courses"].insert_many(batch, ordered=False)
    await indexes.ensure(database)


def _document(row: Row) -> Document:
    fields = {name: row[name] for name in ("title", "summary", "description", "tags", "codes")}
    return complete("courses", {**fields, "slug": row["id"]})


def _searches() -> Iterator[tuple[str, str]]:
    long = [word for word in vocabulary() if len(word) > 6]
    frequent, medium, rare = long[0], long[300], long[9_000]
    yield "a frequent word", frequent
    yield "a medium word", medium
    yield "a rare word", rare
    yield "two words", f"{frequent} {medium}"
    yield "the beginning of a word", medium[:4]
    yield "two Han characters", "丈丙"
    yield "a code", "AS-77"
    yield "a slip in a frequent word", _slip(frequent)
    yield "a slip in a rare word", _slip(rare)
    yield "three slips", " ".join(map(_slip, (frequent, medium, rare)))
    yield "nothing near", "zzzzqqxx"
    yield "20 unknown words", " ".join(f"qqzzqqz{letter}" for letter in "abcdefghijklmnopqrst")


def _slip(word: str) -> str:
    return word[:2] + word[3] + word[2] + word[4:]


async def _row(database: Database, commands: Commands, name: str, text: str, rounds: int) -> list[object]:
    times = []
    for _ in range(rounds):
        services = Services(lambda: database, Cursors(b""), SessionTokens(b""))
        context = Request(services, Record(_NOW), PUBLIC).context()
        before, began = commands.sent, time.perf_counter()
        (found,) = await course_connections(
            context, CourseFilter(search=text), None, [WHOLE], Slice(20, None, None, None)
        )
        times.append((time.perf_counter() - began) * 1e3)
        sent = commands.sent - before
    (total,) = await total_count([found], context)
    return [name, f"{total:,}", f"{statistics.median(times):.1f}", f"{max(times):.1f}", sent]


if __name__ == "__main__":
    main()
