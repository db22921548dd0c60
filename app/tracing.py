"""How many MongoDB commands a request sent, and how long they took."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent


@dataclass(slots=True)
class Trace:
    """ms: the sum over the commands, as the driver measured them. Commands at the same time count each."""

    commands: int = 0
    ms: float = 0.0


_current: ContextVar[Trace | None] = ContextVar("lectern_trace", default=None)


@contextmanager
def tracing() -> Iterator[Trace]:
    """Counts what is sent meanwhile, from this task and those it starts."""
    trace = Trace()
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)


class CommandCounter(CommandListener):
    """Counts every command for the trace in whose context it is sent, if there is one."""

    def started(self, event: CommandStartedEvent) -> None:
        if trace := _current.get():
            trace.commands += 1

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._finished(event.duration_micros)

    def failed(self, event: CommandFailedEvent) -> None:
        self._finished(event.duration_micros)

    def _finished(self, micros: int) -> None:
        if trace := _current.get():
            trace.ms += micros / 1000
