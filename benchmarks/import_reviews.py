"""Times `lectern import reviews` on 200,000 generated rows: rows per second, and whether memory stays flat.

    .venv/bin/python -m benchmarks.import_reviews [--rows 200000]

It runs a mongod of its own in a temporary directory, and imports courses and students first. Two files are
imported, one a quarter of the size of the other, so that a memory peak that grows with the file shows.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import orjson

from app import embedded

#: A row of an imported file.
Row: TypeAlias = dict[str, object]

COURSES, STUDENTS = 500, 20_000
LECTERN = [sys.executable, "-c", "from app.cli import main; main()"]
WORDS = [
    "the", "course", "was", "lectures", "projects", "clear", "slow", "hard", "useful", "weekly", "grading",
    "exam", "assignments", "team", "notes", "video", "I", "learned", "enjoyed", "finished", "expected",
    "recommend", "workload", "quiz", "forum", "instructor", "answers", "quickly", "late", "early",
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    rows = parser.parse_args().rows
    with (
        tempfile.TemporaryDirectory() as temporary,
        embedded.running(Path(temporary) / "mongod", cache_gb=1) as uri,
    ):
        directory = Path(temporary)
        for size in (rows // 4, rows):
            environment = {
                **os.environ,
                "LECTERN_MONGODB_URI": uri,
                "LECTERN_MONGODB_DATABASE": f"import_{size}",
            }
            for collection, generated in (("courses", courses()), ("students", students())):
                run(collection, write(directory / f"{collection}.ndjson", generated), environment)
            file = write(directory / "reviews.ndjson", reviews(size))
            first = run("reviews", file, environment)
            again = run("reviews", file, environment)
            print(f"{size:>9,} rows: {report(size, *first)}; again: {report(size, *again)}", flush=True)


def run(collection: str, file: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Imports a file in a separate process. Returns the process's seconds and its peak memory in MB."""
    began = time.perf_counter()
    output = os.open(os.devnull, os.O_WRONLY)
    argv = [*LECTERN, "import", collection, str(file), "--source", "benchmark"]
    actions = [(os.POSIX_SPAWN_DUP2, output, 1)]
    pid = os.posix_spawn(argv[0], argv, environment, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    os.close(output)
    if status:
        raise SystemExit(f"the import of {file} failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def report(rows: int, seconds: float, megabytes: float) -> str:
    return f"{rows / seconds:,.0f}/s ({seconds:.1f} s), peak {megabytes:.0f} MB"


def write(file: Path, rows: Iterator[Row]) -> Path:
    with file.open("wb") as output:
        output.writelines(orjson.dumps(row) + b"\n" for row in rows)
    return file


def courses() -> Iterator[Row]:
    return ({"id": f"c{n}", "title": f"Course {n}"} for n in range(COURSES))


def students() -> Iterator[Row]:
    return ({"id": f"s{n}", "name": f"Student {n}"} for n in range(STUDENTS))


def reviews(count: int) -> Iterator[Row]:
    chance = random.Random(7)
    for number in range(count):
        yield {
            "id": f"r{number}",
            "course": f"c{chance.randrange(COURSES)}",
            "student": f"s{chance.randrange(STUDENTS)}",
            "rating": chance.choice((1, 2, 3, 4, 5, "4", "5", "")),
            "text": " ".join(chance.choices(WORDS, k=chance.randint(10, 90))),
            "difficulty": chance.randint(1, 5),
            "workload": chance.randint(2, 30),
            "semester": f"{chance.randint(2014, 2024)}-{chance.randint(1, 3)}",
            "created": 1_400_000_000_000 + number * 1_000_000,
        }


if __name__ == "__main__":
    main()
