"""A request, as its MongoDB commands see it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any, NamedTuple, Protocol, TypeAlias


class CommandSent(NamedTuple):
    """A command that MongoDB has answered, or that has failed.

    kind: the name of MongoDB's command. collection: empty for a command of a database or a session. ms: in
    flight, without the wait in the queue. documents: how many came back; None if it returns no documents.
    """

    kind: str
    collection: str
    ms: float
    documents: int | None


#: Is told of each command of a request.
OnCommand: TypeAlias = Callable[[CommandSent], None]
#: Is told of work whose request no longer waits for it: its kind, and its error; None if it succeeded.
OnLate: TypeAlias = Callable[[str, BaseException | None], None]


#: Collections, each with the `_id`s of documents.
Reads: TypeAlias = dict[str, set[Any]]


class Named(Protocol):
    """A collection: its name is asked for only where it is needed, since Motor's takes a while."""

    @property
    def name(self) -> str: ...


class Queue(Protocol):
    """A queue of commands: loaders.mongo.queue."""

    def stop(self, scope: "Scope") -> None: ...


class Scope:
    """The commands of one request.

    deadline: in seconds of time.monotonic(). cheap: whether the price of its operation is small, so that its
    commands have slots of their own while others are slow. gone: whether its client has disconnected.
    is_writing: whether a mutation is running; has_begun: whether one has started. wrote: whether a commit
    was sent. on_command, on_late: listeners, if there are any. reads: what the request has read, if that is
    recorded: the collections, each with the `_id`s of the documents that were fetched (note_read).
    """

    __slots__ = (
        "cheap", "deadline", "gone", "has_begun", "is_writing", "lines", "on_command", "on_late", "queue",
        "reads", "wrote",
    )  # fmt: skip

    def __init__(
        self,
        deadline: float,
        *,
        cheap: bool = False,
        on_command: OnCommand | None = None,
        on_late: OnLate | None = None,
        reads: Reads | None = None,
    ) -> None:
        self.deadline = deadline
        self.cheap = cheap
        self.on_command, self.on_late, self.reads = on_command, on_late, reads
        self.gone = False
        self.wrote = False
        self.is_writing = False
        self.queue: Queue | None = None  # the queue that holds its commands
        self.lines: dict[Any, Any] = {}  # kept for loaders.mongo.queue, by kind
        self.has_begun = False

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; negative past it."""
        return self.deadline - monotonic()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """While a mutation runs, its commands have slots of their own. Once one has started, the operation
        runs to its end, whether or not its client waits for it.
        """
        self.has_begun = self.is_writing = True
        try:
            yield
        finally:
            self.is_writing = False

    def leave(self) -> None:
        """The client has disconnected: queued reads are dropped, and those in flight end within a second. A
        mutation that has started runs to its end.
        """
        if self.has_begun:
            return
        self.gone = True
        if self.queue:
            self.queue.stop(self)


#: The scope of the current request; None outside of requests.
current_scope: ContextVar[Scope | None] = ContextVar("lectern_scope", default=None)


def take_time(seconds: float) -> None:
    """Gives what this task writes from now on its own deadline, whatever is left of its request's."""
    request = current_scope.get()
    scope = Scope(monotonic() + seconds, on_late=request.on_late if request else None)
    scope.has_begun = scope.is_writing = True
    current_scope.set(scope)


def note_read(collection: Named, documents: Iterable[Mapping[str, Any] | None] = ()) -> None:
    """Records documents that were fetched, where the request records what it reads."""
    if (scope := current_scope.get()) and scope.reads is not None:
        scope.reads.setdefault(collection.name, set()).update(d["_id"] for d in documents if d is not None)
