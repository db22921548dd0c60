"""Instrumentation: notifies listeners of requests, MongoDB commands, refusals and late writes."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from app.observing.record import Record
from loaders.mongo import CommandSent, OnCommand, OnLate, OnMisfit, OnTransaction


class Refused(NamedTuple):
    """Event: a request or an operation has been refused.

    status: the HTTP status of the refused request; None if only an operation was refused. limit: the setting
    that defines the limit that was exceeded; empty if there is none.
    """

    code: str
    message: str
    status: int | None = None
    limit: str = ""


class Listener:
    """The base class of listeners.

    The methods are called on the event loop, so they must return quickly and never raise. A subclass
    overrides the methods for the events that it needs. If no listener overrides a method, its event isn't
    measured.
    """

    def request_ended(self, record: Record) -> None:
        """Called when a request's response is ready to be sent, or its client has disconnected."""

    def command_sent(self, command: CommandSent) -> None:
        """Called when a command to MongoDB has ended, also if its request has ended before."""

    def refused(self, refusal: Refused) -> None:
        """Called when a request or an operation has been refused."""

    def late_write(self, kind: str, error: BaseException | None) -> None:
        """Called when a commit, or the follow-up work of a write, has ended later than its request.

        kind: "commit", or "rest of a write" for follow-up work. error: the exception if the commit or the
        follow-up work failed; otherwise None.
        """

    def transaction(self, event: str) -> None:
        """Called when a transaction is retried or has ended (see loaders.mongo.OnTransaction)."""

    # Any, because an `_id` can have any BSON type.
    def misfit(self, collection: str, id: Any, fields: Sequence[str]) -> None:
        """Called when a document that doesn't fit its declared shape has been read (see `lectern check`).

        id: its `_id`. fields: the names of the fields that were missing or had the wrong type.
        """


class Instrumentation:
    """The listeners of an application.

    Each attribute belongs to one event. It is a function that notifies the event's listeners, or None if the
    event has no listeners.
    """

    __slots__ = (
        "_listeners",
        "command_sent",
        "late_write",
        "misfit",
        "refused",
        "request_ended",
        "transaction",
    )

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners
        self.request_ended: Callable[[Record], None] | None = self._all("request_ended")
        self.command_sent: OnCommand | None = self._all("command_sent")
        self.refused: Callable[[Refused], None] | None = self._all("refused")
        self.late_write: OnLate | None = self._all("late_write")
        self.transaction: OnTransaction | None = self._all("transaction")
        self.misfit: OnMisfit | None = self._all("misfit")

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
