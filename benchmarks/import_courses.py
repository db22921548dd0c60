"""Times `lectern import courses` on courses with long texts, here and in another checkout.

    python -m benchmarks.import_courses --against ../base [--rows 4000] [--words 300] [--turns 3]

Both checkouts import the same generated file, each with the `lectern` of its own `.venv`, into one mongod. In
each turn both import into a new database, and they alternate in going first. It prints the courses per
second, the size of the search index, and the median of the ratios within a turn.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from pymongo import MongoClient
from pymongo.database import Database

from app import embedded
from benchmarks import report, wordy_courses
from benchmarks.servers import with_settings

_HERE = Path(__file__).parents[1]
_LECTERN = ["-c", "from app.cli import main; main()"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--against", type=Path, required=True, help="the other checkout, after its `make setup`"
    )
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--words", type=int, default=300, help="in each description")
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    checkouts = {"there": arguments.against.absolute(), "here": _HERE}
    with (
        tempfile.TemporaryDirectory() as temporary,
        embedded.running(Path(temporary) / "db", cache_gb=1) as uri,
    ):
        file = Path(temporary) / "courses.ndjson"
        rows = wordy_courses.courses(arguments.rows, arguments.words)
        file.write_bytes(b"\n".join(map(orjson.dumps, rows)))
        turns = [_turn(checkouts, file, uri, turn) for turn in range(arguments.turns)]
    seconds = {name: statistics.median(turn[name][0] for turn in turns) for name in checkouts}
    ratio = statistics.median(turn["there"][0] / turn["here"][0] for turn in turns)
    print(f"{arguments.rows:,} courses with {arguments.words} words in each description; medians\n")
    table = [
        [name, f"{arguments.rows / seconds[name]:,.0f}", f"{turns[0][name][1]:.0f}"] for name in checkouts
    ]
    print(report.table(("", "courses/s", "MB of the search index"), table))
    print(f"\n{ratio:.1f} times as fast as there")


def _turn(checkouts: Mapping[str, Path], file: Path, uri: str, turn: int) -> dict[str, tuple[float, float]]:
    """The seconds of an import and the megabytes of the search index, by checkout."""
    measured = {}
    for name in list(checkouts)[:: 1 if turn % 2 else -1]:
        database = f"{name}_{turn}"
        seconds = _import(checkouts[name], file, uri, database)
        client: MongoClient[dict[str, Any]] = MongoClient(uri)
        measured[name] = seconds, _index_size(client[database])
        client.drop_database(database)
    return measured


def _import(checkout: Path, file: Path, uri: str, database: str) -> float:
    python = checkout / ".venv/bin/python"
    if not python.exists():
        raise SystemExit(f"{checkout} has no .venv/bin/python: run `make setup` there.")
    began = time.perf_counter()
    subprocess.run(
        [str(python), *_LECTERN, "import", "courses", str(file), "--source", "benchmark"],
        cwd=checkout,
        env=with_settings({"MONGODB_URI": uri, "MONGODB_DATABASE": database}),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - began


def _index_size(database: Database[dict[str, Any]]) -> float:
    sizes: dict[str, int] = database.command("collStats", "courses")["indexSizes"]
    return sum(size for name, size in sizes.items() if name.startswith("search")) / 1e6


if __name__ == "__main__":
    main()
