"""The spans of a request: for the request, its phases, its levels, and its commands to MongoDB.

Names of attributes are those of OpenTelemetry's semantic conventions, where they have one. No attribute has
a variable, an address, or a value from the database.
"""

from collections.abc import Mapping
from random import getrandbits
from typing import NamedTuple, TypeAlias

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from app.observing.phases import phases
from app.observing.record import LevelCalled, Record
from app.observing.tracing.sampling import Sampled, is_failed
from loaders.mongo import CommandSent

_PATH = "/graphql"
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_UNSET, _ERROR = Status(StatusCode.UNSET), Status(StatusCode.ERROR)

_Attributes: TypeAlias = Mapping[str, str | int]


class Origin(NamedTuple):
    """What all spans of a process share. database: the name of the database."""

    resource: Resource
    scope: InstrumentationScope
    database: str

    @classmethod
    def of(cls, resource: Resource, version: str, database: str) -> "Origin":
        return cls(resource, InstrumentationScope("lectern", version), database)


def spans_of(record: Record, sampled: Sampled, origin: Origin) -> list[ReadableSpan]:
    """Returns the spans of a request that has ended. The first is the request's own.

    A command is in the span of its level, or else in that of the phase in which it was sent. Commands that
    ended later than the request are left out.
    """
    trace = _Trace(record, origin)
    request = trace.request(sampled)
    of_phases = [(p, trace.child(request, p.name, p.began, p.ended, {})) for p in phases(record)]
    run = next((span for phase, span in of_phases if phase.name == "run"), request)
    levels = {level.number: trace.level(run, level) for level in record.levels}
    commands = []
    for command in record.commands[:]:  # a copy, because a commit can outlive its request and be added now
        if command.began + command.ms / 1000 > record.ended:
            continue
        begun = [span for phase, span in of_phases if phase.began <= command.began]
        commands.append(trace.command(levels.get(command.level) or (begun or [request])[-1], command))
    return [request, *(span for _, span in of_phases), *levels.values(), *commands]


class _Trace:
    """Makes the spans of one request."""

    def __init__(self, record: Record, origin: Origin) -> None:
        self._record, self._origin = record, origin
        self._at = round(record.at.timestamp() * 1_000_000) * 1_000
        self._id = int(record.parent.trace_id, 16)

    def request(self, sampled: Sampled) -> ReadableSpan:
        record = self._record
        parent = (
            SpanContext(self._id, int(record.parent.span_id, 16), True) if record.parent.span_id else None
        )
        name = f"{record.kind} {record.name}".strip() or f"{_method(record)} {_PATH}"
        attributes = _of_request(record, sampled)
        status = _ERROR if is_failed(record) else _UNSET
        return self._span(parent, name, record.began, record.ended, attributes, SpanKind.SERVER, status)

    def level(self, run: ReadableSpan, level: LevelCalled) -> ReadableSpan:
        attributes = {"lectern.level.parents": level.parents, "lectern.level.depth": level.depth}
        return self.child(run, level.field, level.began, level.began + level.ms / 1000, attributes)

    def command(self, parent: ReadableSpan, command: CommandSent) -> ReadableSpan:
        attributes: dict[str, str | int] = {
            "db.system.name": "mongodb",
            "db.namespace": self._origin.database,
            "db.operation.name": command.kind,
        }
        if command.collection:
            attributes["db.collection.name"] = command.collection
        if command.documents is not None:
            attributes["db.response.returned_rows"] = command.documents
        if command.merged:
            attributes["lectern.merged"] = True
        if command.error:
            attributes["error.type"] = command.error
        name, status = f"{command.kind} {command.collection}".rstrip(), _ERROR if command.error else _UNSET
        ended = command.began + command.ms / 1000
        return self.child(parent, name, command.began, ended, attributes, SpanKind.CLIENT, status)

    def child(
        self,
        parent: ReadableSpan,
        name: str,
        began: float,
        ended: float,
        attributes: _Attributes,
        kind: SpanKind = SpanKind.INTERNAL,
        status: Status = _UNSET,
    ) -> ReadableSpan:
        return self._span(parent.get_span_context(), name, began, ended, attributes, kind, status)

    def _span(
        self,
        parent: SpanContext | None,
        name: str,
        began: float,
        ended: float,
        attributes: _Attributes,
        kind: SpanKind,
        status: Status,
    ) -> ReadableSpan:
        return ReadableSpan(
            name,
            SpanContext(self._id, getrandbits(64) or 1, False, TraceFlags(TraceFlags.SAMPLED)),
            parent,
            self._origin.resource,
            attributes,
            kind=kind,
            status=status,
            start_time=self._time(began),
            end_time=self._time(max(began, ended)),
            instrumentation_scope=self._origin.scope,
        )

    def _time(self, at: float) -> int:
        """Converts a time of the time.perf_counter() clock to nanoseconds since 1970."""
        return self._at + round((at - self._record.began) * 1e9)


def _of_request(record: Record, sampled: Sampled) -> _Attributes:
    """Returns the attributes of a request's span. Leaves out what isn't known."""
    known: dict[str, str | int] = {
        "graphql.operation.type": record.kind,
        "graphql.operation.name": record.name,
        "lectern.operation.hash": record.hash,
        "lectern.operation.price": record.price,
        "lectern.engine": record.engine,
        "lectern.engine.reason": record.reason,
        "lectern.client.name": record.client.name,
        "lectern.client.version": record.client.version,
        "lectern.errors": record.errors,
        "error.type": record.code,
    }
    return {
        "http.request.method": _method(record),
        "http.route": _PATH,
        "url.path": _PATH,
        "http.response.status_code": record.status,
        "lectern.response.size": record.bytes,
        "lectern.request.id": record.id,
        "lectern.viewer": record.viewer,
        "lectern.operation.cached": record.was_cached,
        "lectern.commands": record.command_count,
        "lectern.sampled": sampled,
        **{name: value for name, value in known.items() if value},
    }


def _method(record: Record) -> str:
    """Returns the HTTP method; "_OTHER" for one that isn't well known, because clients can invent methods."""
    return record.method if record.method in _METHODS else "_OTHER"
