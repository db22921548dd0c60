"""Whether, and how often, the metrics are exported to an OpenTelemetry collector."""

import os
from contextlib import suppress
from importlib.util import find_spec
from math import inf

_DEFAULT = 60_000.0  # milliseconds


class ExportError(Exception):
    """The metrics can't be exported as the environment says. The message says what to change."""


def export_interval() -> float | None:
    """Returns the seconds between two exports, or None if the environment names no collector.

    Raises ExportError if the interval is invalid, or the packages for the export aren't installed.
    """
    endpoints = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    named = next((name for name in endpoints if os.environ.get(name)), None)
    if named is None or _is_turned_off():
        return None
    if not _is_installed("opentelemetry.sdk") or not _is_installed("opentelemetry.exporter.otlp.proto.http"):
        raise ExportError(
            f"{named}: needs the packages of Lectern's extra `otlp`: pip install 'lectern[otlp]'"
        )
    text = os.environ.get("OTEL_METRIC_EXPORT_INTERVAL") or _DEFAULT
    with suppress(ValueError):
        if 0 < (milliseconds := float(text)) < inf:
            return milliseconds / 1000
    raise ExportError("OTEL_METRIC_EXPORT_INTERVAL: must be a number of milliseconds above 0")


def _is_turned_off() -> bool:
    is_disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return is_disabled or os.environ.get("OTEL_METRICS_EXPORTER", "").lower() == "none"


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # not even the package that contains it is there
        return False
