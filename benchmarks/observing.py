"""What observing costs: the server's CPU per request with the log, the metrics and the traces, and without.

    python -m benchmarks.observing [--turns 10] [--seconds 3]

It measures as benchmarks.settings_cost says, with the smallest query (Q1) and a large one (Q2).
"""

from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from benchmarks import data, settings_cost
from benchmarks.servers import free_port, leave_a_core
from benchmarks.settings_cost import QUIET, WITHOUT

_MOST = {"Q1": 1.10, "Q2": 1.05}  # the highest ratio that passes, by query
_LOG = {"LECTERN_LOG_LEVEL": "info", "LECTERN_LOG_FORMAT": "json"}

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
        **WITHOUT,
        "metrics": {**QUIET, "LECTERN_ADMIN_PORT": str(free_port())},
        "log": _LOG,
        "log and metrics": {**_LOG, "LECTERN_ADMIN_PORT": str(free_port())},
        "log, metrics and 1 % of traces": {**_LOG, **traces, "LECTERN_ADMIN_PORT": str(free_port())},
    }


def main() -> None:
    arguments = settings_cost.arguments(__doc__)
    leave_a_core()
    with data.catalogue() as uri, ThreadingHTTPServer(("127.0.0.1", 0), _Collector) as collector:
        Thread(target=collector.serve_forever, daemon=True).start()
        port = collector.server_port
        turns = [
            settings_cost.turn(uri, _environments(port), tuple(_MOST), arguments.seconds, _UNREAD)
            for _ in range(arguments.turns)
        ]
        collector.shutdown()
    settings_cost.show(turns, _MOST)


if __name__ == "__main__":
    main()
