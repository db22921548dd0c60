"""The collector that gets the traces, as OpenTelemetry's environment variables configure it."""

import os
from importlib import import_module

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"


def traces_are_on() -> bool:
    """Returns whether a collector is configured, and no other variable turns traces off."""
    is_disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    is_chosen = (os.environ.get("OTEL_TRACES_EXPORTER") or "otlp").strip() == "otlp"
    return _first(_ENDPOINTS) is not None and is_chosen and not is_disabled


def require_exporter() -> None:
    """Imports the exporter if traces are on.

    Raises ValueError if the collector can't be reached as configured, or if OpenTelemetry isn't installed.
    """
    if not traces_are_on() or (endpoint := _first(_ENDPOINTS)) is None:
        return
    name, url = endpoint
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{name} must be a URL that begins with http:// or https://")
    if (protocol := _first(_PROTOCOLS)) and protocol[1] != _PROTOCOL:
        raise ValueError(f"{protocol[0]} must be {_PROTOCOL}: traces are exported over HTTP only")
    try:
        import_module("app.observing.tracing.span_exporter")
    except ImportError:
        raise ValueError(
            f"{name} is set, but OpenTelemetry is not installed: run pip install 'lectern[otlp]'"
        ) from None


def _first(names: tuple[str, ...]) -> tuple[str, str] | None:
    """Returns the first of these variables that is set, with its value."""
    return next(((name, value) for name in names if (value := os.environ.get(name, "").strip())), None)
