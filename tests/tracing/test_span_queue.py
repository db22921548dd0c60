"""The queue between the requests and the collector."""

from collections.abc import Iterator, Sequence
from threading import Event
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.observing import Record, TraceContext, Traces
from app.observing.tracing import span_queue
from app.observing.tracing.sampling import Sampled, Sampling
from tests.server.processes import until
from tests.support import NOW


class Exporter:
    """Keeps the batches; fails with `failure`, and waits while `is_open` isn't set."""

    def __init__(self) -> None:
        self.batches: list[Sequence[Any]] = []
        self.failure = ""
        self.is_open = Event()
        self.is_open.set()

    def spans(self, record: Record, sampled: Sampled) -> Sequence[Any]:
        if record.id == "broken":
            raise ValueError(record.id)
        return [record, record]

    def export(self, spans: Sequence[Any]) -> str:
        self.is_open.wait()
        self.batches.append(spans)
        return self.failure


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Exporter:
    monkeypatch.setattr(span_queue, "_EVERY", 0.01)
    return Exporter()


@pytest.fixture
def traces(exporter: Exporter) -> Iterator[Traces]:
    traces = Traces(Sampling(1, 1), exporter)
    yield traces
    exporter.is_open.set()
    traces.close()


def ended(id: str = "") -> Record:
    """A record with two spans: those of the request, and of its first phase."""
    record = Record(NOW, id, parent=TraceContext("1" * 32))
    record.ended = record.began + 1
    return record


def test_records_are_exported_together(traces: Traces, exporter: Exporter) -> None:
    exporter.is_open.clear()
    for _ in range(1000):
        traces.request_ended(ended())
    exporter.is_open.set()
    until(lambda: traces.exported == 2000)
    assert max(map(len, exporter.batches)) == 512
    assert traces.dropped == 0


def test_while_the_collector_is_slow_a_bounded_number_waits(traces: Traces, exporter: Exporter) -> None:
    exporter.is_open.clear()
    for _ in range(20_000):
        traces.request_ended(ended())
    kept = span_queue._MOST_PENDING + 2
    assert traces.dropped == 40_000 - kept
    exporter.is_open.set()
    until(lambda: traces.exported == kept)
    traces.request_ended(ended())
    until(lambda: traces.exported == kept + 2)


def test_failures_are_counted_and_the_first_is_logged(traces: Traces, exporter: Exporter) -> None:
    exporter.failure = "refused"
    with capture_logs() as logged:
        for number in range(1, 4):
            traces.request_ended(ended())
            until(lambda number=number: traces.dropped == 2 * number)  # type: ignore[misc]
    assert logged == [
        {"event": "traces can't be exported", "log_level": "warning", "reason": "refused", "spans_dropped": 2}
    ]
    exporter.failure = ""
    traces.request_ended(ended())
    until(lambda: traces.exported == 2)


def test_an_error_of_ours_doesn_t_end_the_export(traces: Traces) -> None:
    with capture_logs() as logged:
        traces.request_ended(ended("broken"))
        until(lambda: traces.dropped == 2 and logged)
    assert [line["reason"] for line in logged] == ["ValueError"]
    traces.request_ended(ended())
    until(lambda: traces.exported == 2)


def test_the_end_waits_for_what_is_left_but_not_for_long(traces: Traces, exporter: Exporter) -> None:
    for _ in range(10):
        traces.request_ended(ended())
    traces.close()
    assert traces.exported == 20


def test_the_end_doesn_t_wait_forever(
    traces: Traces, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(span_queue, "_LAST", 0.01)
    exporter.is_open.clear()
    traces.request_ended(ended())
    traces.close()
    assert traces.exported == 0


def test_what_is_over_the_limit_is_counted(exporter: Exporter) -> None:
    traces = Traces(Sampling(0, 1), exporter)
    slow = ended()
    for _ in range(21):
        traces.request_ended(slow)
    assert traces.dropped == 2
    traces.close()
