"""The scope of a request's MongoDB commands: deadline, cancellation and listeners."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any, NamedTuple, Protocol, TypeAlias

from loaders.mongo.bson_types import Fields


class CommandSent(NamedTuple):
    """A command that MongoDB has answered, or that has failed.

    kind: the name of the MongoDB command. collection: empty for a command of a database or a session.
    ms: the time in flight, without the wait in the queue. documents: the number of returned documents; None
    if the command returns none.
    """

    kind: str
    collection: str
    ms: float
    documents: int | None


#: Called after each command of a request.
OnCommand: TypeAlias = Callable[[CommandSent], None]

#: Called when work ends that its request no longer waits for, with its kind, and its error or None.
OnLate: TypeAlias = Callable[[str, BaseException | None], None]

#: The collections that were read, each with the `_id`s of the documents that were fetched.
Reads: TypeAlias = dict[str, set[Any]]  # an `_id` may have any BSON type


class Named(Protocol):
    """A collection: its name is asked for only where it is needed, since Motor's takes a while."""

    @property
    def name(self) -> str: ...


class Queue(Protocol):
    """A queue of commands, as in loaders.mongo.queue."""

    def stop(self, scope: "Scope") -> None: ...


class Scope:
    """The commands of one request.

    deadline: in seconds of time.monotonic(). cheap: whether its operation has a low price; the commands of
    cheap requests have slots of their own, for when others are slow. gone: whether its client has
    disconnected. is_writing: whether a mutation is running. has_begun: whether a mutation has started.
    wrote: whether a commit was sent. on_command, on_late: listeners, or None. reads: what the request has
    read (note_read); None if that is not recorded.
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
        self.lines: dict[Any, Any] = {}  # private to loaders.mongo.queue, which knows the types
        self.has_begun = False

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; negative past it."""
        return self.deadline - monotonic()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Marks the time during which a mutation runs: its commands have slots of their own.

        Once a mutation has started, the operation runs to its end, even if its client disconnects.
        """
        self.has_begun = self.is_writing = True
        try:
            yield
        finally:
            self.is_writing = False

    def leave(self) -> None:
        """The client has disconnected: queued reads are dropped, and reads in flight end within a second.

        A mutation that has started runs to its end.
        """
        if self.has_begun:
            return
        self.gone = True
        if self.queue:
            self.queue.stop(self)


#: The scope of the current request; None outside of requests.
current_scope: ContextVar[Scope | None] = ContextVar("lectern_scope", default=None)


def take_time(seconds: float) -> None:
    """Gives the writes of this task a deadline of their own, however little of its request's is left."""
    request = current_scope.get()
    scope = Scope(monotonic() + seconds, on_late=request.on_late if request else None)
    scope.has_begun = scope.is_writing = True
    current_scope.set(scope)


def note_read(collection: Named, documents: Iterable[Fields | None] = ()) -> None:
    """Records fetched documents, if the current request records what it reads."""
    if (scope := current_scope.get()) and scope.reads is not None:
        scope.reads.setdefault(collection.name, set()).update(d["_id"] for d in documents if d is not None)
