"""The export to an OpenTelemetry collector, which is a real HTTP server in these tests."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from app.metrics import export_interval
from app.metrics.families import ERRORS, LANE_USED, REQUEST_DURATION
from app.metrics.otlp import exporting
from app.metrics.series import Counter, Gauge, Histogram
from app.metrics.shared_memory import SharedMemory
from app.observing import CollectorError
from app.settings import Settings
from loaders.mongo import Database
from tests.metrics.gateways import serving
from tests.server.processes import LECTERN, Process
from tests.server.processes import until as eventually
from tests.storm.gateways import environment
from tests.storm.processes import free_ports

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector:
    """Decodes what it receives. status: what it answers."""

    def __init__(self) -> None:
        self.received: list[ExportMetricsServiceRequest] = []
        self.status = 200

    @property
    def resource(self) -> dict[str, str]:
        attributes = self.received[-1].resource_metrics[0].resource.attributes
        return {own.key: own.value.string_value for own in attributes}

    @property
    def metrics(self) -> dict[str, Metric]:
        """The last metrics, by name."""
        scopes = self.received[-1].resource_metrics[0].scope_metrics
        return {metric.name: metric for scope in scopes for metric in scope.metrics}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with _running() as (collector, url):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        yield collector


@contextmanager
def _running() -> Iterator[tuple[Collector, str]]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.path == "/v1/metrics"
            collector.received.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(collector.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


async def test_each_kind_of_metric_is_exported_as_opentelemetry_names_it(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    memory = SharedMemory()
    Counter(ERRORS, memory.own).add(("TIMEOUT",), 2)
    Gauge(LANE_USED, memory.own).set(7, ("cheap",))
    Histogram(REQUEST_DURATION, memory.own).observe(0.3, ("POST", "/graphql", "200"), TRACE)
    async with exporting(memory, 60):
        pass  # exports once in the end
    assert len(collector.received) == 1
    assert collector.resource.items() >= {
        ("service.name", "lectern"),
        ("service.instance.id", memory.id),
        ("deployment.environment.name", "test"),
    }
    (errors,) = collector.metrics["lectern.errors"].sum.data_points
    assert (errors.attributes[0].key, errors.attributes[0].value.string_value) == ("code", "TIMEOUT")
    assert (errors.as_double, errors.start_time_unix_nano) == (2, memory.began)
    assert collector.metrics["lectern.errors"].sum.is_monotonic
    assert collector.metrics["lectern.admission.used"].gauge.data_points[0].as_double == 7
    duration = collector.metrics["http.server.request.duration"]
    assert duration.unit == "s"
    assert (
        duration.histogram.aggregation_temporality
        == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    )
    (bars,) = duration.histogram.data_points
    assert (bars.count, bars.sum) == (1, 0.3)
    assert tuple(bars.explicit_bounds) == REQUEST_DURATION.buckets
    assert sum(bars.bucket_counts) == 1
    assert len(bars.bucket_counts) == len(bars.explicit_bounds) + 1
    assert bars.exemplars[0].trace_id.hex() == TRACE
    values = {own.key: own.value for own in bars.attributes}
    assert values["http.response.status_code"].int_value == 200
    assert values["http.request.method"].string_value == "POST"


async def test_the_environment_names_the_service(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "courses")
    async with exporting(SharedMemory(), 60):
        pass
    assert collector.resource["service.name"] == "courses"


async def test_exports_repeat_and_failures_are_logged_once(
    collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    collector.status = 400
    async with exporting(SharedMemory(), 0.01):
        await asyncio.to_thread(eventually, lambda: len(collector.received) >= 3)
        collector.status = 200
        failed = len(collector.received)
        await asyncio.to_thread(eventually, lambda: len(collector.received) >= failed + 3)
    told = capsys.readouterr()
    lines = [line for line in (told.out + told.err).splitlines() if "export" in line]
    assert len(lines) == 2
    assert "metrics can't be exported" in lines[0]
    assert "400" in lines[0]
    assert "metrics are exported again" in lines[1]


def exported_requests(collector: Collector) -> int:
    """How many requests the last export counted, 0 before the first export."""
    if not collector.received:
        return 0
    duration = collector.metrics.get("http.server.request.duration")
    return sum(bars.count for bars in duration.histogram.data_points) if duration else 0


def test_a_gateway_exports_the_metrics_of_all_workers(
    settings: Settings, indexed_database: Database, tmp_path: Path, collector: Collector
) -> None:
    variables = {"LECTERN_ADMIN_PORT": "0", "OTEL_METRIC_EXPORT_INTERVAL": "100"}
    with serving(settings, tmp_path / "log", variables) as gateway:
        for _ in range(10):
            gateway.query()
        eventually(lambda: exported_requests(collector) >= 10)  # the last one is counted after its answer
        assert exported_requests(collector) == 10
        gateway.process.process.terminate()
        assert gateway.process.status() == 0
    assert "Traceback" not in gateway.process.output


def test_a_gateway_stops_in_time_without_its_collector(
    settings: Settings, indexed_database: Database, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    variables = {
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"http://127.0.0.1:{port}/v1/metrics",
        "OTEL_METRIC_EXPORT_INTERVAL": "100",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    with serving(settings, tmp_path / "log", variables, workers=1) as gateway:
        eventually(lambda: "metrics can't be exported" in gateway.process.output)
        assert gateway.query().is_success
        assert gateway.page().is_success
        gateway.process.process.terminate()
        assert gateway.process.status() == 0
    assert gateway.process.output.count("metrics can't be exported") == 1


def test_missing_packages_are_reported_first(settings: Settings, tmp_path: Path) -> None:
    hiding = tmp_path / "hiding" / "opentelemetry"
    hiding.mkdir(parents=True)
    (hiding / "__init__.py").touch()  # hides the real packages
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "PYTHONPATH": str(hiding.parent)}
    process = Process([*LECTERN, "0"], tmp_path / "log", {**environment(settings), **variables})
    assert process.status() == 1
    assert re.sub(r"\s+", " ", process.output) == (
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: run pip install "
        "'lectern[otlp]' "
    )


@pytest.mark.parametrize(
    ("variables", "interval"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"}, 60),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://a", "OTEL_METRIC_EXPORT_INTERVAL": "5000"}, 5),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_METRICS_EXPORTER": "none"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_SDK_DISABLED": "true"}, None),
    ],
)
def test_the_environment_turns_the_export_on(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], interval: float | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert export_interval() == interval


@pytest.mark.parametrize("interval", ["soon", "0", "-1", "nan", "inf"])
def test_an_invalid_interval_is_named(monkeypatch: pytest.MonkeyPatch, interval: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", interval)
    with pytest.raises(CollectorError, match=r"OTEL_METRIC_EXPORT_INTERVAL must be a number of milliseconds"):
        export_interval()
