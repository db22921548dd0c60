"""How many MongoDB commands a request sent, and how long they took."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from loaders.mongo import observer


@dataclass(slots=True)
class Trace:
    """ms: the sum over the commands, as they were waited for. Commands at the same time count each."""

    commands: int = 0
    ms: float = 0.0

    def add(self, ms: float) -> None:
        self.commands += 1
        self.ms += ms


@contextmanager
def traced_commands() -> Iterator[Trace]:
    """Counts what is sent meanwhile, from this task and those it starts."""
    trace = Trace()
    token = observer.set(trace.add)
    try:
        yield trace
    finally:
        observer.reset(token)
