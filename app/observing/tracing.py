"""The trace of one request: its MongoDB commands, and the duration of each call in its plan."""

from app.observing.instrumentation import LevelCalled, Listener
from loaders.mongo import CommandSent


class Trace(Listener):
    """Collects the trace of one request.

    commands: the number of commands sent. ms: their total time in flight; overlapping commands are each
    counted in full. levels: the plan's calls, keyed by LevelCalled.number. with_plan: whether the client
    asked for the plan.
    """

    def __init__(self, *, with_plan: bool = False) -> None:
        self.with_plan = with_plan
        self.commands = 0
        self.ms = 0.0
        self.levels: dict[int, LevelCalled] = {}

    def command_sent(self, command: CommandSent) -> None:
        self.commands += 1
        self.ms += command.ms

    def level_called(self, level: LevelCalled) -> None:
        self.levels[level.number] = level
