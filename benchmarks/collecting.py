"""How the garbage collector's thresholds affect throughput, tail latency and memory, compared in one run.

    python -m benchmarks.collecting [--seconds 3] [--rounds 2]

Lectern serves the second of the four queries (20 courses, their reviews and students) to 32 connections,
compiled and through graphql-core, with one server for each set of thresholds. Each round starts the servers
afresh, one after another. Throughput is reported as a ratio to Python's default thresholds in the same round.
The numbers are medians of the rounds; memory is the maximum.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import uvicorn

from app import main as gateway
from app import memory
from benchmarks import data, load, questions, report
from benchmarks.servers import leave_a_core, started

_QUERY = "Q2"
_CONNECTIONS = 32
_WARM_UP = 1.0  # seconds
_DEFAULT = "700/10/10"  # Python's own
_THRESHOLDS = (_DEFAULT, "5000/20/20", "10000/5/5", "50000/5/5", "100000/20/50")
_ENGINES: Mapping[str, str] = {"compiled": "true", "graphql-core": "false"}
_HEAD = ("engine", "thresholds", "requests/s", "p99 ms", "most memory, MB")


class Cell(NamedTuple):
    engine: str
    thresholds: str
    per_second: float
    p99: float
    peak: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="for each server and round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--serve", metavar="PORT", help="used by the benchmark itself")
    arguments = parser.parse_args()
    if arguments.serve:
        _serve(int(arguments.serve))
        return
    leave_a_core()
    with data.catalogue() as uri:
        rounds = [
            [
                _cell(uri, engine, thresholds, arguments.seconds)
                for engine in _ENGINES
                for thresholds in _THRESHOLDS
            ]
            for _ in range(arguments.rounds)
        ]
    print(f"{questions.TITLES[_QUERY]}; {_CONNECTIONS} connections; medians of {arguments.rounds} rounds\n")
    print(report.table(_HEAD, [_row(cells) for cells in zip(*_relative(rounds), strict=True)], texts=2))


def _serve(port: int) -> None:
    first, second, third = map(int, os.environ["THRESHOLDS"].split("/"))
    memory.OF_PLANS = memory.OF_CYCLES = (first, second, third)
    app = gateway.from_environment()
    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def _cell(uri: str, engine: str, thresholds: str, seconds: float) -> Cell:
    command = (sys.executable, "-m", "benchmarks.collecting", "--serve")
    environment = {"COMPILED_EXECUTION": _ENGINES[engine], "THRESHOLDS": thresholds}
    with started(f"{engine}, {thresholds}", command, environment, uri) as server:
        asked = questions.ask(server, _QUERY, questions.texts()[_QUERY])
        bodies = [one.body for one in asked]
        load.run(server.port, bodies, _CONNECTIONS, _WARM_UP)
        full = load.run(server.port, bodies, _CONNECTIONS, seconds)
        return Cell(engine, thresholds, full.requests / full.seconds, full.p99, server.peak())


def _relative(rounds: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    """Throughput as a ratio to Python's default thresholds, with the same engine in the same round."""
    ratios = []
    for cells in rounds:
        default = {cell.engine: cell.per_second for cell in cells if cell.thresholds == _DEFAULT}
        ratios.append([cell._replace(per_second=cell.per_second / default[cell.engine]) for cell in cells])
    return ratios


def _row(cells: Sequence[Cell]) -> list[object]:
    return [
        cells[0].engine,
        cells[0].thresholds,
        f"{statistics.median(cell.per_second for cell in cells):.2f}",
        f"{statistics.median(cell.p99 for cell in cells):.0f}",
        f"{max(cell.peak for cell in cells):.0f}",
    ]


if __name__ == "__main__":
    main()
