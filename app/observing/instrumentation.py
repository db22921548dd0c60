"""Instrumentation: listeners that are told of requests, operations, levels, commands and refusals."""

from collections.abc import Callable
from typing import NamedTuple

from loaders.mongo import CommandSent, OnCommand, OnLate


class RequestEnded(NamedTuple):
    """A request was answered. client_name, client_version: as of app.request.Client. seconds: from its head
    to its answer. bytes: of the body, before it is compressed.
    """

    id: str
    client_name: str
    client_version: str
    status: int
    seconds: float
    bytes: int


class OperationRun(NamedTuple):
    """An operation is about to run. engine: "compiled" or "reference". reason: why there is no plan, or
    empty.
    """

    name: str | None
    kind: str
    engine: str
    reason: str
    price: int


class LevelCalled(NamedTuple):
    """A call of a plan has ended. number: of the level's first use. field: its coordinate in the schema."""

    number: int
    field: str
    parents: int
    ms: float


class Refused(NamedTuple):
    """A request or an operation was not run. status: of HTTP; None if the operation was refused."""

    code: str
    message: str
    status: int | None = None


class Listener:
    """Is told what happens, on the event loop: a listener returns at once and raises nothing.

    A class overrides what it wants to be told of. What no listener overrides is not even measured.
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
    """The listeners of an application, or of one request. Each attribute is a function that tells all who
    listen, or None if nobody does.
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
        """These listeners and one more."""
        return Instrumentation(*self._listeners, listener)

    def _all(self, event: str) -> Callable[..., None] | None:
        own = [
            getattr(listener, event)
            for listener in self._listeners
            if getattr(type(listener), event) is not getattr(Listener, event)
        ]
        if len(own) < 2:
            return own[0] if own else None

        def tell(*arguments: object) -> None:
            for listen in own:
                listen(*arguments)

        return tell
