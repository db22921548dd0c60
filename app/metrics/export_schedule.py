"""How often the metrics are exported to an OpenTelemetry collector."""

import os
from contextlib import suppress
from math import inf

from app.observing import CollectorError, is_exported

_DEFAULT = 60_000.0  # milliseconds


def export_interval() -> float | None:
    """Returns the seconds between two exports, or None if the metrics are not exported.

    Raises CollectorError if the interval is invalid.
    """
    if not is_exported("metrics"):
        return None
    text = os.environ.get("OTEL_METRIC_EXPORT_INTERVAL") or _DEFAULT
    with suppress(ValueError):
        if 0 < (milliseconds := float(text)) < inf:
            return milliseconds / 1000
    raise CollectorError("OTEL_METRIC_EXPORT_INTERVAL must be a number of milliseconds above 0")
