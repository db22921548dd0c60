"""The queue of requests to be exported as spans, and the thread that exports them."""

from collections import deque
from collections.abc import Sequence
from threading import Event, Thread
from time import monotonic
from typing import Any, NamedTuple, Protocol, TypeAlias

import structlog

from app.observing.exit_hooks import at_exit
from app.observing.phases import phases
from app.observing.record import Record
from app.observing.tracing.sampling import Sampled

_MOST_PENDING = 32_768  # maximum number of spans that wait for the collector; a span takes about 200 bytes
_MOST_AT_ONCE = 512  # number of spans from which on a batch is full
_EVERY = 1.0  # seconds between exports
_LAST = 0.8  # seconds that a process that ends waits for the collector
_WARNING_EVERY = 60.0  # minimum seconds between warnings

_Spans: TypeAlias = Sequence[Any]  # OpenTelemetry's spans; OpenTelemetry needn't be installed

_log = structlog.get_logger("lectern")


class Exporter(Protocol):
    """Turns records into spans, and sends spans to a collector. Used only in the queue's thread."""

    def spans(self, record: Record, sampled: Sampled) -> _Spans: ...

    def export(self, spans: _Spans) -> str:
        """Returns why it failed; empty if the collector has taken the spans."""
        ...


def number_of_spans(record: Record) -> int:
    """Returns the number of spans of a request that has just ended."""
    return 1 + len(phases(record)) + len(record.levels) + len(record.commands)


class _Pending(NamedTuple):
    record: Record
    sampled: Sampled
    size: int


class SpanQueue:
    """Exports records in a thread, so that requests never wait for the collector.

    If the collector is too slow, further records are dropped and counted.
    """

    def __init__(self, exporter: Exporter) -> None:
        self.exported = 0
        self._exporter = exporter
        self._pending: deque[_Pending] = deque()
        # Each counter is changed by one thread only.
        self._added = self._refused = 0
        self._taken = self._lost = 0
        self._warn_at = 0.0
        self._has_records, self._is_ending = Event(), Event()
        self._thread = Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()
        at_exit(self.close)

    @property
    def dropped(self) -> int:
        return self._refused + self._lost

    def put(self, record: Record, sampled: Sampled) -> None:
        size = number_of_spans(record)
        if self._added - self._taken > _MOST_PENDING:
            self._refused += size
            return
        self._added += size
        self._pending.append(_Pending(record, sampled, size))
        if not self._has_records.is_set():
            self._has_records.set()

    def close(self) -> None:
        """Waits until everything is exported, for at most a second."""
        self._is_ending.set()
        self._has_records.set()
        self._thread.join(_LAST)

    def _run(self) -> None:
        while not self._is_ending.is_set():
            self._has_records.wait()
            self._is_ending.wait(_EVERY)  # more records will follow soon, and are exported together
            self._has_records.clear()
            while self._pending:
                self._export(self._batch())

    def _batch(self) -> list[_Pending]:
        batch, size = [], 0
        while self._pending and size < _MOST_AT_ONCE:
            batch.append(self._pending.popleft())
            size += batch[-1].size
        return batch

    def _export(self, batch: list[_Pending]) -> None:
        size = sum(pending.size for pending in batch)
        try:
            spans = [
                span for pending in batch for span in self._exporter.spans(pending.record, pending.sampled)
            ]
            failure = self._exporter.export(spans)
        except Exception as error:  # without this thread, there would be no more traces
            failure = type(error).__name__
        if failure:
            self._lost += size
            self._warn(failure)
        else:
            self.exported += size
        self._taken += size

    def _warn(self, failure: str) -> None:
        # Throttled can't be used, because it needs an event loop.
        if monotonic() >= self._warn_at:
            _log.warning("traces can't be exported", reason=failure, spans_dropped=self.dropped)
            self._warn_at = monotonic() + _WARNING_EVERY
