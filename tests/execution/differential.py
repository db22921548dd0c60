"""Runs many generated operations on both engines, over all available data: `make differential`.

With `--prices`, compares each operation with its price instead: `make prices`.
"""

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

import hypothesis
from hypothesis import HealthCheck, Phase, given

from app import embedded
from app.database import connect
from tests.execution import sites
from tests.execution.comparison import Tally, compare
from tests.execution.operations import Question, questions
from tests.execution.price_check import check_counted
from tests.execution.site import survey

PER_CHUNK = 500  # operations


class Chunk(NamedTuple):
    """Some operations on one database. Equal chunks generate equal operations."""

    uri: str
    site: str
    seed: int
    shrink: bool
    prices: bool


class Outcome(NamedTuple):
    chunk: Chunk
    tally: Tally
    failure: str | None


def main() -> int:
    """Returns 0 if every operation passes."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as directory, embedded.running(Path(directory) / "mongod") as uri:
        names = _fill(uri, arguments.seed, Path(directory))
        with ProcessPoolExecutor(arguments.processes, multiprocessing.get_context("spawn")) as pool:
            return _run(pool, uri, names, arguments)


def run(chunk: Chunk) -> Outcome:
    """Compares the engines, or the prices, on one chunk, in this process."""
    tally = Tally()
    try:
        with asyncio.Runner() as runner:
            _compare(runner, chunk, tally)
    except Exception:
        return Outcome(chunk, tally, traceback.format_exc())
    return Outcome(chunk, tally, None)


def _compare(runner: asyncio.Runner, chunk: Chunk, tally: Tally) -> None:
    connection = connect(sites.settings(chunk.uri, chunk.site))
    database = runner.run(connection.__aenter__())
    site = runner.run(survey(chunk.site, database))

    @hypothesis.seed(chunk.seed)
    @hypothesis.settings(
        max_examples=PER_CHUNK,
        deadline=None,
        database=None,
        phases=[Phase.generate, *([Phase.shrink] if chunk.shrink else [])],
        suppress_health_check=list(HealthCheck),
    )
    @given(questions(site))
    def check(question: Question) -> None:
        runner.run((check_counted if chunk.prices else compare)(site, question, tally))

    try:
        check()
    finally:
        runner.run(connection.__aexit__(None, None, None))


def _fill(uri: str, seed: int, directory: Path) -> list[str]:
    async def make(name: str) -> None:
        async with connect(sites.settings(uri, name)) as database:
            await sites.fill(name, database, seed)

    for name in sites.available():
        if name in sites.MADE:
            asyncio.run(make(name))
        else:
            sites.import_real(name, uri, name, directory)
    return list(sites.available())


def _run(pool: ProcessPoolExecutor, uri: str, names: list[str], arguments: argparse.Namespace) -> int:
    total, failures, start = Tally(), 0, time.monotonic()
    chunks = _chunks(uri, names, arguments)
    running: set[Future[Outcome]] = {pool.submit(run, next(chunks)) for _ in range(arguments.processes)}
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for outcome in (future.result() for future in done):
            total.add(outcome.tally)
            if outcome.failure:
                failures += 1
                print(f"\n{outcome.failure}\nabove: {outcome.chunk.site}, seed {outcome.chunk.seed}")
        print(f"\r{len(total.asked):,} operations", end="", file=sys.stderr, flush=True)
        if len(total.asked) < arguments.operations and failures < arguments.failures:
            running |= {pool.submit(run, next(chunks)) for _ in done}
    _report(total, failures, time.monotonic() - start)
    return 1 if failures else 0


def _chunks(uri: str, names: list[str], arguments: argparse.Namespace) -> Iterator[Chunk]:
    """The chunks of a run. Half of them use the database with holes."""
    seed = arguments.seed
    turns = [turn for name in names if name != "holed" for turn in (name, "holed")]
    while True:
        for name in turns:
            yield Chunk(uri, name, seed, arguments.shrink, arguments.prices)
            seed += 1


def _report(total: Tally, failures: int, seconds: float) -> None:
    print(
        f"\n{len(total.asked):,} different operations in {seconds / 60:.1f} minutes; {failures} chunks failed"
    )
    for name, count in total.counts.most_common():
        print(f"  {name:<24} {count:>8,}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.execution.differential", description=__doc__)
    parser.add_argument("--operations", type=int, default=20_000, help="different ones, at least")
    parser.add_argument("--seed", type=int, default=1, help="of the holes and of the first chunk")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--failures", type=int, default=5, help="stop at so many")
    parser.add_argument("--prices", action="store_true", help="compare operations with their prices")
    parser.add_argument("--shrink", action="store_true", help="make failures small: minutes for each")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
