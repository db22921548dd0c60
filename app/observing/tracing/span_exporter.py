"""Exports spans with OpenTelemetry's SDK. Imported only if traces are on, because the SDK is optional."""

import logging
from collections.abc import Sequence
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from app.observing.record import Record
from app.observing.redaction import without_secrets
from app.observing.tracing.sampling import Sampled
from app.observing.tracing.spans import Origin, spans_of

_LONGEST = 300  # maximum length of a reason, in characters


class SpanExporter:
    """Turns records into spans, and sends them to the collector that OpenTelemetry's variables configure.

    database: the name of the database. version: Lectern's version.
    """

    def __init__(self, database: str, version: str) -> None:
        self._origin = Origin.of(_resource(version), version, database)
        self._otlp = OTLPSpanExporter()
        self._reasons = _Reasons()
        logger = logging.getLogger(trace_exporter.__name__)
        logger.handlers, logger.propagate = [self._reasons], False

    def spans(self, record: Record, sampled: Sampled) -> Sequence[ReadableSpan]:
        return spans_of(record, sampled, self._origin)

    def export(self, spans: Sequence[ReadableSpan]) -> str:
        """Returns why it failed; empty if the collector has taken the spans. Waits for the collector."""
        self._reasons.first = ""
        if self._otlp.export(spans) is SpanExportResult.SUCCESS:
            return ""
        return self._reasons.first or "unknown"


class _Reasons(logging.Handler):
    """Keeps the first of the exporter's messages about an export. The later ones are about its retries."""

    first = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.first = self.first or without_secrets(" ".join(record.getMessage().split()))[:_LONGEST]


def _resource(version: str) -> Resource:
    """Describes this process. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have precedence."""
    own = {"service.name": "lectern", "service.version": version, "service.instance.id": str(uuid4())}
    return Resource.create({**own, **OTELResourceDetector().detect().attributes})
