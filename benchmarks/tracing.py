"""The CPU time that traces cost: for a request that isn't exported, and for one that is.

    python -m benchmarks.tracing

For a request that isn't exported, only that decision is made. The spans of one that is exported are made and
encoded in a thread; sending them is left out. The request has five levels with one command each, so it has 16
spans with its phases. The numbers are minima of several runs, because the machine may be busy.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource

from app.observing import NO_PARENT, LevelCalled, Record, TraceContext, Traces
from app.observing.tracing.sampling import Sampled, Sampling
from app.observing.tracing.spans import Origin, spans_of
from benchmarks import report
from loaders.mongo import CommandSent

_RUNS = 20
_LEVELS = 5
_UNSAMPLED = "f" * 32


def main() -> None:
    record, origin = _record(TraceContext(_UNSAMPLED)), Origin.of(Resource({}), "1", "lectern")
    untraced = _record(NO_PARENT)
    traces, never = (Traces(Sampling(rate, slow=1.0), _Nowhere()) for rate in (0.01, 0.0))
    spans = len(spans_of(record, Sampled.RATE, origin))
    exported = _microseconds(lambda: encode_spans(spans_of(record, Sampled.RATE, origin)), 100)
    unsampled = {
        "the record of a request, for comparison": lambda: Record(record.at),
        "the decision not to export a request": lambda: traces.request_ended(record),
        "the same, if its client sent no trace id": lambda: never.request_ended(untraced),
    }
    nothing = _microseconds(lambda: None, 20_000)
    rows = [(name, _microseconds(work, 20_000) - nothing) for name, work in unsampled.items()]
    rows += [(f"the {spans} spans of an exported request", exported), ("each of them", exported / spans)]
    print(report.table(["", "µs"], [(name, f"{cost:.2f}") for name, cost in rows]))


class _Nowhere:
    """An exporter for requests that aren't exported."""

    def spans(self, record: Record, sampled: Sampled) -> list[object]:
        raise NotImplementedError

    def export(self, spans: object) -> str:
        raise NotImplementedError


def _record(parent: TraceContext) -> Record:
    record = Record(datetime.now(UTC), "5f2c7a9be01d4c38", parent=parent)
    at = record.began
    record.kind, record.name, record.hash, record.engine = "query", "CoursePage", "2f6c0a4b", "compiled"
    record.status, record.price, record.bytes = 200, 250, 20_000
    record.received, record.prepared, record.admitted = at + 0.001, at + 0.002, at + 0.003
    record.executed, record.ended = at + 0.04, at + 0.05
    for number in range(_LEVELS):
        began = record.admitted + number / 200
        record.level_called(LevelCalled(number, "Course.reviews", 10, 4.0, number + 1, began))
        record.command_sent(CommandSent("aggregate", "reviews", 3.0, 10, began + 0.0005, number))
    return record


def _microseconds(work: Callable[[], object], times: int) -> float:
    """Returns the CPU time of a call."""
    best = float("inf")
    for _ in range(_RUNS):
        began = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - began)
    return best / times * 1e6


if __name__ == "__main__":
    main()
