"""Observability: the record of each request, its listeners, and the log."""

from app.observing.instrumentation import Instrumentation, Listener, Refused
from app.observing.log_listener import LogListener, outcome_of
from app.observing.logs import Log, configure_logs
from app.observing.record import Client, LevelCalled, Record
from app.observing.redaction import redacted
from app.observing.request_log import RequestLog
from app.observing.throttled import Throttled, ThrottledErrors
from app.observing.trace_context import NO_PARENT, TraceContext, new_trace, read_traceparent
from app.observing.tracing import Traces, require_exporter, traces_are_on

__all__ = [
    "NO_PARENT",
    "Client",
    "Instrumentation",
    "LevelCalled",
    "Listener",
    "Log",
    "LogListener",
    "Record",
    "Refused",
    "RequestLog",
    "Throttled",
    "ThrottledErrors",
    "TraceContext",
    "Traces",
    "configure_logs",
    "new_trace",
    "outcome_of",
    "read_traceparent",
    "redacted",
    "require_exporter",
    "traces_are_on",
]
