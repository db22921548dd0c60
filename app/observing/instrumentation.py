"""Instrumentation: listeners for requests, operations, levels, MongoDB commands and refusals."""

from collections.abc import Callable
from typing import NamedTuple

from loaders.mongo import CommandSent, OnCommand, OnLate


class RequestEnded(NamedTuple):
    """A request was answered.

    client_name, client_version: as in app.request.Client. seconds: from its head to its answer. bytes: the
    size of the answer's body, before compression.
    """

    id: str
    client_name: str
    client_version: str
    status: int
    seconds: float
    bytes: int


class OperationRun(NamedTuple):
    """An operation is about to run.

    engine: "compiled" or "reference". reason: why there is no plan; empty if there is one.
    """

    name: str | None
    kind: str
    engine: str
    reason: str
    price: int


class LevelCalled(NamedTuple):
    """A call of a plan has ended. number: that of its level's first use. field: its schema coordinate."""

    number: int
    field: str
    parents: int
    ms: float


class Refused(NamedTuple):
    """A request or an operation was not run. status: the HTTP status; None for a refused operation."""

    code: str
    message: str
    status: int | None = None


class Listener:
    """A listener. Its methods are called on the event loop, so they must return at once and never raise.

    A subclass overrides the events that it wants. An event that no listener overrides is not even measured.
    """

    def request_ended(self, request: RequestEnded) -> None:
        """A request was answered."""

    def operation_run(self, operation: OperationRun) -> None:
        """An operation is about to run."""

    def level_called(self, level: LevelCalled) -> None:
        """A call of a compiled plan has ended."""

    def command_sent(self, command: CommandSent) -> None:
        """A command to MongoDB has ended."""

    def refused(self, refusal: Refused) -> None:
        """A request or an operation was not run."""

    def late_write(self, kind: str, error: BaseException | None) -> None:
        """Work that outlived its request has ended. kind: "commit" or "rest of a write"."""


class Instrumentation:
    """The listeners of an application, or of one request.

    Each attribute is a function that notifies the listeners of one event, or None if there are none.
    """

    __slots__ = (
        "_listeners", "command_sent", "late_write", "level_called", "operation_run", "refused",
        "request_ended",
    )  # fmt: skip

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners
        self.request_ended: Callable[[RequestEnded], None] | None = self._all("request_ended")
        self.operation_run: Callable[[OperationRun], None] | None = self._all("operation_run")
        self.level_called: Callable[[LevelCalled], None] | None = self._all("level_called")
        self.command_sent: OnCommand | None = self._all("command_sent")
        self.refused: Callable[[Refused], None] | None = self._all("refused")
        self.late_write: OnLate | None = self._all("late_write")

    def joined_by(self, listener: Listener) -> "Instrumentation":
        """The same listeners and one more."""
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
