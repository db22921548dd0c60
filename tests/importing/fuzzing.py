"""Imports damaged copies of real files: `python -m tests.importing.fuzzing --files 2000`.

No file may end in anything but a closing table or a message, no row may vanish, and memory stays bounded.
"""

import argparse
import csv
import gzip
import io
import json
import os
import random
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from pymongo import MongoClient

from app import embedded
from app.commands.command_error import CommandError
from tests.importing.shell import Shell, closing

DATA = Path(__file__).parents[3] / "shared" / "data"
MOST_MEMORY = 250  # MB
_FILES_PER_PROCESS = 10
_LINES = 200  # of each real file

#: Real files, and the collections that they are imported into.
FILES = {
    "institute/courses.csv": "courses",
    "omscentral2018/courses.ndjson": "courses",
    "omscentral2018/students.ndjson": "students",
    "omscentral2018/reviews.ndjson": "reviews",
    "oulad/courses.csv": "courses",
    "oulad/studentRegistration.csv": "students",
}


@dataclass
class Damaged:
    """A damaged file. rows: how many rows it has, with blank ones; None if that can't be said."""

    kind: str
    content: bytes
    rows: int | None


def damaged(content: bytes, *, is_csv: bool, dice: random.Random) -> Damaged:
    """Returns a damaged copy of a file, in one of the ways below or in two of them."""
    ways = [*_ANY, *(_CSV if is_csv else _JSON)]
    way = dice.choice(ways)
    result = way(content, dice)
    if dice.random() < 0.3:
        again = dice.choice(_ANY)(result, dice)
        return Damaged(f"{way.__name__[1:]}, {dice.choice(_ANY).__name__[1:]}", again, None)
    return Damaged(way.__name__[1:], result, _ROWS[way](content, is_csv) if way in _ROWS else None)


def _cut(content: bytes, dice: random.Random) -> bytes:
    return content[: dice.randrange(len(content))]


def _doubled(content: bytes, dice: random.Random) -> bytes:
    return content + content


def _random_bytes(content: bytes, dice: random.Random) -> bytes:
    result = bytearray(content)
    for _ in range(dice.randrange(1, 40)):
        result[dice.randrange(len(result))] = dice.randrange(256)
    return bytes(result)


def _inserted(content: bytes, dice: random.Random) -> bytes:
    """Inserts what makes trouble at a random place."""
    place = dice.randrange(len(content))
    trouble = dice.choice(
        [b'"', b"\\", b"\0" * 50, b"\r", b"\n\n\n", b"\x1b[2J", b"\xff\xfe", b"{" * 5_000, b"x" * 3_000_000]
    )
    return content[:place] + trouble + content[place:]


def _other_encoding(content: bytes, dice: random.Random) -> bytes:
    encoding = dice.choice(["utf-16", "utf-8-sig", "cp1252", "cp1251", "cp932", "gb18030", "mac-roman"])
    return content.decode("utf-8", "replace").encode(encoding, "replace")


def _other_line_ends(content: bytes, dice: random.Random) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _packed(content: bytes, dice: random.Random) -> bytes:
    return gzip.compress(content)


def _packed_and_cut(content: bytes, dice: random.Random) -> bytes:
    packed = gzip.compress(content)
    return packed[: dice.randrange(2, len(packed))]


def _other_quoting(content: bytes, dice: random.Random) -> bytes:
    return _written(content, quoting=csv.QUOTE_ALL)


def _other_delimiter(content: bytes, dice: random.Random) -> bytes:
    return _written(content, delimiter=dice.choice(";\t|"))


def _blank_rows(content: bytes, dice: random.Random) -> bytes:
    first, *lines = content.decode("utf-8", "replace").splitlines(keepends=True)
    blank = "," * (len(next(csv.reader([first]))) - 1) + "\n"
    for _ in range(7):
        lines.insert(dice.randrange(len(lines)), blank)
    return (first + "".join(lines)).encode()


def _an_array(content: bytes, dice: random.Random) -> bytes:
    return json.dumps(
        [json.loads(line) for line in content.splitlines()], indent=dice.choice([None, 1])
    ).encode()


def _within_an_object(content: bytes, dice: random.Random) -> bytes:
    rows = [json.loads(line) for line in content.splitlines()]
    return json.dumps(
        {"meta": {"count": len(rows)}, "data": {"rows": rows}}, indent=dice.choice([None, 1])
    ).encode()


