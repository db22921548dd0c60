"""Instrumentation: notifies listeners of requests, operations, plan calls, MongoDB commands and refusals."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from loaders.mongo import CommandSent, OnCommand, OnLate, OnMisfit


class RequestEnded(NamedTuple):
    """Event: a request has been answered.

    client_name, client_version: see app.request.Client. seconds: the time from the request's head to the
    response. bytes: the size of the response body before compression.
    """

    id: str
    client_name: str
    client_version: str
    status: int
    seconds: float
    bytes: int


class OperationRun(NamedTuple):
    """Event: an operation is about to run.

    engine: "compiled", or "reference" for graphql-core. reason: why the operation has no compiled plan; empty
    if it has one.
    """

    name: str | None
    kind: str
    engine: str
    reason: str
    price: int


class LevelCalled(NamedTuple):
    """Event: the call that executes one level of a compiled plan has ended.

    number: identifies the level. It is the `number` of the level's first app.execution.compiler.CallSite.
    field: the schema coordinate of the level's field. parents: the number of parent objects.
    """

    number: int
    field: str
    parents: int
    ms: float


class Refused(NamedTuple):
    """Event: a request or an operation has been refused.

    status: the HTTP status of the refused request; None if only an operation was refused.
    """

    code: str
    message: str
    status: int | None = None


class Listener:
    """The base class of listeners.

    The methods are called on the event loop, so they must return quickly and never raise. A subclass
    overrides the methods for the events that it needs. If no listener overrides a method, its event isn't
    measured.
    """

    def request_ended(self, request: RequestEnded) -> None:
        """Called when a request has been answered."""

    def operation_run(self, operation: OperationRun) -> None:
        """Called when an operation is about to run."""

    def level_called(self, level: LevelCalled) -> None:
        """Called when the execution of one level of a compiled plan has ended."""

    def command_sent(self, command: CommandSent) -> None:
        """Called when a command to MongoDB has ended."""

    def refused(self, refusal: Refused) -> None:
        """Called when a request or an operation has been refused."""

    def late_write(self, kind: str, error: BaseException | None) -> None:
        """Called when a commit, or the follow-up work of a write, has ended later than its request.

        kind: "commit", or "rest of a write" for follow-up work. error: the exception if the commit or the
        follow-up work failed; otherwise None.
        """

    # Any, because an `_id` can have any BSON type.
    def misfit(self, collection: str, id: Any, fields: Sequence[str]) -> None:
        """Called when a document that doesn't fit its declared shape has been read (see `lectern check`).

        id: its `_id`. fields: the names of the fields that were missing or had the wrong type.
        """


class Instrumentation:
    """The listeners of an application, or of one request.

    Each attribute belongs to one event. It is a function that notifies the event's listeners, or None if the
    event has no listeners.
    """

    __slots__ = (
        "_listeners", "command_sent", "late_write", "level_called", "misfit", "operation_run",
        "refused", "request_ended",
    )  # fmt: skip

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners
        self.request_ended: Callable[[RequestEnded], None] | None = self._all("request_ended")
        self.operation_run: Callable[[OperationRun], None] | None = self._all("operation_run")
        self.level_called: Callable[[LevelCalled], None] | None = self._all("level_called")
        self.command_sent: OnCommand | None = self._all("command_sent")
        self.refused: Callable[[Refused], None] | None = self._all("refused")
        self.late_write: OnLate | None = self._all("late_write")
        self.misfit: OnMisfit | None = self._all("misfit")

    def joined_by(self, listener: Listener) -> "Instrumentation":
        """Returns a new instrumentation that also notifies the given listener."""
        return Instrumentation(*self._listeners, listener)

    def _all(self, event: str) -> Callable[..., None] | None:
        methods = [
            getattr(listener, event)
            for listener in self._listeners
            if getattr(type(listener), event) is not getattr(Listener, event)
        ]
        if len(methods) < 2:
            return methods[0] if methods else None

        def notify(*arguments: object) -> None:
            for method in methods:
                method(*arguments)

        return notify
