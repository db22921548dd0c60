"""A request as its MongoDB commands see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any, Protocol


class Queue(Protocol):
    """A queue of commands: loaders.mongo.queue."""

    def stop(self, scope: "Scope") -> None: ...


class Scope:
    """The commands of one request.

    deadline: in seconds of time.monotonic(). cheap: whether its price is small, so that it has slots kept
    for it while others are slow. gone: whether its client went away. is_writing: whether a mutation is being
    done; has_begun: whether one was begun. wrote: whether a commit was sent.
    """

    __slots__ = ("cheap", "deadline", "gone", "has_begun", "is_writing", "lines", "queue", "wrote")

    def __init__(self, deadline: float, *, cheap: bool = False) -> None:
        self.deadline = deadline
        self.cheap = cheap
        self.gone = False
        self.wrote = False
        self.is_writing = False
        self.queue: Queue | None = None  # where its commands are
        self.lines: dict[Any, Any] = {}  # of loaders.mongo.queue
        self.has_begun = False

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; negative past it."""
        return self.deadline - monotonic()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """While a mutation writes, its commands have slots of their own. Once one has begun, the operation
        runs to its end, whether or not its client waits for it.
        """
        self.has_begun = self.is_writing = True
        try:
            yield
        finally:
            self.is_writing = False

    def leave(self) -> None:
        """The client is gone: queued reads are dropped, and those in flight end within a second. A mutation
        that has begun runs to its end.
        """
        if self.has_begun:
            return
        self.gone = True
        if self.queue:
            self.queue.stop(self)


#: The scope of the request that is being answered; None outside of requests.
current_scope: ContextVar[Scope | None] = ContextVar("lectern_scope", default=None)


def take_time(seconds: float) -> None:
    """Gives what this task writes from now on a time of its own, whatever is left of its request's."""
    scope = Scope(monotonic() + seconds)
    scope.has_begun = scope.is_writing = True
    current_scope.set(scope)
