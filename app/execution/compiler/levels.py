"""Which uses of a plan are one call: those of one depth with the same function and arguments.

The depth is the number of calls above. It doesn't matter which branches, aliases, fragments or fields of the
root the uses come from; only the fields of a mutation share nothing, since each may change what the next one
reads.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from graphql.execution.values import VariableValues

from app.execution.compiler.plan import Level, Levels, Plan, Use
from resolvers.fields import identity

#: What equal arguments have in common.
_Key: TypeAlias = Callable[[Use], object]


def fixed(uses: Sequence[Use], *, serial: bool) -> Levels | None:
    """The levels of a plan, where they don't depend on the values of variables: where no function is called
    with arguments that may be equal or not.
    """
    found = _grouped(uses, _as_written, serial=serial)
    first: dict[Any, Level] = {}
    for level in found.all:
        other = first.setdefault(level.called.function, level)
        constant = level.called.arguments.constant is not None and other.called.arguments.constant is not None
        if other.same != level.same and not constant:
            return None
    return found


def levels_of(plan: Plan, variables: VariableValues) -> Levels:
    """The levels of a plan for these values of its variables."""
    return plan.levels or _grouped(plan.uses, lambda use: _by_value(use, variables), serial=plan.serial)


def _as_written(use: Use) -> object:
    arguments = use.called.arguments
    return arguments.text if arguments.constant is None else identity(arguments.constant)


def _by_value(use: Use, variables: VariableValues) -> object:
    try:
        return identity(use.called.arguments.values(variables))
    except Exception:  # the call fails in the same way, and says why
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
        self._same: dict[tuple[Any, ...], int] = {}
        self._found: dict[tuple[int, int], Level] = {}
        self._of: dict[int, Level] = {}
        self._above: dict[int, Set[int]] = {}  # the numbers of the levels that all uses of a level are below

    def add(self, uses: Sequence[Use], root: int, depth: int = 1, above: Set[int] = frozenset()) -> None:
        """root: what is added with another number shares nothing with these."""
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
        recurring = {same: self._may_meet(own) for same, own in by_call.items() if len(own) > 1}
        return Levels(list(self._found.values()), levels_of, len(self._found) < len(levels_of), recurring)

    def _may_meet(self, levels: Sequence[Level]) -> bool:
        """Whether two of them may be ready at the same time: neither is below the other."""
        ordered = sorted(levels, key=lambda level: level.depth)
        return any(upper.number not in self._above[lower.number] for upper, lower in pairwise(ordered))


class Arrival(NamedTuple):
    """Parents that a use has, each with the result object that waits for its value; or none."""

    use: Use
    parents: list[Any]
    slots: list[dict[str, Any]]


class Meeting:
    """Where the uses of a level wait for each other, in one run. A use that gets no parents is not waited
    for, nor is what lies below it; no level waits for another.
    """

    def __init__(self, levels: Levels) -> None:
        self._of = levels.of
        self._missing = [len(level.uses) for level in levels.all]
        self._arrived: list[list[Arrival]] = [[] for _ in levels.all]

    def ready(self, arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
        """The levels that are complete with these arrivals, each with all of its own."""
        for arrival in arrivals:
            number = self._of[arrival.use.number].number
            own = self._arrived[number]
            if arrival.parents:
                own.append(arrival)
            self._missing[number] -= 1
            if own and not self._missing[number]:
                yield own
            if not arrival.parents:
                yield from self.ready([Arrival(use, [], []) for use in arrival.use.built.below])

    def waiting(self) -> Iterator[Arrival]:
        """What has arrived and waits for others of its level."""
        for own, missing in zip(self._arrived, self._missing, strict=True):
            if missing:
                yield from own
