"""What a trusted operation saves: the server's CPU per request for Q1 by its id, and as a text.

    python -m benchmarks.trusted [--turns 10] [--seconds 3]

A cold text is one that no request has sent before: each has a comment of its own, so that it is parsed,
validated and planned. In each turn, a server is started and loaded with each kind in alternation, a slice of
load at a time. The result is the median of the turns' ratios to the trusted operation.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice
from pathlib import Path

import orjson

from benchmarks import data, questions, report
from benchmarks.alternation import Slices, ratio
from benchmarks.servers import ENGINES, LECTERN, Server, leave_a_core, started, with_settings

_CONNECTIONS = 8
_SLICE = 0.15  # seconds
_MOST = 2_000  # requests of a slice: more than a server can answer, so that none is sent twice
_LEAST = 1.1  # the lowest ratio of a cold text that passes
_TRUSTED, _COLD, _CACHED = "trusted", "cold text", "cached text"
_QUIET = {"LECTERN_LOG_LEVEL": "error"}
_HEAD = ("Q1 as", "CPU ms per request", "ratio", "lowest", "highest", "")

_Bodies = Iterator[bytes]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3, help="for each kind and turn")
    arguments = parser.parse_args()
    leave_a_core()
    text = questions.texts()["Q1"]
    with data.catalogue() as uri:
        _push(uri, text)
        turns = [_turn(uri, text, arguments.seconds) for _ in range(arguments.turns)]
    print(f"medians of {arguments.turns} turns\n")
    print(report.table(_HEAD, [_row(name, turns) for name in (_TRUSTED, _CACHED, _COLD)]))


def _push(uri: str, text: str) -> None:
    """Makes Q1 trusted, with the id `Q1`."""
    command, _ = ENGINES[LECTERN]
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "manifest.json"
        manifest.write_text(json.dumps({"Q1": text}))
        argv = [command[0], "operations", "push", str(manifest), "--client", "benchmark", "--version", "1"]
        subprocess.run(argv, env=with_settings({"MONGODB_URI": uri}), check=True)


def _turn(uri: str, text: str, seconds: float) -> Slices:
    """The cost of each kind of request."""
    command, environment = ENGINES[LECTERN]
    with started(LECTERN, command, {**environment, **_QUIET}, uri) as server:
        kinds = _kinds(server, text)
        for bodies in kinds.values():
            server.cost(list(islice(bodies, _MOST)), _CONNECTIONS, _SLICE)
        slices: dict[str, list[float]] = {name: [] for name in kinds}
        for number in range(max(1, round(seconds / _SLICE))):
            first = number % len(kinds)
            for name in (*list(kinds)[first:], *list(kinds)[:first]):
                slices[name].append(server.cost(list(islice(kinds[name], _MOST)), _CONNECTIONS, _SLICE))
        return slices


def _kinds(server: Server, text: str) -> Mapping[str, _Bodies]:
    """The requests of each kind, without end. Their variables are those of the other benchmarks."""
    asked = [orjson.loads(one.body) for one in questions.ask(server, "Q1", text)]
    if server.post(orjson.dumps({**asked[0], "query": None, "id": "Q1"})) != server.post(
        orjson.dumps(asked[0])
    ):
        raise SystemExit("The trusted operation has another answer than its text.")

    def bodies(named: Iterator[dict[str, str]]) -> _Bodies:
        for number, name in enumerate(named):
            variables = asked[number % len(asked)]["variables"]
            yield orjson.dumps({**name, "variables": variables, "operationName": "Q1"})

    return {
        _TRUSTED: bodies({"id": "Q1"} for _ in count()),
        _CACHED: bodies({"query": text} for _ in count()),
        _COLD: bodies({"query": f"# {number}\n{text}"} for number in count()),
    }


def _row(name: str, turns: Sequence[Slices]) -> list[object]:
    ratios = [ratio(turn, name, _TRUSTED) for turn in turns]
    cost = statistics.median(one for turn in turns for one in turn[name])
    median = statistics.median(ratios)
    verdict = "" if name != _COLD else "passes" if median >= _LEAST else f"fails: at least {_LEAST}"
    return [name, *(f"{own:.3f}" for own in (cost, median, min(ratios), max(ratios))), verdict]


if __name__ == "__main__":
    main()
