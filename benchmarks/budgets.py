"""What budgets cost: the server's CPU per request with a budget that never ends, and without.

    python -m benchmarks.budgets [--turns 10] [--seconds 3]

It measures like benchmarks.observing. All requests are of one client, which leases points as it goes.
"""

import argparse
import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from benchmarks import data, load, questions, report
from benchmarks.alternation import Slices, alternate, ratio
from benchmarks.servers import ENGINES, LECTERN, leave_a_core, started

_CONNECTIONS = 8
_WARM_UP = 0.5  # seconds for each query and server
_QUERIES = ("Q1", "Q2")
_MOST = 1.05  # the highest ratio that passes
_WITHOUT = "nothing"
_QUIET = {"LECTERN_LOG_LEVEL": "error"}
_KINDS: Mapping[str, Mapping[str, str]] = {
    _WITHOUT: _QUIET,
    "nothing, again": _QUIET,
    "budgets": {**_QUIET, "LECTERN_BUDGETS": "public=5000000:250000000"},
}
_HEAD = ("query", "with", "CPU ms per request", "ratio", "lowest", "highest", "")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3, help="for each query, server and turn")
    arguments = parser.parse_args()
    leave_a_core()
    with data.catalogue() as uri:
        turns = [_turn(uri, arguments.seconds) for _ in range(arguments.turns)]
    rows = [_row(query, name, turns) for query in _QUERIES for name in _KINDS]
    print(f"medians of {arguments.turns} turns\n")
    print(report.table(_HEAD, rows))


def _turn(uri: str, seconds: float) -> dict[str, Slices]:
    """The cost of each kind of server, by query."""
    command, environment = ENGINES[LECTERN]
    with ExitStack() as stack:
        servers = [
            stack.enter_context(started(name, command, {**environment, **own}, uri))
            for name, own in _KINDS.items()
        ]
        costs = {}
        for query in _QUERIES:
            bodies = [asked.body for asked in questions.ask(servers[0], query, questions.texts()[query])]
            for server in servers:
                load.run(server.port, bodies, _CONNECTIONS, _WARM_UP)
            asked_of = {server.name: bodies for server in servers}
            costs[query] = alternate(servers, asked_of, _CONNECTIONS, seconds)
        return costs


def _row(query: str, name: str, turns: Sequence[Mapping[str, Slices]]) -> list[object]:
    ratios = [ratio(turn[query], name, _WITHOUT) for turn in turns]
    cost = statistics.median(one for turn in turns for one in turn[query][name])
    median = statistics.median(ratios)
    verdict = "passes" if median <= _MOST else f"fails: at most {_MOST}"
    figures = [f"{own:.3f}" for own in (cost, median, min(ratios), max(ratios))]
    return [f"{query}: {questions.TITLES[query]}", name, *figures, verdict]


if __name__ == "__main__":
    main()
