"""A collector: an HTTP server that keeps the spans that are exported to it."""

import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.server.processes import until


class Collector(ThreadingHTTPServer):
    """bodies: the exported bytes. headers: those of the last export. resources: one for each export."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.bodies: list[bytes] = []
        self.headers: Mapping[str, str] = {}
        self.spans: list[Span] = []
        self.resources: list[dict[str, Any]] = []

    def export(self, body: bytes) -> None:
        self.bodies.append(body)
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(values(of_resource.resource.attributes))
            for of_scope in of_resource.scope_spans:
                self.spans += list(of_scope.spans)  # at once: another thread reads them

    def traces(self) -> dict[str, list[Span]]:
        """The spans of each trace, each beginning with the request's own."""
        found: dict[str, list[Span]] = {}
        for span in list(self.spans):
            found.setdefault(span.trace_id.hex(), []).append(span)
        return found

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of a trace; waits until they are here."""
        until(lambda: trace_id in self.traces())
        return self.traces()[trace_id]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/v1/traces":  # the metrics come to the same server
            self.server.headers = dict(self.headers)
            self.server.export(gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        Thread(target=collector.serve_forever, daemon=True).start()
        yield collector
        collector.shutdown()


def values(attributes: Sequence[KeyValue]) -> dict[str, Any]:
    """Attributes as a dict."""
    return {own.key: getattr(own.value, own.value.WhichOneof("value") or "") for own in attributes}
