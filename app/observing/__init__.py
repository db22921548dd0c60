"""Observability: the record of each request, its listeners, and the log."""

from app.observing.instrumentation import Instrumentation, Listener, Refused
from app.observing.log_listener import LogListener, outcome_of
from app.observing.logs import Log, configure_logs
from app.observing.record import Client, LevelCalled, Record
from app.observing.redaction import reason_of
from app.observing.request_log import RequestLog
from app.observing.throttled import Throttled
from app.observing.trace_context import NO_PARENT, TraceContext, read_traceparent

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
    "TraceContext",
    "configure_logs",
    "outcome_of",
    "read_traceparent",
    "reason_of",
]
