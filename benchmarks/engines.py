"""Compares Lectern compiled, Lectern through graphql-core, and plain Strawberry with Motor, in one run.

    python -m benchmarks.engines [--seconds 2.5] [--rounds 3]

The three serve the same generated catalogue, and must give the same answers to the four queries of
benchmarks/peers.toml before any of them is timed. The servers share one core; mongod and the load generator
have the others, if there are any. Each round loads each server in turn, with 32 connections and then with
one. The ratios to plain Strawberry in the same round are what counts; medians of the rounds are printed. If a
server did not get its whole core, because mongod was the bottleneck or something else ran there, requests per
CPU second are more meaningful than requests per second.
"""

import argparse
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from pymongo import MongoClient

from benchmarks import data, load, questions, report
from benchmarks.report import Json
from benchmarks.servers import PLAIN, Server, leave_a_core, running
from loaders.mongo import Document

_CONNECTIONS = 32
_WARM_UP = 1.0  # seconds for each query and server
_COUNTED = 30  # requests whose MongoDB commands are counted
_CURSORS = ("cursor", "endCursor")  # each server has its own format
_HEAD = (
    "query", "server", "requests/s to plain", "per CPU second to plain", "CPU ms a request", "core busy",
    "MongoDB commands", "p50 ms", "p99 ms", "p50 ms, one connection",
)  # fmt: skip

Bodies = Mapping[tuple[str, str], Sequence[bytes]]  # by query and server


@dataclass(frozen=True)
class Cell:
    """The result of one server for one query in one round.

    busy: the share of its core that it used. alone_p50: the median latency with one connection, in
    milliseconds.
    """

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
        "--seconds",
        type=float,
        default=2.5,
        help="for each query, server and round; half with one connection",
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
    _print(cells, commands, arguments.rounds)


def _agreed(servers: Sequence[Server]) -> Bodies:
    """The request bodies for each server. Exits if the servers' answers differ."""
    bodies = {}
    for query, text in questions.texts().items():
        first: list[Json] = []
        for server in servers:
            asked = questions.ask(server, query, text)
            answers = [_without_cursors(one.answer) for one in asked]
            first = first or answers
            if answers != first:
                raise SystemExit(f"{server.name} and {servers[0].name} give different answers to {query}.")
            bodies[query, server.name] = [one.body for one in asked]
    return bodies


def _without_cursors(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _without_cursors(inner) for name, inner in value.items() if name not in _CURSORS}
    return [_without_cursors(inner) for inner in value] if isinstance(value, list) else value


def _each(servers: Sequence[Server]) -> Iterator[tuple[tuple[str, str], Server]]:
    return (((query, server.name), server) for query in questions.TITLES for server in servers)


def _commands(uri: str, server: Server, bodies: Sequence[bytes]) -> float:
    """The mean number of MongoDB commands of a request, its round trips, by mongod's own count."""
    with MongoClient[Document](uri) as client:
        before = _counted(client)
        for body in bodies[:_COUNTED]:
            server.post(body)
        return (_counted(client) - before) / len(bodies[:_COUNTED])


def _counted(client: "MongoClient[Document]") -> int:
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


def _print(cells: Sequence[Cell], commands: Mapping[tuple[str, str], float], rounds: int) -> None:
    print(
        f"{data.COURSES:,} courses, {data.STUDENTS:,} students, {data.REVIEWS:,} reviews; "
        f"{_CONNECTIONS} connections; medians of {rounds} rounds\n"
    )
    print(report.table(_HEAD, [_row(cells, key, commands[key]) for key in commands], texts=2))
    kept = {
        "cells": [asdict(cell) for cell in cells],
        "commands": [{"query": query, "server": name, "n": n} for (query, name), n in commands.items()],
    }
    print(f"\nThe results of all rounds are in {report.keep('engines', kept)}.")


def _row(cells: Sequence[Cell], key: tuple[str, str], commands: float) -> list[object]:
    query, name = key
    measured = [cell for cell in cells if (cell.query, cell.server) == key]
    plain = [cell for cell in cells if (cell.query, cell.server) == (query, PLAIN)]
    rounds = list(zip(measured, plain, strict=True))
    faster = statistics.median(a.per_second / b.per_second for a, b in rounds)
    leaner = statistics.median(b.cpu_ms / a.cpu_ms for a, b in rounds)
    m = {f.name: statistics.median(getattr(cell, f.name) for cell in measured) for f in fields(Cell)[2:]}
    server = [f"{query}: {questions.TITLES[query]}", name, f"{faster:.2f}", f"{leaner:.2f}"]
    cost = [f"{m['cpu_ms']:.2f}", f"{m['busy']:.0%}", f"{commands:.1f}"]
    return [*server, *cost, f"{m['p50']:.1f}", f"{m['p99']:.1f}", f"{m['alone_p50']:.2f}"]


if __name__ == "__main__":
    main()
