"""Groups the call sites of a plan into levels.

A call site is a place in the plan that needs a call. Call sites at the same depth with the same function and
arguments form a level, which is executed as a single call. The depth is the number of calls above. It doesn't
matter which branches, aliases, fragments or root fields the call sites come from. The only exception is that
the root fields of a mutation never share calls, because each of them can change what the next one reads.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from graphql.execution.values import VariableValues

from app.execution.compiler.plan import CallSite, Level, Levels, Plan, ResultObject, Value
from resolvers.fields import identity

#: A function that returns a key for the arguments of a call site. Equal arguments have equal keys.
_Key: TypeAlias = Callable[[CallSite], object]


def fixed(sites: Sequence[CallSite], *, serial: bool) -> Levels | None:
    """Groups the call sites of a plan into levels, or returns None if that depends on variables' values.

    It does if a function has several call sites, and only the values tell whether their arguments are equal.
    """
    levels = _grouped(sites, _as_written, serial=serial)
    first: dict[object, Level] = {}
    for level in levels.all:
        other = first.setdefault(level.called.function, level)
        constant = level.called.arguments.constant is not None and other.called.arguments.constant is not None
        if other.same != level.same and not constant:
            return None
    return levels


def levels_of(plan: Plan, variables: VariableValues) -> Levels:
    """Returns the levels of a plan for given values of its variables."""
    return plan.levels or _grouped(plan.sites, lambda site: _by_value(site, variables), serial=plan.serial)


def _as_written(site: CallSite) -> object:
    arguments = site.called.arguments
    return arguments.text if arguments.constant is None else identity(arguments.constant)


def _by_value(site: CallSite, variables: VariableValues) -> object:
    try:
        return identity(site.called.arguments.values(variables))
    except Exception:  # ignored here, because the call itself will raise the same error and report it
        return site.called.arguments.text


def _grouped(sites: Sequence[CallSite], key: _Key, *, serial: bool) -> Levels:
    grouping = _Grouping(key)
    if serial:
        for number, site in enumerate(sites):
            grouping.add([site], number)
    else:
        grouping.add(sites, 0)
    return grouping.levels()


class _Grouping:
    def __init__(self, key: _Key) -> None:
        self._key = key
        self._same: dict[tuple[int, object, object], int] = {}  # keyed by root, function and arguments
        self._found: dict[tuple[int, int], Level] = {}  # keyed by depth and the number from `_same`
        self._of: dict[int, Level] = {}
        self._above: dict[int, Set[int]] = {}  # maps each level to the levels that enclose all its call sites

    def add(
        self, sites: Sequence[CallSite], root: int, depth: int = 1, above: Set[int] = frozenset()
    ) -> None:
        """Adds call sites, with all call sites nested below them.

        Those with different `root` numbers never share a call.
        """
        for site in sites:
            same = self._same.setdefault((root, site.called.function, self._key(site)), len(self._same))
            level = self._found.setdefault((depth, same), Level(len(self._found), depth, same, []))
            level.sites.append(site)
            self._of[site.number] = level
            self._above[level.number] = self._above.get(level.number, above) & above
            self.add(site.built.below, root, depth + 1, above | {level.number})

    def levels(self) -> Levels:
        levels_of = [self._of[number] for number in range(len(self._of))]
        by_call: dict[int, list[Level]] = {}
        for level in self._found.values():
            by_call.setdefault(level.same, []).append(level)
        recurring = {same: self._may_coincide(levels) for same, levels in by_call.items() if len(levels) > 1}
        return Levels(list(self._found.values()), levels_of, len(self._found) < len(levels_of), recurring)

    def _may_coincide(self, levels: Sequence[Level]) -> bool:
        """Returns whether some two of the levels can be ready simultaneously.

        They can if neither is below the other.
        """
        ordered = sorted(levels, key=lambda level: level.depth)
        return any(upper.number not in self._above[lower.number] for upper, lower in pairwise(ordered))


class Arrival(NamedTuple):
    """The inputs that have arrived at a call site during a run.

    parents: the parents to make the call for; the list can be empty. slots: for each parent, the result
    object that receives its value.
    """

    site: CallSite
    parents: list[Value]
    slots: list[ResultObject]


class Barriers:
    """Tracks, during one run, which levels are ready to be executed.

    A level is executed as a single call once all of its call sites have their parents. A call site that turns
    out to have none doesn't hold up its level, and neither do the call sites below it. No level waits for
    another.
    """

    def __init__(self, levels: Levels) -> None:
        self._of = levels.of
        self._missing = [len(level.sites) for level in levels.all]
        self._arrived: list[list[Arrival]] = [[] for _ in levels.all]

    def ready(self, arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
        """Yields each level that can run now that these inputs have arrived.

        A level is yielded as the list of all its inputs, without call sites that have no parents.
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
        """Yields the inputs that have arrived at levels still waiting for other call sites."""
        for arrived, missing in zip(self._arrived, self._missing, strict=True):
            if missing:
                yield from arrived
