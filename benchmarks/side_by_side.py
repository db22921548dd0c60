"""What a request costs beside another checkout: the server's CPU for each of the four queries.

    python -m benchmarks.side_by_side --against ../base [--turns 10] [--seconds 1.2]

Both checkouts serve the generated catalogue from one mongod, each with the `lectern serve` of its own `.venv`
and from a database that it filled itself, and must give answers of one shape (how they write cursors and
times may differ). They are loaded in turns, each first in every other one, and started anew for each: how a
process lies in memory changes the cost by a few per cent. What counts is the median of the ratios within a
turn. Beside the same commit it tells how much of that is noise.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from itertools import product
from pathlib import Path
from typing import Any

from app import embedded
from benchmarks import load, questions, report
from benchmarks.servers import ENGINES, LECTERN, Server, leave_a_core, started

_CONNECTIONS = 8
_WARM_UP = 0.5  # seconds for each query and server
_MOST = 1.05  # times: what a request may cost
_HERE = Path(__file__).parents[1]
_FILL_SCRIPT = "import asyncio, sys; from benchmarks import data; asyncio.run(data._fill(sys.argv[1]))"
_HEAD = ("query", "CPU ms a request, there", "here", "times", "least", "most", "")

Bodies = Mapping[tuple[str, str], Sequence[bytes]]  # by query and server


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--against", type=Path, required=True, help="the other checkout, after its `make setup`"
    )
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1.2, help="for each query, server and turn")
    arguments = parser.parse_args()
    leave_a_core()
    with (
        tempfile.TemporaryDirectory() as temporary,
        embedded.running(Path(temporary), cache_gb=1) as uri,
    ):
        checkouts = {"there": arguments.against.absolute(), "here": _HERE}
        for name, checkout in checkouts.items():
            _fill(name, checkout, uri)
        turns = [_turn(checkouts, uri, arguments.seconds, number) for number in range(arguments.turns)]
    print(f"CPU of {_HERE.name} beside {arguments.against.name}; medians of {arguments.turns} turns\n")
    print(report.table(_HEAD, [_row(query, [turn[query] for turn in turns]) for query in questions.TITLES]))


def _fill(name: str, checkout: Path, uri: str) -> None:
    """A database of a checkout's name, filled by the checkout."""
    if not (checkout / ".venv/bin/lectern").exists():
        raise SystemExit(f"{checkout} has no .venv with the command: run `make setup` there.")
    subprocess.run(
        [str(checkout / ".venv/bin/python"), "-c", _FILL_SCRIPT, uri],
        cwd=checkout,
        env=os.environ | _environment(name),
        check=True,
    )


def _environment(name: str) -> dict[str, str]:
    return {**ENGINES[LECTERN][1], "MONGODB_DATABASE": name}


def _serving(name: str, checkout: Path, uri: str) -> AbstractContextManager[Server]:
    command = (str(checkout / ".venv/bin/lectern"), "serve", "--port")
    return started(name, command, _environment(name), uri)


def _agreed(servers: Sequence[Server]) -> Bodies:
    """What to ask each server; their answers are alike."""
    bodies = {}
    for query, text in questions.texts().items():
        shapes = []
        for server in servers:
            asked = questions.ask(server, query, text)
            shapes.append([_shape(one.answer) for one in asked])
            bodies[query, server.name] = [one.body for one in asked]
        if shapes[0] != shapes[1]:
            raise SystemExit(f"The checkouts differ in what they answer to {query}.")
    return bodies


def _shape(value: Any) -> Any:
    """A value without what strings and numbers say."""
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items()}
    return [_shape(inner) for inner in value] if isinstance(value, list) else value is None


def _turn(
    checkouts: Mapping[str, Path], uri: str, seconds: float, number: int
) -> dict[str, tuple[float, float]]:
    """Milliseconds a request there and here, by query."""
    with ExitStack() as stack:
        servers = [stack.enter_context(_serving(*checkout, uri)) for checkout in checkouts.items()]
        bodies = _agreed(servers)
        for query, server in product(questions.TITLES, servers):
            load.run(server.port, bodies[query, server.name], _CONNECTIONS, _WARM_UP)
        costs = {}
        for query in questions.TITLES:
            order = servers if number % 2 else servers[::-1]
            measured = {server.name: _cost(server, bodies[query, server.name], seconds) for server in order}
            there, here = (measured[server.name] for server in servers)
            costs[query] = (there, here)
        return costs


def _cost(server: Server, bodies: Sequence[bytes], seconds: float) -> float:
    before = server.cpu()
    done = load.run(server.port, bodies, _CONNECTIONS, seconds)
    if done.errors:
        raise SystemExit(f"{server.name} answered with errors under load.")
    return (server.cpu() - before) / done.requests * 1e3


def _row(query: str, turns: Sequence[tuple[float, float]]) -> list[object]:
    ratios = [here / there for there, here in turns]
    there, here = (statistics.median(times) for times in zip(*turns, strict=True))
    median = statistics.median(ratios)
    holds = "holds" if median <= _MOST else f"does not hold: at most {_MOST}"
    title = f"{query}: {questions.TITLES[query]}"
    return [
        title,
        f"{there:.3f}",
        f"{here:.3f}",
        f"{median:.3f}",
        f"{min(ratios):.3f}",
        f"{max(ratios):.3f}",
        holds,
    ]


if __name__ == "__main__":
    main()
