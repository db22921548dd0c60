"""Groups the call sites of a plan into levels.

A call site is a place in the plan that needs a call. Call sites at the same depth with the same function and
arguments form a level, which is executed as a single call. The depth of a call site is the number of calls
above it. It doesn't matter which branches, aliases, fragments or root fields the call sites come from. The
only exception is that the root fields of a mutation never share calls, because each of them can change what
the next one reads.
"""

from collections.abc import Callable, Sequence, Set
from itertools import pairwise
from typing import TypeAlias

from graphql.execution.values import VariableValues

from app.execution.compiler.plan import CallSite, Level, Levels, Plan
from resolvers.fields import identity

#: A function that returns a key for the arguments of a call site. Equal arguments have equal keys.
_Key: TypeAlias = Callable[[CallSite], object]


def fixed(sites: Sequence[CallSite], *, serial: bool) -> Levels | None:
    """Groups the call sites of a plan into levels. Returns None if the levels might depend on variables.

    Levels might depend on variables if a function has several call sites whose arguments are written
    differently, and any of these arguments contain variables.
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
    """Returns a plan's levels for the given values of its variables."""
    return plan.levels or _grouped(plan.sites, lambda site: _by_value(site, variables), serial=plan.serial)


def _as_written(site: CallSite) -> object:
    arguments = site.called.arguments
    return arguments.text if arguments.constant is None else identity(arguments.constant)


def _by_value(site: CallSite, variables: VariableValues) -> object:
    try:
        return identity(site.called.arguments.values(variables))
    except Exception:  # ignored here, because the call will fail with the same error and report it
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
        # The values of Level.same, keyed by root, function and arguments.
        self._same: dict[tuple[int, object, object], int] = {}
        self._found: dict[tuple[int, int], Level] = {}  # the levels, keyed by Level.depth and Level.same
        self._of: dict[int, Level] = {}
        # Maps each level's number to the numbers of the levels above it. Level A is above level B if every
        # call site of B is nested below a call site of A.
        self._above: dict[int, Set[int]] = {}

    def add(
        self, sites: Sequence[CallSite], root: int, depth: int = 1, above: Set[int] = frozenset()
    ) -> None:
        """Adds call sites, with all call sites nested below them.

        root: 0 in a query; in a mutation, a different number for each root field. Call sites with different
        numbers never share a call.
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
        """Returns whether at least two of the levels can be ready at the same time.

        Two levels can be ready at the same time unless one is below the other.
        """
        ordered = sorted(levels, key=lambda level: level.depth)
        return any(upper.number not in self._above[lower.number] for upper, lower in pairwise(ordered))
