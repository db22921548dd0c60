"""How a flood of heavy reads affects their own goodput, a small query at the same time, and writes.

    python -m benchmarks.overload [--seconds 8] [--connections 20 50 100 300] [--many 2000]

A heavy read has an answer of 1 MB. A small query, a course's title, is sent by one more client all the time,
at most 20 times a second. The last two floods have many clients: first clients that obey `Retry-After`, then
clients that retry at once. Then `signUp` and `enroll` are timed, alone and during a flood. The server has one
core; mongod and the clients have the others, if there are any. Five seconds after the clients of a row have
left, the benchmark measures what is still running: the server's CPU in the following second, and the
operations in $currentOp.

Goodput is compared with that at 5 connections right before and after, because machines drift, and a new
process is faster.
"""

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import uuid4

import orjson
from bson import ObjectId
from pymongo import MongoClient

from benchmarks import data, report
from benchmarks.flood import Outcome, flooding
from benchmarks.report import Json
from benchmarks.servers import ENGINES, LECTERN, Server, leave_a_core, started
from loaders.mongo import Document
from resolvers.relay import encode_id

HEAVY = """{ courses(first: 100) { nodes {
  id title reviews(first: 100) { nodes { id rating title createdAt student { id name country } } }
} } }"""
SMALL = "{ courses(first: 1) { nodes { title } } }"
_SIGN_UP = """mutation ($input: SignUpInput!) {
  signUp(input: $input) { accessToken errors { code message } } }"""
_ENROLL = """mutation ($input: EnrollInput!) {
  enroll(input: $input) { enrollment { id } errors { code message } } }"""

_FEW = 5  # connections of the baseline
_PAUSE = "0.05"  # seconds between two small queries
_AT_ONCE = 50  # heavy connections during the writes
_LEFT = 5.0  # seconds from when the clients leave to the look at what is still running
_HEAD = (
    "heavy connections", "heavy/s", "small p50 ms", "small p95 ms", "CPU", "RSS MB", "503 with Retry-After",
    "503 without", "other failures", "small refused", "CPU afterwards", "operations afterwards",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """The measurements of one flood.

    load: the share of a core that the server uses during the flood. cpu_afterwards: the share after the
    clients have left; running_afterwards: the number of MongoDB operations then.
    """

    name: str
    heavy: Outcome
    small: Outcome
    load: float
    resident: float
    cpu_afterwards: float
    running_afterwards: int


class _Flood(NamedTuple):
    name: str
    connections: int
    seconds: float
    options: Sequence[str] = ()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="for each row")
    parser.add_argument("--connections", type=int, nargs="+", default=[20, 50, 100, 300])
    parser.add_argument(
        "--many", type=int, default=2_000, help="connections of the last two floods; 0 for none"
    )
    parser.add_argument("--writes", type=int, default=40, help="of each kind; 0 for none")
    arguments = parser.parse_args()
    leave_a_core()
    with (
        data.catalogue() as uri,
        MongoClient[Document](uri) as client,
        started(LECTERN, *ENGINES[LECTERN], uri) as server,
    ):
        heavy = orjson.dumps({"query": HEAVY})
        print(f"A heavy answer: {_size(server, heavy):,} bytes, {_alone(server, heavy):.0f} ms of CPU\n")
        rows = list(_rows(server, client, heavy, arguments))
        print(report.table(_HEAD, map(_columns, rows)))
        print("\n" + "\n".join(_comparisons(rows)))
        if arguments.writes:
            _print_writes(server, heavy, arguments.writes)


def _rows(
    server: Server, client: "MongoClient[Document]", heavy: bytes, arguments: argparse.Namespace
) -> Iterator[Row]:
    """Measures all floods, each between two baselines with few connections."""
    seconds = arguments.seconds
    for connections in (0, 1, _FEW):
        yield _row(str(connections), server, client, heavy, connections, seconds)
    floods = [_Flood(str(number), number, seconds) for number in arguments.connections]
    if many := arguments.many:
        floods.append(_Flood(f"{many}, obeying", many, 2 * seconds))
        floods.append(_Flood(f"{many}, insisting", many, 2 * seconds, ["--insist"]))
    for flood in floods:
        yield _row(flood.name, server, client, heavy, flood.connections, flood.seconds, *flood.options)
        yield _row(str(_FEW), server, client, heavy, _FEW, seconds)