def _written(content: bytes, *, delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    buffer = io.StringIO()
    rows = csv.reader(io.StringIO(content.decode("utf-8", "replace"), newline=""))
    csv.writer(buffer, delimiter=delimiter, quoting=quoting).writerows(rows)  # type: ignore[arg-type]  # an int
    return buffer.getvalue().encode()


_Way = Callable[[bytes, random.Random], bytes]
_ANY: Sequence[_Way] = (
    _cut, _doubled, _random_bytes, _inserted, _other_encoding, _other_line_ends, _packed, _packed_and_cut,
)  # fmt: skip
_CSV: Sequence[_Way] = (_other_quoting, _other_delimiter, _blank_rows)
_JSON: Sequence[_Way] = (_an_array, _within_an_object)


def _as_before(content: bytes, is_csv: bool) -> int:
    if not is_csv:
        return len(content.splitlines())
    return len(list(csv.reader(io.StringIO(content.decode("utf-8", "replace"), newline="")))) - 1


#: How many rows a damaged file has, from its original, for the ways that keep them.
_ROWS: dict[_Way, Callable[[bytes, bool], int]] = dict.fromkeys(
    (_other_line_ends, _packed, _other_quoting, _other_delimiter, _an_array, _within_an_object), _as_before
) | {
    _doubled: lambda content, is_csv: 2 * _as_before(content, is_csv) + is_csv,
    _blank_rows: lambda content, is_csv: _as_before(content, is_csv) + 7,
}


def real_files() -> list[tuple[str, bytes, str]]:
    """Returns the beginnings of the real files: name, content and collection."""
    files = []
    for name, collection in FILES.items():
        lines = (DATA / name).read_bytes().splitlines(keepends=True)
        files.append((name, b"".join(lines[:_LINES]), collection))
    return files


def complaint(shell: Shell, file: Damaged, collection: str, *, write: bool) -> str | None:
    """Imports a damaged file. Returns what is wrong with what happened, or None."""
    path = shell.write("damaged", file.content)
    result = shell.run("import", collection, path, "--source", "s", *([] if write else ["--dry-run"]))
    if result.exception and not isinstance(result.exception, CommandError):
        return f"{type(result.exception).__name__}: {result.exception}"
    if any(character in result.output for character in "\x1b\0"):
        return "control characters in the output"
    if result.exception or file.rows is None:
        return None
    counts = closing(result.stdout)
    found = counts["read"] + counts.get("blank", 0)
    return None if found == file.rows else f"{file.rows} rows are there, {found} were read"


class Tried(NamedTuple):
    """What became of one damaged file. memory: the most that the process had until then, in MB."""

    seed: int
    name: str
    kind: str
    complaint: str | None
    memory: int


def tried(uri: str, directory: str, seed: int) -> Tried:
    """Imports one damaged file into a database of this process."""
    os.environ |= {"LECTERN_MONGODB_URI": uri, "LECTERN_MONGODB_DATABASE": f"fuzzing_{os.getpid()}"}
    own = Path(directory) / str(os.getpid())
    own.mkdir(exist_ok=True)
    dice = random.Random(seed)
    name, content, collection = dice.choice(real_files())
    file = damaged(content, is_csv=name.endswith(".csv"), dice=dice)
    with MongoClient[dict[str, object]](uri) as client:
        shell = Shell(client[os.environ["LECTERN_MONGODB_DATABASE"]], own)
        wrong = complaint(shell, file, collection, write=dice.random() < 0.3)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Tried(seed, name, file.kind, wrong, memory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.files)
    with (
        tempfile.TemporaryDirectory() as directory,
        embedded.running(Path(directory) / "mongod") as uri,
        get_context("spawn").Pool(maxtasksperchild=_FILES_PER_PROCESS) as pool,
    ):
        results = list(pool.imap(partial(tried, uri, directory), seeds))
    kinds = Counter(result.kind.split(",")[0] for result in results)
    complaints = [result for result in results if result.complaint]
    for result in complaints:
        print(f"seed {result.seed}, {result.name}, {result.kind}: {result.complaint}")
    memory = max(result.memory for result in results)
    print(f"{len(results):,} files, {len(complaints)} complaints, at most {memory} MB")
    print(", ".join(f"{kind}: {count}" for kind, count in sorted(kinds.items())))
    sys.exit(bool(complaints) or memory > MOST_MEMORY)


if __name__ == "__main__":
    main()
