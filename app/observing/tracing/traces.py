"""The listener that chooses which requests are exported as traces."""

from importlib import metadata

from app.observing.instrumentation import Listener
from app.observing.record import Record
from app.observing.trace_context import new_trace
from app.observing.tracing.sampling import Sampled, Sampling
from app.observing.tracing.span_queue import Exporter, SpanQueue, number_of_spans
from app.settings import Settings


class Traces(Listener):
    """Queues the records of sampled requests for export. The others cost a few comparisons.

    It must come before the listeners that read the trace of a request, because it decides on that.

    exported, dropped: the number of spans so far. Spans are dropped if too many requests are to be exported,
    or if the collector doesn't take them.
    """

    def __init__(self, sampling: Sampling, exporter: Exporter) -> None:
        self._sampled = sampling.of
        self._queue = SpanQueue(exporter)
        self._over = 0

    @staticmethod
    def preload() -> None:
        """Imports OpenTelemetry. Call this before forking, so that the workers share its memory."""
        from app.observing.tracing import span_exporter  # noqa: F401, PLC0415 # only where traces are on

    @classmethod
    def of(cls, settings: Settings) -> "Traces":
        """Returns the traces of a process, which go to the collector in the environment.

        Starts a thread, so it must be called after forking.
        """
        from app.observing.tracing.span_exporter import SpanExporter  # noqa: PLC0415 # only where traces are on

        exporter = SpanExporter(settings.mongodb_database, metadata.version("lectern"))
        return cls(Sampling(settings.trace_sampling, settings.slow_operation), exporter)

    @property
    def exported(self) -> int:
        return self._queue.exported

    @property
    def dropped(self) -> int:
        return self._queue.dropped + self._over

    def request_ended(self, record: Record) -> None:
        if (sampled := self._sampled(record)) is None:
            return
        if sampled is Sampled.OVER:
            self._over += number_of_spans(record)
        else:
            record.is_exported = True
            if not record.parent.trace_id:
                record.parent = new_trace()
            self._queue.put(record, sampled)

    def close(self) -> None:
        """Waits until everything is exported, for at most a second."""
        self._queue.close()
