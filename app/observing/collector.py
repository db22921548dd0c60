"""The OpenTelemetry collector that gets traces and metrics, as OpenTelemetry's environment variables name it.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/ describes the variables.
"""

import os
from importlib.util import find_spec
from typing import Literal, TypeAlias

Signal: TypeAlias = Literal["traces", "metrics"]

_PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_PROTOCOL = "http/protobuf"


class CollectorError(Exception):
    """Nothing can be exported as the environment says. The message says what to change."""


def is_exported(signal: Signal) -> bool:
    """Returns whether a collector is named for a signal, and no other variable turns its export off."""
    is_disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    exporter = os.environ.get(f"OTEL_{signal.upper()}_EXPORTER", "").strip().lower() or "otlp"
    return not is_disabled and exporter == "otlp" and _first(signal, "ENDPOINT") is not None


def require_exporter(signal: Signal) -> None:
    """Raises CollectorError if a signal is to be exported but can't be."""
    if not is_exported(signal) or (endpoint := _first(signal, "ENDPOINT")) is None:
        return
    name, url = endpoint
    if not url.startswith(("http://", "https://")):
        raise CollectorError(f"{name} must be a URL that begins with http:// or https://")
    if (protocol := _first(signal, "PROTOCOL")) and protocol[1] != _PROTOCOL:
        raise CollectorError(f"{protocol[0]} must be {_PROTOCOL}: {signal} are exported over HTTP only")
    if not all(map(_is_installed, _PACKAGES)):
        raise CollectorError(
            f"{name} is set, but OpenTelemetry is not installed: run pip install 'lectern[otlp]'"
        )


def _first(signal: Signal, what: str) -> tuple[str, str] | None:
    """Returns the signal's own variable, or else the one for all signals, with its value."""
    names = (f"OTEL_EXPORTER_OTLP_{signal.upper()}_{what}", f"OTEL_EXPORTER_OTLP_{what}")
    return next(((name, value) for name in names if (value := os.environ.get(name, "").strip())), None)


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ImportError:  # the package that contains it is missing, or can't be imported
        return False
