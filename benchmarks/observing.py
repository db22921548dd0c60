"""What observing costs: the server's CPU per request with the log, the metrics and the traces, and without.

    python -m benchmarks.observing [--turns 10] [--seconds 3]

In each turn, a server of each kind is started and loaded with the smallest query (Q1) and a large one (Q2),
in alternation: see benchmarks.alternation. They are restarted for each turn, because the memory layout of a
process changes the cost by a few per cent. The result is the median of the turns' ratios to the server
without; that server is also compared with itself, which shows how large the noise is.
"""

import argparse
import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from benchmarks import data, load, questions, report
from benchmarks.alternation import Slices, alternate, ratio
from benchmarks.servers import ENGINES, LECTERN, free_port, leave_a_core, started

_CONNECTIONS = 8
_WARM_UP = 0.5  # seconds for each query and server
_WITHOUT = "nothing"
_QUERIES = {"Q1": 1.10, "Q2": 1.05}  # the highest ratio that passes, by query
_QUIET, _LOG = {"LECTERN_LOG_LEVEL": "error"}, {"LECTERN_LOG_LEVEL": "info", "LECTERN_LOG_FORMAT": "json"}
_HEAD = ("query", "with", "CPU ms per request", "ratio", "lowest", "highest", "")

# A shell that discards the log, as a reader that keeps up would.
_UNREAD = ("sh", "-c", 'exec "$0" "$@" 2>/dev/null')


class _Collector(BaseHTTPRequestHandler):
    """Takes traces, and forgets them."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def _environments(collector: int) -> Mapping[str, Mapping[str, str]]:
    """The environment of each kind of server. collector: the port of the collector of traces."""
    traces = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{collector}/v1/traces"}
    return {
        _WITHOUT: _QUIET,
        "nothing, again": _QUIET,
        "metrics": {**_QUIET, "LECTERN_ADMIN_PORT": str(free_port())},
        "log": _LOG,
        "log and metrics": {**_LOG, "LECTERN_ADMIN_PORT": str(free_port())},
        "log, metrics and 1 % of traces": {**_LOG, **traces, "LECTERN_ADMIN_PORT": str(free_port())},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3, help="for each query, server and turn")
    arguments = parser.parse_args()
    leave_a_core()
    with data.catalogue() as uri, ThreadingHTTPServer(("127.0.0.1", 0), _Collector) as collector:
        Thread(target=collector.serve_forever, daemon=True).start()
        port = collector.server_port
        turns = [_turn(uri, port, arguments.seconds) for _ in range(arguments.turns)]
        collector.shutdown()
    rows = [_row(query, name, turns) for query in _QUERIES for name in turns[0][query]]
    print(f"medians of {arguments.turns} turns\n")
    print(report.table(_HEAD, rows))


def _turn(uri: str, collector: int, seconds: float) -> dict[str, Slices]:
    """The cost of each kind of server, by query."""
    command, environment = ENGINES[LECTERN]
    with ExitStack() as stack:
        servers = [
            stack.enter_context(started(name, (*_UNREAD, *command), {**environment, **own}, uri))
            for name, own in _environments(collector).items()
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
    verdict = "passes" if median <= _QUERIES[query] else f"fails: at most {_QUERIES[query]}"
    figures = [f"{own:.3f}" for own in (cost, median, min(ratios), max(ratios))]
    return [f"{query}: {questions.TITLES[query]}", name, *figures, verdict]


if __name__ == "__main__":
    main()