def _row(
    name: str,
    server: Server,
    client: "MongoClient[Document]",
    heavy: bytes,
    connections: int,
    seconds: float,
    *options: str,
) -> Row:
    small = orjson.dumps({"query": SMALL})
    began, before = time.monotonic(), server.cpu()
    with (
        flooding(server.port, [small], 1, seconds + 1, "--pause", _PAUSE) as small_client,
        flooding(server.port, [heavy], connections, seconds, *options) as heavy_clients,
    ):
        heavy_outcome, small_outcome = heavy_clients.wait(), small_client.wait()
        resident = server.resident()
        load = (server.cpu() - before) / (time.monotonic() - began)
    time.sleep(_LEFT)
    before = server.cpu()
    running = _running(client)
    time.sleep(1)
    return Row(name, heavy_outcome, small_outcome, load, resident, server.cpu() - before, running)


def _running(client: "MongoClient[Document]") -> int:
    """The number of operations that MongoDB runs for clients, other than this one."""
    pipeline: list[Document] = [
        {"$currentOp": {"allUsers": True}},
        {"$match": {"active": True, "ns": {"$regex": "^lectern"}, "op": {"$ne": "none"}}},
    ]
    return len(list(client.admin.aggregate(pipeline)))


def _columns(row: Row) -> list[object]:
    others = ", ".join(f"{count} of {kind}" for kind, count in row.heavy.failures.items())
    refused = row.small.deferred + row.small.refused + row.small.failures.total()
    return [
        row.name,
        f"{row.heavy.per_second:.2f}",
        f"{row.small.quantile(0.5):.1f}",
        f"{row.small.quantile(0.95):.1f}",
        f"{row.load:.0%}",
        f"{row.resident:.0f}",
        row.heavy.deferred,
        row.heavy.refused,
        others or 0,
        refused,
        f"{row.cpu_afterwards:.0%}",
        row.running_afterwards,
    ]


def _comparisons(rows: Sequence[Row]) -> Iterator[str]:
    """Compares each flood with the baselines before and after it.

    rows: with no connection, one, and few; then floods and rows with few connections alternate.
    """
    for before, row, after in zip(rows[2::2], rows[3::2], rows[4::2], strict=False):
        rate = statistics.mean((before.heavy.per_second, after.heavy.per_second))
        p95 = statistics.mean((before.small.quantile(0.95), after.small.quantile(0.95)))
        goodput, slower = row.heavy.per_second / rate, row.small.quantile(0.95) / p95
        yield f"{row.name}: goodput {goodput:.2f} times that at {_FEW}; small p95 {slower:.1f} times"


def _size(server: Server, heavy: bytes) -> int:
    server.data(heavy)
    return len(server.post(heavy))


def _alone(server: Server, heavy: bytes) -> float:
    before = server.cpu()
    for _ in range(5):
        server.post(heavy)
    return (server.cpu() - before) / 5 * 1e3


def _print_writes(server: Server, heavy: bytes, count: int) -> None:
    alone = _writes(server, count)
    with flooding(server.port, [heavy], _AT_ONCE, 600):
        time.sleep(1)
        during = _writes(server, count)
    print(f"\nWrites, ms, medians of {count}: alone, and during {_AT_ONCE} connections of heavy reads\n")
    rows = [
        [name, f"{alone[name]:.1f}", f"{during[name]:.1f}", f"{during[name] / alone[name]:.1f}"]
        for name in alone
    ]
    print(report.table(("write", "alone", "during", "times"), rows))


def _writes(server: Server, count: int) -> dict[str, float]:
    """The median milliseconds of a sign-up, and of the new student's first enrolment."""
    times: dict[str, list[float]] = {"signUp": [], "enroll": []}
    for number in range(count):
        person = {"name": "Somebody", "email": f"{ObjectId()}@example.org", "password": str(uuid4())}
        signed = _timed(server, "signUp", _SIGN_UP, person, times)
        as_student = replace(server, headers={"authorization": f"Bearer {signed['accessToken']}"})
        course = encode_id("Course", {"_id": data.course_id(number % data.COURSES)})
        _timed(as_student, "enroll", _ENROLL, {"courseId": course}, times)
    return {name: statistics.median(ms) for name, ms in times.items()}


def _timed(server: Server, name: str, text: str, input: Json, times: dict[str, list[float]]) -> Json:
    """Sends a mutation, adds its milliseconds to `times`, and returns its payload."""
    began = time.perf_counter()
    payload = server.data(orjson.dumps({"query": text, "variables": {"input": input}}))[name]
    times[name].append((time.perf_counter() - began) * 1e3)
    assert not payload["errors"], payload
    return payload


if __name__ == "__main__":
    main()
