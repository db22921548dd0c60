"""Observability: the log, the metrics and the traces of requests."""

from app.observing.instrumentation import (
    Instrumentation,
    LevelCalled,
    Listener,
    OperationRun,
    Refused,
    RequestEnded,
)
from app.observing.log_listener import LogListener
from app.observing.logs import Throttled, configure_logs
from app.observing.metrics import Metrics
from app.observing.tracing import Trace

__all__ = [
    "Instrumentation",
    "LevelCalled",
    "Listener",
    "LogListener",
    "Metrics",
    "OperationRun",
    "Refused",
    "RequestEnded",
    "Throttled",
    "Trace",
    "configure_logs",
]
