"""The record of one request: filled in while the request runs, and passed to the listeners when it ends."""

from collections.abc import Callable, Mapping
from datetime import datetime
from time import perf_counter
from typing import NamedTuple

from app.observing.trace_context import NO_PARENT, TraceContext
from loaders.mongo import CommandSent

#: The maximum number of commands, and of levels, that a record keeps. The others are only counted.
MOST_KEPT = 1_000


class Client(NamedTuple):
    """The name and version that a client sends, such as "web" and "1.4.2". Either is empty if not sent."""

    name: str = ""
    version: str = ""


class LevelCalled(NamedTuple):
    """The call that executed one level of a compiled plan.

    number: identifies the level. It is the `number` of the level's first app.execution.compiler.CallSite.
    field: the schema coordinate of the level's field. parents: the number of parent objects. depth: counted
    from 1. began: on the time.perf_counter() clock.
    """

    number: int
    field: str
    parents: int
    ms: float
    depth: int = 1
    began: float = 0.0


_UNNAMED = Client()


class Record:
    """What is known about a request. Fields of phases that it never reached keep their initial values.

    All times are on the time.perf_counter() clock, and 0 if the request didn't get there.

    at: the time of day when the request arrived. began: when its head had arrived. received: when its
    operation was decoded. prepared: when the operation was parsed, validated and priced. admitted: when it
    began to run. executed: when its data was complete. ended: when the response was encoded.

    method: the HTTP method. id: the client's `X-Request-Id`, or else a random id. parent: the client's trace
    context; without one, NO_PARENT, or a new trace if the request is exported.
    address, subject, variables: the client's IP address, the ID of the viewer's account, and the variables of
    a query (never of a mutation, because they include passwords). They are personal data: see
    LECTERN_LOG_PERSONAL_DATA.
    viewer: "public", or the viewer's highest role in lower case; "none" if the viewer has no role.
    name: the operation's name, or empty. kind: "query" or "mutation"; empty if the document wasn't read.
    hash: the first 16 hexadecimal digits of the SHA-256 of the document's text. was_cached: whether the
    document, or its refusal, was in the cache.
    way: how the operation's text came: "text", "apq" (under its hash) or "trusted"; empty if not known.
    unknown: for an operation that may not run, what was unknown ("text", "hash" or "id"), and whether the
    operation was "refused" or only "reported"; otherwise None.
    engine: "compiled", or "reference" for graphql-core. reason: why there is no compiled plan.
    status: the HTTP status; 499 if the client disconnected before the response. code: the code of the first
    error, or empty. errors: the number of errors. error_id: the id of the first error, if it was masked.
    bytes: the size of the response before compression.
    commands, levels: in the order in which they ended; the first MOST_KEPT of each. command_count,
    command_ms: the number of all commands, and their total time in flight; commands that overlap are each
    counted in full.
    is_exported: whether the request's trace is exported.
    is_shown: whether the client asked for the trace in the response. with_plan: whether it may also see the
    plan.
    """

    __slots__ = (
        "_on_command", "address", "admitted", "at", "began", "bytes", "client", "code", "command_count",
        "command_ms", "commands", "ended", "engine", "error_id", "errors", "executed", "hash", "id",
        "is_exported", "is_shown", "kind", "levels", "method", "name", "parent", "prepared", "price",
        "reason", "received", "status", "subject", "unknown", "variables", "viewer", "was_cached", "way",
        "with_plan",
    )  # fmt: skip

    def __init__(
        self,
        at: datetime,
        id: str = "",
        client: Client = _UNNAMED,
        parent: TraceContext = NO_PARENT,
        *,
        method: str = "POST",
        is_shown: bool = False,
        with_plan: bool = False,
        on_command: Callable[[CommandSent], None] | None = None,
    ) -> None:
        self.at, self.began = at, perf_counter()
        self.id, self.client, self.parent, self.method = id, client, parent, method
        self.is_shown, self.with_plan = is_shown, with_plan
        self._on_command = on_command
        self.received = self.prepared = self.admitted = self.executed = self.ended = 0.0
        self.address = self.subject = ""
        self.variables: Mapping[str, object] | None = None
        self.viewer = "public"
        self.name = self.kind = self.hash = self.engine = self.reason = self.code = self.error_id = ""
        self.way = ""
        self.unknown: tuple[str, str] | None = None
        self.was_cached = self.is_exported = False
        self.price = self.status = self.errors = self.bytes = self.command_count = 0
        self.command_ms = 0.0
        self.commands: list[CommandSent] = []
        self.levels: list[LevelCalled] = []

    @property
    def seconds(self) -> float:
        """The time from the request's head to its response."""
        return self.ended - self.began

    def command_sent(self, command: CommandSent) -> None:
        """Adds a command, unless the request has ended, and passes it on to the application's listeners."""
        if not self.ended:
            self.command_count += 1
            self.command_ms += command.ms
            if self.command_count <= MOST_KEPT:
                self.commands.append(command)
        if self._on_command is not None:
            self._on_command(command)

    def level_called(self, level: LevelCalled) -> None:
        if len(self.levels) < MOST_KEPT:
            self.levels.append(level)
