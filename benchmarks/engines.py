"""Lectern compiled, Lectern through graphql-core, and plain Strawberry with Motor, side by side in one run.

    python -m benchmarks.engines [--seconds 2.5] [--rounds 3]

The three serve the same generated catalogue, and must give the same answers to the four queries of
benchmarks/peers.toml before any is timed. The servers have a core; mongod and the load have the others,
where there are others. Each round loads them in turn, with 32 connections and then with one. What counts
are the ratios to plain Strawberry in the same round; what is told is the median of the rounds. Where a
server had less than its core, because mongod was the limit or something else ran there, requests per second
of its CPU tell more than requests per second.
"""

import argparse
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from pymongo import MongoClient

from benchmarks import data, load, questions, report
from benchmarks.servers import PLAIN, Server, leave_a_core, running

_CONNECTIONS = 32
_WARM_UP = 1.0  # seconds for each query and server
_COUNTED = 30  # requests whose commands are counted
_CURSORS = ("cursor", "endCursor")  # each server writes its own
_HEAD = (
    "query", "server", "requests/s to plain", "per CPU second to plain", "CPU ms a request", "core busy",
    "MongoDB commands", "p50 ms", "p99 ms", "p50 ms, one connection",
)  # fmt: skip

Bodies = Mapping[tuple[str, str], Sequence[bytes]]  # by query and server


@dataclass(frozen=True)
class Cell:
    """What one server did with one query in one round. busy: the share of its core. alone: one connection."""

    query: str
    server: str
    per_second: float
    cpu_ms: float
    busy: float
    p50: float
    p99: float
    alone_p50: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=2.5, help="of a cell; half of it with one connection"
    )
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    leave_a_core()
    with data.catalogue() as uri, running(uri) as servers:
        bodies = _agreed(servers)
        commands = {key: _commands(uri, server, bodies[key]) for key, server in _each(servers)}
        for key, server in _each(servers):
            load.run(server.port, bodies[key], _CONNECTIONS, _WARM_UP)
        cells = [
            _cell(server, key[0], bodies[key], arguments.seconds)
            for _ in range(arguments.rounds)
            for key, server in _each(servers)
        ]
    _tell(cells, commands, arguments.rounds)


def _agreed(servers: Sequence[Server]) -> Bodies:
    """What to ask each server; their answers are equal."""
    bodies = {}
    for query, text in questions.texts().items():
        first: list[Any] = []
        for server in servers:
            asked = questions.ask(server, query, text)
            answers = [_without_cursors(one.answer) for one in asked]
            first = first or answers
            if answers != first:
                raise SystemExit(
                    f"{server.name} and {servers[0].name} differ in what they answer to {query}."
                )
            bodies[query, server.name] = [one.body for one in asked]
    return bodies


def _without_cursors(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_cursors(inner) for name, inner in value.items() if name not in _CURSORS}
    return [_without_cursors(inner) for inner in value] if isinstance(value, list) else value


def _each(servers: Sequence[Server]) -> Iterator[tuple[tuple[str, str], Server]]:
    return (((query, server.name), server) for query in questions.TITLES for server in servers)


def _commands(uri: str, server: Server, bodies: Sequence[bytes]) -> float:
    """The MongoDB commands of a request: its round trips, by mongod's own count."""
    with MongoClient[dict[str, Any]](uri) as client:
        before = _counted(client)
        for body in bodies[:_COUNTED]:
            server.post(body)
        return (_counted(client) - before) / len(bodies[:_COUNTED])


def _counted(client: "MongoClient[dict[str, Any]]") -> int:
    commands = client.admin.command("serverStatus")["metrics"]["commands"]
    return sum(int(commands[name]["total"]) for name in ("find", "aggregate", "getMore"))


def _cell(server: Server, query: str, bodies: Sequence[bytes], seconds: float) -> Cell:
    before = server.cpu()
    full = load.run(server.port, bodies, _CONNECTIONS, seconds)
    cpu = server.cpu() - before
    alone = load.run(server.port, bodies, 1, seconds / 2)
    if full.errors or alone.errors:
        raise SystemExit(f"{server.name} answered {query} with errors under load.")
    per_second, cpu_ms, busy = full.requests / full.seconds, cpu / full.requests * 1e3, cpu / full.seconds
    return Cell(query, server.name, per_second, cpu_ms, busy, full.p50, full.p99, alone.p50)


def _tell(cells: Sequence[Cell], commands: Mapping[tuple[str, str], float], rounds: int) -> None:
    print(
        f"{data.COURSES:,} courses, {data.STUDENTS:,} students, {data.REVIEWS:,} reviews; "
        f"{_CONNECTIONS} connections; medians of {rounds} rounds\n"
    )
    print(report.table(_HEAD, [_row(cells, key, commands[key]) for key in commands], texts=2))
    kept = {
        "cells": [asdict(cell) for cell in cells],
        "commands": [{"query": query, "server": name, "n": n} for (query, name), n in commands.items()],
    }
    print(f"\nEvery round is in {report.keep('engines', kept)}.")


def _row(cells: Sequence[Cell], key: tuple[str, str], commands: float) -> list[object]:
    query, name = key
    own = [cell for cell in cells if (cell.query, cell.server) == key]
    plain = [cell for cell in cells if (cell.query, cell.server) == (query, PLAIN)]
    rounds = list(zip(own, plain, strict=True))
    faster = statistics.median(a.per_second / b.per_second for a, b in rounds)
    leaner = statistics.median(b.cpu_ms / a.cpu_ms for a, b in rounds)
    m = {f.name: statistics.median(getattr(cell, f.name) for cell in own) for f in fields(Cell)[2:]}
    server = [f"{query}: {questions.TITLES[query]}", name, f"{faster:.2f}", f"{leaner:.2f}"]
    cost = [f"{m['cpu_ms']:.2f}", f"{m['busy']:.0%}", f"{commands:.1f}"]
    return [*server, *cost, f"{m['p50']:.1f}", f"{m['p99']:.1f}", f"{m['alone_p50']:.2f}"]


if __name__ == "__main__":
    main()
