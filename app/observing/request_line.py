"""The line that the log has for each request: as JSON for programs, or in columns for people."""

from typing import Any

import orjson

from app.observing.phases import phases
from app.observing.record import Record
from app.observing.redaction import Redaction

#: The fields that a line of JSON has only if their value is known.
_OPTIONAL = (
    "trace_id", "operation", "kind", "hash", "way", "client", "client_version", "address", "subject", "code",
    "errors", "error_id", "price",
)  # fmt: skip
_OF_A_RUN = ("engine", "cached")  # the fields that a line has only if its operation was run


def json_line(record: Record) -> bytes:
    """Formats a request as JSON, ending in a newline."""
    return orjson.dumps(fields_of(record), option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def fields_of(record: Record) -> dict[str, Any]:
    """Returns the fields of a request's line, in order. Leaves out what isn't known."""
    # One literal, from which little is deleted, takes half the time of adding what is known.
    fields: dict[str, Any] = {
        "event": "request",
        "level": "info",
        "timestamp": record.at,
        "request_id": record.id,
        "trace_id": record.parent.trace_id,
        "operation": record.name,
        "kind": record.kind,
        "hash": record.hash,
        "way": record.way,
        "client": record.client.name,
        "client_version": record.client.version,
        "address": record.address if Redaction.shows_values else "",
        "subject": record.subject if Redaction.shows_values else "",
        "viewer": record.viewer,
        "status": record.status,
        "code": record.code,
        "errors": record.errors,
        "error_id": record.error_id,
        "engine": record.engine,
        "cached": record.was_cached,
        "price": record.price,
        "commands": record.command_count,
        "mongo_ms": round(record.command_ms * 1000) / 1000,
        "ms": _ms(record.ended - record.began),
    }
    _add_phases(fields, record)
    fields["bytes"] = record.bytes
    for name in _OPTIONAL:
        if not fields[name]:
            del fields[name]
    if not record.engine:
        for name in _OF_A_RUN:
            del fields[name]
    return fields


def _add_phases(fields: dict[str, Any], record: Record) -> None:
    received, prepared, admitted = record.received, record.prepared, record.admitted
    if record.executed:  # the usual case, in a faster way
        fields["receive_ms"] = _ms(received - record.began)
        fields["prepare_ms"] = _ms(prepared - received)
        fields["wait_ms"] = _ms(admitted - prepared)
        fields["run_ms"] = _ms(record.executed - admitted)
        fields["encode_ms"] = _ms(record.ended - record.executed)
        return
    for name, began, ended in phases(record):
        fields[f"{name}_ms"] = _ms(ended - began)


def console_line(record: Record) -> bytes:
    """Formats a request for people: the fields that matter most, in columns. Ends in a newline."""
    time = record.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    what = " ".join([record.kind or "request", record.name or record.hash]).strip()
    failed = f" {record.code}" if record.code else ""
    client = f"{record.client.name}/{record.client.version}".strip("/")
    commands = f"{record.command_count} commands {record.command_ms:.1f} ms"
    columns = f"{what:<28} {record.status}{failed} {_ms(record.seconds):>8.1f} ms  {commands:<22}"
    details = f"price={record.price} bytes={record.bytes} viewer={record.viewer} id={record.id}"
    line = f"{time} [info     ] {columns} {details}" + (f" client={client}" if client else "")
    return f"{line}\n".encode()


def _ms(seconds: float) -> float:
    """Converts to milliseconds, rounded to three decimals; `round` with a number of decimals is slower."""
    return round(seconds * 1_000_000) / 1000
