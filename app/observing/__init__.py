"""Observability: the record of each request, its listeners, and the log."""

from app.observing.collector import CollectorError, is_exported, require_exporter
from app.observing.exit_hooks import run_exit_hooks
from app.observing.instrumentation import Instrumentation, Listener, Refused
from app.observing.log_listener import LogListener, outcome_of
from app.observing.logs import Log, configure_logs
from app.observing.record import Client, LevelCalled, Record
from app.observing.redaction import Redaction, redacted, without_secrets
from app.observing.request_log import RequestLog
from app.observing.throttled import Throttled, ThrottledErrors
from app.observing.trace_context import NO_PARENT, TraceContext, new_trace, read_traceparent
from app.observing.tracing import Traces

__all__ = [
    "NO_PARENT",
    "Client",
    "CollectorError",
    "Instrumentation",
    "LevelCalled",
    "Listener",
    "Log",
    "LogListener",
    "Record",
    "Redaction",
    "Refused",
    "RequestLog",
    "Throttled",
    "ThrottledErrors",
    "TraceContext",
    "Traces",
    "configure_logs",
    "is_exported",
    "new_trace",
    "outcome_of",
    "read_traceparent",
    "redacted",
    "require_exporter",
    "run_exit_hooks",
    "without_secrets",
]
