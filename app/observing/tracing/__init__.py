"""Traces: requests as OpenTelemetry's spans, exported over OTLP/HTTP.

OpenTelemetry is imported only if traces are on.
"""

from app.observing.tracing.traces import Traces

__all__ = ["Traces"]
