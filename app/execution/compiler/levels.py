"""Groups the uses of a plan (the places that need a call) into levels.

Uses at the same depth with the same function and arguments form a level, which is executed as a single call.
The depth is the number of calls above. It doesn't matter which branches, aliases, fragments or root fields
the uses come from. The only exception is that the root fields of a mutation never share calls, because each
of them can change what the next one reads.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from graphql.execution.values import VariableValues

from app.execution.compiler.plan import Level, Levels, Plan, ResultObject, Use, Value
from resolvers.fields import identity

#: A function that returns a key for the arguments of a use (a place in the plan that needs a call). Equal
#: arguments have equal keys.
_Key: TypeAlias = Callable[[Use], object]


def fixed(uses: Sequence[Use], *, serial: bool) -> Levels | None:
    """Returns the levels of a plan, or None if they depend on the values of variables.

    They depend on variables if a function is called with several argument lists that can be compared only at
    run time.
    """
    levels = _grouped(uses, _as_written, serial=serial)
    first: dict[object, Level] = {}
    for level in levels.all:
        other = first.setdefault(level.called.function, level)
        constant = level.called.arguments.constant is not None and other.called.arguments.constant is not None
        if other.same != level.same and not constant:
            return None
    return levels


def levels_of(plan: Plan, variables: VariableValues) -> Levels:
    """Returns the levels of a plan for given values of its variables."""
    return plan.levels or _grouped(plan.uses, lambda use: _by_value(use, variables), serial=plan.serial)


def _as_written(use: Use) -> object:
    arguments = use.called.arguments
    return arguments.text if arguments.constant is None else identity(arguments.constant)


def _by_value(use: Use, variables: VariableValues) -> object:
    try:
        return identity(use.called.arguments.values(variables))
    except Exception:  # ignored here, because the call itself will raise the same error and report it
        return use.called.arguments.text


def _grouped(uses: Sequence[Use], key: _Key, *, serial: bool) -> Levels:
    grouping = _Grouping(key)
    if serial:
        for number, use in enumerate(uses):
            grouping.add([use], number)
    else:
        grouping.add(uses, 0)
    return grouping.levels()


class _Grouping:
    def __init__(self, key: _Key) -> None:
        self._key = key
        self._same: dict[tuple[int, object, object], int] = {}  # keyed by root, function and arguments
        self._found: dict[tuple[int, int], Level] = {}  # keyed by depth and `Level.same`
        self._of: dict[int, Level] = {}
        self._above: dict[int, Set[int]] = {}  # maps each level to the levels that are above all of its uses

    def add(self, uses: Sequence[Use], root: int, depth: int = 1, above: Set[int] = frozenset()) -> None:
        """Adds uses and all uses below them. Uses with different `root` numbers never share a call."""
        for use in uses:
            same = self._same.setdefault((root, use.called.function, self._key(use)), len(self._same))
            level = self._found.setdefault((depth, same), Level(len(self._found), depth, same, []))
            level.uses.append(use)
            self._of[use.number] = level
            self._above[level.number] = self._above.get(level.number, above) & above
            self.add(use.built.below, root, depth + 1, above | {level.number})

    def levels(self) -> Levels:
        levels_of = [self._of[number] for number in range(len(self._of))]
        by_call: dict[int, list[Level]] = {}
        for level in self._found.values():
            by_call.setdefault(level.same, []).append(level)
        recurring = {same: self._may_coincide(levels) for same, levels in by_call.items() if len(levels) > 1}
        return Levels(list(self._found.values()), levels_of, len(self._found) < len(levels_of), recurring)

    def _may_coincide(self, levels: Sequence[Level]) -> bool:
        """Whether any two of the levels can be ready simultaneously: neither is below the other."""
        ordered = sorted(levels, key=lambda level: level.depth)
        return any(upper.number not in self._above[lower.number] for upper, lower in pairwise(ordered))


class Arrival(NamedTuple):
    """The inputs of a use (a call site in the plan) during a run.

    parents: the parents to make the call for; the list can be empty. slots: for each parent, the result
    object to put its value into.
    """

    use: Use
    parents: list[Value]
    slots: list[ResultObject]


class Barriers:
    """The barriers of one run. At a level's barrier, the level's uses (call sites) wait for each other.

    A use without parents is not waited for, and neither are the uses below it. Levels don't wait for other
    levels.
    """

    def __init__(self, levels: Levels) -> None:
        self._of = levels.of
        self._missing = [len(level.uses) for level in levels.all]
        self._arrived: list[list[Arrival]] = [[] for _ in levels.all]

    def ready(self, arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
        """Yields the levels whose inputs are complete now that the given inputs have arrived.

        Each level is yielded as the list of all its arrivals.
        """
        for arrival in arrivals:
            number = self._of[arrival.use.number].number
            arrived = self._arrived[number]
            if arrival.parents:
                arrived.append(arrival)
            self._missing[number] -= 1
            if arrived and not self._missing[number]:
                yield arrived
            if not arrival.parents:
                yield from self.ready([Arrival(use, [], []) for use in arrival.use.built.below])

    def waiting(self) -> Iterator[Arrival]:
        """Yields the inputs that have arrived, but have to wait for other uses in the same level."""
        for arrived, missing in zip(self._arrived, self._missing, strict=True):
            if missing:
                yield from arrived
