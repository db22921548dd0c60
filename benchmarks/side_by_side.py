"""Compares the cost of a request with another checkout's: the server's CPU for each of the four queries.

    python -m benchmarks.side_by_side --against ../base [--turns 10] [--seconds 3]

Both checkouts serve the generated catalogue from one mongod, each with the `lectern serve` of its own `.venv`
and from a database that it filled itself. Their answers must have the same shape; the format of cursors and
times may differ. In each turn both are loaded in alternation: see benchmarks.alternation. They are restarted
for each turn, because the memory layout of a process changes the cost by a few per cent. The result is the
median of the turns' ratios. A comparison with the same commit shows how large the noise is.
"""

import argparse
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from itertools import product
from pathlib import Path

from app import embedded
from benchmarks import load, questions, report
from benchmarks.alternation import Slices, alternate, ratio
from benchmarks.report import Json
from benchmarks.servers import ENGINES, LECTERN, Server, leave_a_core, started, with_settings

_CONNECTIONS = 8
_WARM_UP = 0.5  # seconds for each query and server
_MOST = 1.05  # the highest ratio that passes
_HERE = Path(__file__).parents[1]
_FILL_SCRIPT = "import asyncio, sys; from benchmarks import data; asyncio.run(data._fill(sys.argv[1]))"
_HEAD = ("query", "CPU ms per request, there", "here", "ratio", "lowest", "highest", "")

Bodies = Mapping[tuple[str, str], Sequence[bytes]]  # by query and server


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--against", type=Path, required=True, help="the other checkout, after its `make setup`"
    )
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3, help="for each query, server and turn")
    arguments = parser.parse_args()
    leave_a_core()
    with (
        tempfile.TemporaryDirectory() as temporary,
        embedded.running(Path(temporary), cache_gb=1) as uri,
    ):
        checkouts = {"there": arguments.against.absolute(), "here": _HERE}
        for name, checkout in checkouts.items():
            _fill(name, checkout, uri)
        turns = [_turn(checkouts, uri, arguments.seconds) for _ in range(arguments.turns)]
    print(f"CPU of {_HERE.name} against {arguments.against.name}; medians of {arguments.turns} turns\n")
    print(report.table(_HEAD, [_row(query, [turn[query] for turn in turns]) for query in questions.TITLES]))


def _fill(name: str, checkout: Path, uri: str) -> None:
    """Makes a checkout fill the database of its name."""
    if not (checkout / ".venv/bin/lectern").exists():
        raise SystemExit(f"{checkout} has no .venv/bin/lectern: run `make setup` there.")
    subprocess.run(
        [str(checkout / ".venv/bin/python"), "-c", _FILL_SCRIPT, uri],
        cwd=checkout,
        env=with_settings(_environment(name)),
        check=True,
    )


def _environment(name: str) -> dict[str, str]:
    return {**ENGINES[LECTERN][1], "MONGODB_DATABASE": name}


def _serving(name: str, checkout: Path, uri: str) -> AbstractContextManager[Server]:
    command = (str(checkout / ".venv/bin/lectern"), "serve", "--port")
    return started(name, command, _environment(name), uri)


def _agreed(servers: Sequence[Server]) -> Bodies:
    """The request bodies for each server. Exits if the shapes of the servers' answers differ."""
    bodies = {}
    for query, text in questions.texts().items():
        shapes = []
        for server in servers:
            asked = questions.ask(server, query, text)
            shapes.append([_shape(one.answer) for one in asked])
            bodies[query, server.name] = [one.body for one in asked]
        if shapes[0] != shapes[1]:
            raise SystemExit(f"The checkouts give different answers to {query}.")
    return bodies


def _shape(value: Json) -> Json:
    """The structure of a value, without the content of strings and numbers."""
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items()}
    return [_shape(inner) for inner in value] if isinstance(value, list) else value is None


def _turn(checkouts: Mapping[str, Path], uri: str, seconds: float) -> dict[str, Slices]:
    """The cost of both, by query."""
    with ExitStack() as stack:
        servers = [stack.enter_context(_serving(*checkout, uri)) for checkout in checkouts.items()]
        bodies = _agreed(servers)
        for query, server in product(questions.TITLES, servers):
            load.run(server.port, bodies[query, server.name], _CONNECTIONS, _WARM_UP)
        return {
            query: alternate(
                servers,
                {server.name: bodies[query, server.name] for server in servers},
                _CONNECTIONS,
                seconds,
            )
            for query in questions.TITLES
        }


def _row(query: str, turns: Sequence[Slices]) -> list[object]:
    ratios = [ratio(slices, "here", "there") for slices in turns]
    there, here = (
        statistics.median(one for turn in turns for one in turn[name]) for name in ("there", "here")
    )
    median = statistics.median(ratios)
    verdict = "passes" if median <= _MOST else f"fails: at most {_MOST}"
    figures = [f"{own:.3f}" for own in (there, here, median, min(ratios), max(ratios))]
    return [f"{query}: {questions.TITLES[query]}", *figures, verdict]


if __name__ == "__main__":
    main()
