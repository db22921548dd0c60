"""Which uses of a plan are one call: those of one depth with the same function and arguments.

The depth is the number of calls above. It doesn't matter which branches, aliases, fragments or fields of the
root the uses come from; only the fields of a mutation share nothing, since each may change what the next one
reads.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from graphql.execution.values import VariableValues

from app.execution.plan import Level, Levels, Plan, Use

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


def of(plan: Plan, variables: VariableValues) -> Levels:
    """The levels of a plan for these values of its variables."""
    return plan.levels or _grouped(plan.uses, lambda use: _by_value(use, variables), serial=plan.serial)


def _as_written(use: Use) -> object:
    arguments = use.called.arguments
    return arguments.text if arguments.constant is None else repr(sorted(arguments.constant.items()))


def _by_value(use: Use, variables: VariableValues) -> object:
    try:
        return repr(sorted(use.called.arguments.values(variables).items()))
    except Exception:  # the call fails in the same way, and says why
        return use.called.arguments.text


def _grouped(uses: Sequence[Use], key: _Key, *, serial: bool) -> Levels:
    same: dict[tuple[Any, ...], int] = {}
    found: dict[tuple[int, int], Level] = {}
    of: dict[int, Level] = {}
    for root, depth, use in _walk(uses):
        call = same.setdefault((root if serial else 0, use.called.function, key(use)), len(same))
        level = found.setdefault((depth, call), Level(len(found), depth, call, []))
        level.uses.append(use)
        of[use.number] = level
    depths = Counter(level.same for level in found.values())
    ordered = [of[number] for number in range(len(of))]
    recurring = {call for call, number in depths.items() if number > 1}
    return Levels(list(found.values()), ordered, len(found) < len(of), recurring)


def _walk(uses: Sequence[Use], depth: int = 1, root: int | None = None) -> Iterator[tuple[int, int, Use]]:
    """Every use with the number of its field of the root, and its depth; parents first."""
    for number, use in enumerate(uses):
        own = number if root is None else root
        yield own, depth, use
        yield from _walk(use.built.below, depth + 1, own)


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
