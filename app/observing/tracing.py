"""The trace of one request: its MongoDB commands, and the duration of each call of its plan."""

from app.observing.instrumentation import LevelCalled, Listener
from loaders.mongo import CommandSent


class Trace(Listener):
    """Collects the trace of one request.

    commands: how many were sent. ms: the sum of their times in flight, even if they ran concurrently.
    levels: the calls of the plan, by the number of the level's first use. with_plan: whether the client asked
    for the plan.
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
