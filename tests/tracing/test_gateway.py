"""Traces of a running gateway, as a collector gets them."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from app.settings import Settings
from tests.server.processes import LECTERN, Process, until
from tests.storm.processes import free_ports
from tests.support import SECRET
from tests.tracing.collector import Collector, collecting, values

FIVE_DEEP = """
query CoursePage($search: String) {
  courses(first: 10, filter: { search: $search }) { nodes {
    id title
    reviews(first: 5) { nodes { id rating student { id name reviews(first: 3) { nodes {
      id rating title course { id title }
    } } } } }
  } }
}"""
LEVELS = ["Query.courses", "Course.reviews", "Review.student", "Student.reviews", "Review.course"]
PHASES = ["receive", "prepare", "wait", "run", "encode"]
ID, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@contextmanager
def gateway(settings: Settings, log: Path, endpoint: str, **environment: str) -> Iterator[Process]:
    """`lectern serve` with two workers, which exports all traces to an endpoint."""
    process = Process(
        [*LECTERN, "0", "--workers", "2"],
        log,
        {
            "LECTERN_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
            "LECTERN_MONGODB_DATABASE": settings.mongodb_database,
            "LECTERN_MONGODB_DRIVER": settings.mongodb_driver,
            "LECTERN_SECRET": SECRET,
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "LECTERN_TRACE_SAMPLING": "1",
            **environment,
        },
    )
    try:
        assert process.port
        yield process
    finally:
        process.kill()


def ask(process: Process, query: str = "{ __typename }", **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"http://127.0.0.1:{process.port}/graphql"
    answer = httpx.post(url, json={"query": query}, headers=named, timeout=30)
    found: dict[str, Any] = answer.json()
    return found


def sent(trace_id: str = ID, *, sampled: bool = False) -> str:
    return f"00-{trace_id}-{SPAN}-0{int(sampled)}"


def named(spans: list[Span], kind: "Span.SpanKind.ValueType") -> list[str]:
    return [span.name for span in spans if span.kind == kind]


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
def test_a_trace_has_a_span_for_each_phase_level_and_command(
    sample: Settings, tmp_path: Path, collector: Collector, driver: str
) -> None:
    changed = sample.model_copy(update={"mongodb_driver": driver})
    with gateway(changed, tmp_path / "log", collector.url, TRACE_PLAN="true") as process:
        answer = ask(
            process, FIVE_DEEP, traceparent=sent(), x_lectern_trace="plan", apollographql_client_name="web"
        )
        request, *spans = collector.trace(ID)
    assert request.name == "query CoursePage"
    assert (request.kind, request.parent_span_id.hex()) == (Span.SPAN_KIND_SERVER, SPAN)
    attributes = values(request.attributes)
    assert attributes.items() >= {
        "http.request.method": "POST", "http.route": "/graphql", "http.response.status_code": 200,
        "graphql.operation.type": "query", "graphql.operation.name": "CoursePage",
        "lectern.client.name": "web", "lectern.viewer": "public", "lectern.engine": "compiled",
        "lectern.sampled": "rate",
    }.items()  # fmt: skip
    assert attributes["lectern.operation.price"] > 10
    assert named(spans, Span.SPAN_KIND_INTERNAL) == [*PHASES, *LEVELS]
    commands = named(spans, Span.SPAN_KIND_CLIENT)
    assert len(commands) == answer["extensions"]["lectern"]["mongo"]["commands"]
    assert {name.split()[1] for name in commands} == {"courses", "reviews", "students"}
    assert_nested([request, *spans])
    by_id = {span.span_id: span for span in spans}
    assert all(by_id[s.parent_span_id].name in LEVELS for s in spans if s.kind == Span.SPAN_KIND_CLIENT)
    run = next(span for span in spans if span.name == "run")
    assert all(span.parent_span_id == run.span_id for span in spans if span.name in LEVELS)
    courses = next(span for span in spans if span.name in {"find courses", "aggregate courses"})
    assert values(courses.attributes) == {
        "db.system.name": "mongodb", "db.namespace": sample.mongodb_database,
        "db.operation.name": courses.name.split()[0], "db.collection.name": "courses",
        "db.response.returned_rows": 11,
    }  # fmt: skip
    reviews = next(span for span in spans if span.name == "Course.reviews")
    assert values(reviews.attributes) == {"lectern.level.parents": 10, "lectern.level.depth": 2}


def assert_nested(spans: list[Span]) -> None:
    """Each span but the first is in another one of its trace, also in its time."""
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans)
    for span in spans[1:]:
        parent = by_id[span.parent_span_id]
        assert span.trace_id == parent.trace_id
        assert parent.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= parent.end_time_unix_nano


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
def test_what_graphql_core_runs_has_no_levels(
    sample: Settings, tmp_path: Path, collector: Collector, driver: str
) -> None:
    changed = sample.model_copy(update={"mongodb_driver": driver})
    with gateway(changed, tmp_path / "log", collector.url, LECTERN_COMPILED_EXECUTION="false") as process:
        ask(process, FIVE_DEEP, traceparent=sent())
        spans = collector.trace(ID)
    assert named(spans, Span.SPAN_KIND_INTERNAL) == PHASES
    run = next(span for span in spans if span.name == "run")
    commands = [span for span in spans if span.kind == Span.SPAN_KIND_CLIENT]
    assert len(commands) >= len(LEVELS)
    assert {span.parent_span_id for span in commands} == {run.span_id}
    assert_nested(spans)


def test_opentelemetry_s_variables_apply_and_each_worker_is_an_instance_of_the_service(
    sample: Settings, tmp_path: Path, collector: Collector
) -> None:
    variables = {
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=secret",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_SERVICE_NAME": "catalogue",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
    }
    with gateway(sample, tmp_path / "log", collector.url, **variables) as process:
        until(lambda: ask(process) and len({r["service.instance.id"] for r in collector.resources}) == 2)
    assert {resource["service.name"] for resource in collector.resources} == {"catalogue"}
    assert {resource["deployment.environment.name"] for resource in collector.resources} == {"test"}
    assert collector.headers["x-key"] == "secret"


def test_a_stopping_gateway_exports_what_is_left(
    sample: Settings, tmp_path: Path, collector: Collector
) -> None:
    with gateway(sample, tmp_path / "log", collector.url) as process:
        ids = [f"{number:032x}" for number in range(1, 31)]
        for trace_id in ids:
            ask(process, traceparent=sent(trace_id))
        process.signal(signal.SIGTERM)
        process.status()
    assert collector.traces().keys() == set(ids)
    service = {(resource["service.name"], resource["service.version"]) for resource in collector.resources}
    assert service == {("lectern", metadata.version("lectern"))}


def test_failed_and_slow_requests_are_exported_without_sampling(
    sample: Settings, tmp_path: Path, collector: Collector
) -> None:
    slow = gateway(
        sample,
        tmp_path / "slow",
        collector.url,
        LECTERN_TRACE_SAMPLING="0",
        LECTERN_SLOW_OPERATION="0.000001",
    )
    with slow as process:
        ask(process, traceparent=sent())
        assert values(collector.trace(ID)[0].attributes)["lectern.sampled"] == "slow"
    failing = gateway(
        sample,
        tmp_path / "failed",
        collector.url,
        LECTERN_TRACE_SAMPLING="0",
        LECTERN_REQUEST_TIMEOUT="0.001",
    )
    with failing as process:
        failed = sent("f" * 32)
        ask(process, "{ nothing }", traceparent=sent("1" * 32))  # the client's mistake
        until(lambda: ask(process, FIVE_DEEP, traceparent=failed)["errors"])
        request = collector.trace("f" * 32)[0]
    attributes = values(request.attributes)
    assert (attributes["lectern.sampled"], attributes["error.type"]) == ("failed", "TIMEOUT")
    assert request.status.code == Status.STATUS_CODE_ERROR
    assert "1" * 32 not in collector.traces()


def test_a_client_that_samples_everything_is_limited(
    sample: Settings, tmp_path: Path, collector: Collector
) -> None:
    variables = {"LECTERN_TRACE_SAMPLING": "0", "LECTERN_LOG_FORMAT": "json"}
    with gateway(sample, tmp_path / "log", collector.url, **variables) as process:
        ask(process)
        ids = [f"{number:032x}" for number in range(1, 1001)]
        with httpx.Client(timeout=30) as client:
            url = f"http://127.0.0.1:{process.port}/graphql"
            for trace_id in ids:
                headers = {"traceparent": sent(trace_id, sampled=True)}
                client.post(url, json={"query": "{ __typename }"}, headers=headers)
        process.signal(signal.SIGTERM)
        process.status()
    requests = [orjson.loads(line) for line in process.output.splitlines() if '"event":"request"' in line]
    assert sorted(line.get("trace_id", "") for line in requests) == ["", *ids]
    assert collector.traces().keys() <= set(ids)
    starts = [span.start_time_unix_nano for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER]
    seconds = (max(starts) - min(starts)) / 1e9
    workers = {resource["service.instance.id"] for resource in collector.resources}
    # one more for each worker: a request is sampled a moment after its span starts
    assert 0 < len(starts) <= (20 * (seconds + 1) + 1) * len(workers)


def test_a_collector_that_is_away_is_logged_once_and_delays_nobody(sample: Settings, tmp_path: Path) -> None:
    away = f"http://127.0.0.1:{free_ports(1)[0]}"  # nothing listens there
    fast = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1.5", "LECTERN_LOG_FORMAT": "json"}
    with gateway(sample, tmp_path / "log", away, **fast) as process:
        until(lambda: ask(process)["data"] and "can't be exported" in process.output)
        for _ in range(100):
            assert ask(process)["data"]
        process.signal(signal.SIGTERM)
        assert process.status() == 0
        lines = [orjson.loads(line) for line in process.output.splitlines() if line.startswith("{")]
    # Tests beside this one kill gateways that use the same mongod.
    told = [line for line in lines if line["level"] != "info" and "a gateway died" not in line["event"]]
    events = Counter(line["event"] for line in told)
    assert events.keys() <= {"traces can't be exported", "metrics can't be exported"}
    assert 1 <= events["traces can't be exported"] <= 2  # one for each worker
    assert events["metrics can't be exported"] <= 1  # the collector is the metrics' too
    warnings = [line for line in told if line["event"] == "traces can't be exported"]
    assert "Connection refused" in warnings[0]["reason"]
    assert warnings[0]["spans_dropped"] >= 4
    assert "Traceback" not in process.output


MARKER = "ada.lovelace-marker"


def test_nothing_that_a_client_sends_as_a_value_is_exported(
    sample: Settings, tmp_path: Path, collector: Collector
) -> None:
    with gateway(sample, tmp_path / "log", collector.url) as process:
        url = f"http://127.0.0.1:{process.port}/graphql?marker={MARKER}"
        headers = {
            "traceparent": sent(), "user-agent": MARKER, "cookie": MARKER, "x-forwarded-for": "203.0.113.77",
        }  # fmt: skip
        bodies: list[dict[str, Any]] = [
            {"query": FIVE_DEEP, "variables": {"search": f"{MARKER}@example.org"}},
            {"query": f'{{ course(slug: "{MARKER}") {{ id }} }}'},
            {"query": f'{{ course(slug: "{MARKER}") {{ nothing }} }}'},
            {"query": f'mutation {{ signIn(input: {{ email: "{MARKER}@example.org", password: "{MARKER}" }})'
             " { errors { code } } }"},
        ]  # fmt: skip
        for body in bodies:
            httpx.post(url, json=body, headers=headers, timeout=30)
        httpx.post(url, json=bodies[0], headers=headers | {"authorization": f"Bearer {MARKER}"}, timeout=30)
        until(lambda: sum(s.kind == Span.SPAN_KIND_SERVER for s in list(collector.spans)) == len(bodies) + 1)
    exported = b"".join(collector.bodies)
    assert b"find courses" in exported
    for value in (MARKER, "lovelace", "example.org", "127.0.0.1", "203.0.113.77", SECRET):
        assert value.encode() not in exported


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"},
            "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL that begins with http:// or https://",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf: traces are exported over HTTP only",
        ),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a/v1/traces", "PYTHONPATH": "{absent}"},
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set, but OpenTelemetry is not installed: run pip install "
            "'lectern[otlp]'",
        ),
    ],
)
def test_what_can_t_be_exported_prevents_the_start(
    tmp_path: Path, variables: dict[str, str], told: str
) -> None:
    (tmp_path / "opentelemetry.py").write_text("raise ImportError")
    environment = {name: value.format(absent=tmp_path) for name, value in variables.items()}
    for command in ("serve", "dev"):
        done = subprocess.run(
            [LECTERN[0], command, "--port", "0"],
            capture_output=True,
            text=True,
            env=ENVIRONMENT | environment,
        )
        assert done.returncode == 1
        assert " ".join(done.stderr.split()) == told


ENVIRONMENT = {"PATH": "/usr/bin:/bin", "COLUMNS": "200"}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_traces_opentelemetry_is_not_imported(variables: dict[str, str]) -> None:
    code = """
import sys
from app.main import from_environment
from app.observing import require_exporter
require_exporter("traces")
from_environment()
assert not [name for name in sys.modules if name.startswith(("opentelemetry", "google.protobuf"))]
"""
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT | variables)
