"""Tracks the inputs of a run's calls. A call can be made once all its inputs have arrived."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.execution.compiler import CallSite, Levels, ResultObject, Value


class Arrival(NamedTuple):
    """The parents that have arrived at a call site during a run, if any.

    slots: the result objects in which the parents' values will be stored.
    """

    site: CallSite
    parents: list[Value]
    slots: list[ResultObject]


class Barriers:
    """Tracks, during one run, which levels are ready to be executed.

    A level is executed as a single call once all of its call sites have received their parents. If a call
    site receives an empty list of parents, the call sites nested below it do too. A level waits only for the
    levels that return its parents.
    """

    def __init__(self, levels: Levels) -> None:
        self._of = levels.of
        self._missing = [len(level.sites) for level in levels.all]
        self._arrived: list[list[Arrival]] = [[] for _ in levels.all]

    def ready(self, arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
        """Records the given inputs, and yields the inputs of each level that can now run.

        Leaves out inputs that contain no parents.
        """
        for arrival in arrivals:
            number = self._of[arrival.site.number].number
            arrived = self._arrived[number]
            if arrival.parents:
                arrived.append(arrival)
            self._missing[number] -= 1
            if arrived and not self._missing[number]:
                yield arrived
            if not arrival.parents:
                yield from self.ready([Arrival(site, [], []) for site in arrival.site.built.below])

    def waiting(self) -> Iterator[Arrival]:
        """Yields the inputs received so far by the levels that are not ready yet."""
        for arrived, missing in zip(self._arrived, self._missing, strict=True):
            if missing:
                yield from arrived
