"""What a flood of heavy reads does to them, to a small query beside them, and to writes.

    python -m benchmarks.overload [--seconds 8] [--connections 20 50 100 300] [--many 2000]

A heavy read is an answer of 1 MB; a small one, a course's title, is asked by one more client all the time, 20
times a second at most. Then many clients at once, first ones that do what `Retry-After` says, then ones that
ask again at once; and `signUp` and `enroll`, alone and beside a flood. The server has a core; mongod and the
clients have the other, where there are two. Five seconds after the clients of a row left, it is seen what
still runs: the server's CPU in the following second, and the operations in $currentOp.

Goodput is compared with that at 5 connections right before and after: machines drift, and a new process is
faster.
"""

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
from bson import ObjectId
from pymongo import MongoClient

from benchmarks import data, report
from benchmarks.flood import Told, flooding
from benchmarks.servers import ENGINES, LECTERN, Server, leave_a_core, started
from resolvers.relay import encode_id

HEAVY = """{ courses(first: 100) { nodes {
  id title reviews(first: 100) { nodes { id rating title createdAt student { id name country } } }
} } }"""
SMALL = "{ courses(first: 1) { nodes { title } } }"
_SIGN_UP = """mutation ($input: SignUpInput!) {
  signUp(input: $input) { accessToken errors { code message } } }"""
_ENROLL = """mutation ($input: EnrollInput!) {
  enroll(input: $input) { enrollment { id } errors { code message } } }"""

_FEW = 5  # connections, that others are compared to
_PAUSE = "0.05"  # seconds between two small queries
_AT_ONCE = 50  # heavy connections beside the writes
_LEFT = 5.0  # seconds after the clients did
_HEAD = (
    "heavy connections", "heavy/s", "small p50 ms", "small p95 ms", "CPU", "RSS MB", "503, told when",
    "503, not told", "other failures", "small refused", "CPU afterwards", "operations afterwards",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """load, busy: the share of a core that the server takes, while the clients are there and after they left.
    running: MongoDB's operations then.
    """

    name: str
    heavy: Told
    small: Told
    load: float
    resident: float
    busy: float
    running: int


class _Flood(NamedTuple):
    name: str
    connections: int
    seconds: float
    options: Sequence[str] = ()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="of a row")
    parser.add_argument("--connections", type=int, nargs="+", default=[20, 50, 100, 300])
    parser.add_argument(
        "--many", type=int, default=2_000, help="connections of the last two floods; 0 for none"
    )
    parser.add_argument("--writes", type=int, default=40, help="of each kind; 0 for none")
    arguments = parser.parse_args()
    leave_a_core()
    with (
        data.catalogue() as uri,
        MongoClient[dict[str, Any]](uri) as client,
        started(LECTERN, *ENGINES[LECTERN], uri) as server,
    ):
        heavy = orjson.dumps({"query": HEAVY})
        print(f"A heavy answer: {_size(server, heavy):,} bytes, {_alone(server, heavy):.0f} ms of CPU\n")
        rows = list(_rows(server, client, heavy, arguments))
        print(report.table(_HEAD, map(_told, rows)))
        print("\n" + "\n".join(_judged(rows)))
        if arguments.writes:
            _tell_writes(server, heavy, arguments.writes)


def _rows(
    server: Server, client: "MongoClient[dict[str, Any]]", heavy: bytes, arguments: argparse.Namespace
) -> Iterator[Row]:
    """Each with many connections stands between two with few."""
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
    client: "MongoClient[dict[str, Any]]",
    heavy: bytes,
    connections: int,
    seconds: float,
    *options: str,
) -> Row:
    small = orjson.dumps({"query": SMALL})
    began, before = time.monotonic(), server.cpu()
    with (
        flooding(server.port, [small], 1, seconds + 1, "--pause", _PAUSE) as stranger,
        flooding(server.port, [heavy], connections, seconds, *options) as crowd,
    ):
        told, beside = crowd.wait(), stranger.wait()
        resident = server.resident()
        load = (server.cpu() - before) / (time.monotonic() - began)
    time.sleep(_LEFT)
    before = server.cpu()
    running = _running(client)
    time.sleep(1)
    return Row(name, told, beside, load, resident, server.cpu() - before, running)


