"""What settings cost: servers that differ only in their environment, compared with one that has none of them.

In each turn, a server of each kind is started and loaded with the queries, in alternation: see
benchmarks.alternation. They are restarted for each turn, because the memory layout of a process changes the
cost by a few per cent. The result is the median of the turns' ratios to the server without; that server is
also compared with itself, which shows how large the noise is.
"""

import argparse
import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TypeAlias

from benchmarks import load, questions, report
from benchmarks.alternation import Slices, alternate, ratio
from benchmarks.servers import ENGINES, LECTERN, started

QUIET: Mapping[str, str] = {"LECTERN_LOG_LEVEL": "error"}

#: The environments of the servers to which others are compared.
WITHOUT: Mapping[str, Mapping[str, str]] = {"nothing": QUIET, "nothing, again": QUIET}

#: The cost of each kind of server in a turn, by query.
Turn: TypeAlias = Mapping[str, Slices]

_CONNECTIONS = 8
_WARM_UP = 0.5  # seconds for each query and server
_HEAD = ("query", "with", "CPU ms per request", "ratio", "lowest", "highest", "")


def arguments(description: str | None) -> argparse.Namespace:
    """Returns the options of the command line: `turns` and `seconds`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3, help="for each query, server and turn")
    return parser.parse_args()


def turn(
    uri: str,
    environments: Mapping[str, Mapping[str, str]],
    queries: Sequence[str],
    seconds: float,
    wrapper: Sequence[str] = (),
) -> Turn:
    """Measures a server for each environment. wrapper: a command that runs the server's command."""
    command, environment = ENGINES[LECTERN]
    with ExitStack() as stack:
        servers = [
            stack.enter_context(started(name, (*wrapper, *command), {**environment, **own}, uri))
            for name, own in environments.items()
        ]
        costs = {}
        for query in queries:
            bodies = [asked.body for asked in questions.ask(servers[0], query, questions.texts()[query])]
            for server in servers:
                load.run(server.port, bodies, _CONNECTIONS, _WARM_UP)
            asked_of = {server.name: bodies for server in servers}
            costs[query] = alternate(servers, asked_of, _CONNECTIONS, seconds)
        return costs


def show(turns: Sequence[Turn], most: Mapping[str, float]) -> None:
    """Prints the results. most: the highest ratio that passes, by query."""
    print(f"medians of {len(turns)} turns\n")
    rows = [_row(query, name, turns, bound) for query, bound in most.items() for name in turns[0][query]]
    print(report.table(_HEAD, rows))


def _row(query: str, name: str, turns: Sequence[Turn], most: float) -> list[object]:
    (without, *_) = WITHOUT
    ratios = [ratio(turn[query], name, without) for turn in turns]
    cost = statistics.median(one for turn in turns for one in turn[query][name])
    median = statistics.median(ratios)
    verdict = "passes" if median <= most else f"fails: at most {most}"
    figures = [f"{own:.3f}" for own in (cost, median, min(ratios), max(ratios))]
    return [f"{query}: {questions.TITLES[query]}", name, *figures, verdict]
