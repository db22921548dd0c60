"""What the gateway tells of itself: the log, the metrics, the trace of a request."""

from app.observing.late_writes import log_late_write
from app.observing.logs import Throttled, configure_logs
from app.observing.metrics import METRICS_ROUTES, operations
from app.observing.tracing import traced_commands

__all__ = [
    "METRICS_ROUTES",
    "Throttled",
    "configure_logs",
    "log_late_write",
    "operations",
    "traced_commands",
]
