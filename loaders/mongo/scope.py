"""The scope of a request's MongoDB commands: deadline, cancellation and listeners."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any, NamedTuple, Protocol, TypeAlias

from loaders.mongo.bson_types import Expression, Fields


class CommandSent(NamedTuple):
    """A command that MongoDB has answered, or that has failed.

    kind: the name of the MongoDB command. collection: the name of the collection; empty if the command
    concerns no collection. ms: the time in flight in milliseconds, not counting the wait in the queue.
    documents: the number of documents returned to this request; None if the command failed or doesn't
    return documents. For pages of several parents, MongoDB returns one document per parent.
    began: when the command was sent, on the time.perf_counter() clock. level: the value of `current_level`.
    error: the name of the exception's class if the command failed, otherwise empty. merged: whether it is a
    look-up that another one's command does.
    """

    kind: str
    collection: str
    ms: float
    documents: int | None
    began: float = 0.0
    level: int = -1
    error: str = ""
    merged: bool = False


#: A listener that is called after each command of a request.
OnCommand: TypeAlias = Callable[[CommandSent], None]

#: A listener for work that outlives its request or times out. It is called when the work has ended, with the
#: kind of work, and the error or None.
OnLate: TypeAlias = Callable[[str, BaseException | None], None]

#: A listener for transactions. It is called with "retried" before each further attempt, and with the outcome
#: in the end: "committed", "aborted", or "unknown" if a commit was in flight at the deadline.
OnTransaction: TypeAlias = Callable[[str], None]

#: A listener that is called for each document that doesn't fit its declared shape. It takes the name of the
#: collection, the document's `_id` and the names of the fields that don't fit.
OnMisfit: TypeAlias = Callable[[str, Any, Sequence[str]], None]  # Any: an `_id` can have any BSON type

#: Maps each collection that was read to the `_id`s of the documents that were fetched.
Reads: TypeAlias = dict[str, set[Any]]  # Any: an `_id` can have any BSON type


#: Maps each pipeline stage that reads another collection to the key that holds the collection's name.
_JOINS: Mapping[str, str] = {"$lookup": "from", "$graphLookup": "from", "$unionWith": "coll"}


class Named(Protocol):
    """A collection, or anything else with a name.

    Passed instead of the name itself, because reading a Motor collection's name is slow and often
    unnecessary.
    """

    @property
    def name(self) -> str: ...


class Queue(Protocol):
    """A queue of commands, such as loaders.mongo.queue.Queue."""

    def stop(self, scope: "Scope") -> None: ...


class Scope:
    """What the MongoDB commands of one request share: deadline, cancellation and listeners.

    deadline: a time on the time.monotonic() clock, in seconds. cheap: whether the request's commands may use
    the slots that are reserved for cheap operations. gone: whether the client has disconnected. is_writing:
    whether a mutation is running. has_begun: whether a mutation is running or has run. wrote: whether a
    commit has been sent. reads: what the request has read (see note_read); None if reads aren't recorded.
    sent: the number of the request's commands since its operation began. Those of a transaction's failed
    attempts don't count, because they are not the client's fault; nor do those of the rest of a write, which
    can be any number.
    counted_by: the scope that counts this one's commands; None if it counts them itself.
    """

    __slots__ = (
        "cheap", "counted_by", "deadline", "gone", "has_begun", "is_writing", "lines", "on_command",
        "on_late", "on_misfit", "on_transaction", "queue", "reads", "sent", "wrote",
    )  # fmt: skip

    def __init__(
        self,
        deadline: float,
        *,
        cheap: bool = False,
        on_command: OnCommand | None = None,
        on_late: OnLate | None = None,
        on_misfit: OnMisfit | None = None,
        on_transaction: OnTransaction | None = None,
        reads: Reads | None = None,
    ) -> None:
        self.deadline = deadline
        self.cheap = cheap
        self.on_command, self.on_late, self.on_misfit, self.reads = on_command, on_late, on_misfit, reads
        self.on_transaction = on_transaction
        self.gone = False
        self.wrote = False
        self.is_writing = False
        self.queue: Queue | None = None  # the queue that holds the request's commands
        self.lines: dict[Any, Any] = {}  # Any: used only by loaders.mongo.queue, which knows the types
        self.has_begun = False
        self.sent = 0
        self.counted_by: Scope | None = None

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; negative once it has passed."""
        return self.deadline - monotonic()

    def begin_operation(self) -> None:
        """Forgets what has been sent and written so far, because that was authentication."""
        self.sent = 0
        self.wrote = self.has_begun = False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Marks a mutation as running while the context lasts, so that reads can't hold up its commands.

        Once a mutation has started, the operation runs to its end, even if the client disconnects.
        """
        self.has_begun = self.is_writing = True
        try:
            yield
        finally:
            self.is_writing = False

    def leave(self) -> None:
        """Stops the request's reads, because its client has disconnected.

        Queued reads are dropped, and reads in flight end within a second. If a mutation has started, it runs
        to its end.
        """
        if self.has_begun:
            return
        self.gone = True
        if self.queue:
            self.queue.stop(self)


#: The scope of the current request; None outside of requests.
current_scope: ContextVar[Scope | None] = ContextVar("lectern_scope", default=None)

#: The number of the plan's level whose call is running; -1 outside of levels, and if nobody listens.
current_level: ContextVar[int] = ContextVar("lectern_level", default=-1)


def take_time(seconds: float, *, observed: bool = True, counted: bool = True) -> None:
    """Gives this task's commands a deadline `seconds` from now, regardless of the request's deadline.

    observed: whether the request's listeners are notified of the task's commands. counted: whether they count
    as the request's, if they are observed.
    """
    request = current_scope.get()
    scope = Scope(monotonic() + seconds)
    if request:
        scope.on_command, scope.on_late = request.on_command if observed else None, request.on_late
        scope.on_misfit, scope.on_transaction = request.on_misfit, request.on_transaction
        if observed and counted:
            scope.counted_by = request.counted_by or request
    scope.has_begun = scope.is_writing = True
    current_scope.set(scope)


def note_read(collection: Named, documents: Iterable[Fields | None] = ()) -> None:
    """Records that documents were fetched, if the current request tracks its reads."""
    if (scope := current_scope.get()) and scope.reads is not None:
        scope.reads.setdefault(collection.name, set()).update(d["_id"] for d in documents if d is not None)


# Any: an `_id` can have any BSON type
def note_misfit(collection: str, id: Any, fields: Sequence[str]) -> None:
    """Notifies the current request's listeners of a document that doesn't fit its declared shape."""
    if (scope := current_scope.get()) and scope.on_misfit is not None:
        scope.on_misfit(collection, id, fields)


def note_joined(pipeline: Sequence[Expression]) -> None:
    """Records the collections that a pipeline joins, if the current request tracks its reads."""
    if (scope := current_scope.get()) and scope.reads is not None:
        for name in _joined(pipeline):
            scope.reads.setdefault(name, set())


def _joined(pipeline: Sequence[Expression]) -> Iterator[str]:
    for stage in pipeline:
        for operator, value in stage.items():
            if operator == "$facet":
                for branch in value.values():
                    yield from _joined(branch)
            elif operator in _JOINS:
                yield value[_JOINS[operator]]
                yield from _joined(value.get("pipeline", ()))