def _running(client: "MongoClient[dict[str, Any]]") -> int:
    """The operations that MongoDB does for clients, but for this one."""
    pipeline: list[dict[str, Any]] = [
        {"$currentOp": {"allUsers": True}},
        {"$match": {"active": True, "ns": {"$regex": "^lectern"}, "op": {"$ne": "none"}}},
    ]
    return len(list(client.admin.aggregate(pipeline)))


def _told(row: Row) -> list[object]:
    others = ", ".join(f"{count} of {kind}" for kind, count in row.heavy.failures.items())
    refused = row.small.told_when + row.small.refused + row.small.failures.total()
    return [
        row.name,
        f"{row.heavy.per_second:.2f}",
        f"{row.small.quantile(0.5):.1f}",
        f"{row.small.quantile(0.95):.1f}",
        f"{row.load:.0%}",
        f"{row.resident:.0f}",
        row.heavy.told_when,
        row.heavy.refused,
        others or 0,
        refused,
        f"{row.busy:.0%}",
        row.running,
    ]


def _judged(rows: Sequence[Row]) -> Iterator[str]:
    """rows: none, one and few connections, then a flood and few in turn."""
    for before, row, after in zip(rows[2::2], rows[3::2], rows[4::2], strict=False):
        rate = statistics.mean((before.heavy.per_second, after.heavy.per_second))
        p95 = statistics.mean((before.small.quantile(0.95), after.small.quantile(0.95)))
        goodput, slower = row.heavy.per_second / rate, row.small.quantile(0.95) / p95
        yield f"{row.name}: goodput {goodput:.2f} of that at {_FEW}; small p95, {slower:.1f} times"


def _size(server: Server, heavy: bytes) -> int:
    server.data(heavy)
    return len(server.post(heavy))


def _alone(server: Server, heavy: bytes) -> float:
    before = server.cpu()
    for _ in range(5):
        server.post(heavy)
    return (server.cpu() - before) / 5 * 1e3


def _tell_writes(server: Server, heavy: bytes, count: int) -> None:
    alone = _writes(server, count)
    with flooding(server.port, [heavy], _AT_ONCE, 600):
        time.sleep(1)
        beside = _writes(server, count)
    print(f"\nWrites, ms, medians of {count}: alone, and beside {_AT_ONCE} connections of heavy reads\n")
    rows = [
        [name, f"{alone[name]:.1f}", f"{beside[name]:.1f}", f"{beside[name] / alone[name]:.1f}"]
        for name in alone
    ]
    print(report.table(("write", "alone", "beside", "times"), rows))


def _writes(server: Server, count: int) -> dict[str, float]:
    """The median milliseconds of signing up, and of enrolling right then."""
    times: dict[str, list[float]] = {"signUp": [], "enroll": []}
    for number in range(count):
        person = {"name": "Somebody", "email": f"{ObjectId()}@example.org", "password": str(uuid4())}
        signed = _timed(server, "signUp", _SIGN_UP, person, times)
        own = replace(server, headers={"authorization": f"Bearer {signed['accessToken']}"})
        course = encode_id("Course", {"_id": data.course_id(number % data.COURSES)})
        _timed(own, "enroll", _ENROLL, {"courseId": course}, times)
    return {name: statistics.median(own) for name, own in times.items()}


def _timed(server: Server, name: str, text: str, given: Any, times: dict[str, list[float]]) -> Any:
    began = time.perf_counter()
    payload = server.data(orjson.dumps({"query": text, "variables": {"input": given}}))[name]
    times[name].append((time.perf_counter() - began) * 1e3)
    assert not payload["errors"], payload
    return payload


if __name__ == "__main__":
    main()
