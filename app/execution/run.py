"""A plan, run a level at a time."""

from asyncio import gather
from collections.abc import Awaitable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

from graphql.execution.values import VariableValues

from app.execution.explain import Timing, Timings
from app.execution.plan import Called, Level, Plan, Use, Waiting
from resolvers import fields
from resolvers.context import Context


class _Call(NamedTuple):
    """What a level was called with, and what it gave or raised."""

    called: Called
    arguments: fields.Arguments
    parents: list[Any]
    outcome: Any


class Run:
    """One run of a plan. It never raises what a function raises, but keeps it: see `hand_over`."""

    __slots__ = ("_calls", "_ctx", "_roots", "_timings", "_variables", "_whole")

    def __init__(self, ctx: Context, variables: VariableValues, timings: Timings | None = None) -> None:
        self._ctx = ctx
        self._variables = variables
        self._timings = timings
        self._whole = True
        self._calls: list[_Call] = []
        self._roots: dict[str, Any] = {}

    async def data(self, plan: Plan) -> dict[str, Any] | None:
        """The response's data; None when something went wrong."""
        data = dict(plan.keys)
        if plan.serial:
            for level in plan.levels:
                if self._whole:
                    await self._root(level, data)
        elif len(plan.levels) == 1:
            await self._root(plan.levels[0], data)
        else:
            await gather(*(self._root(level, data) for level in plan.levels))
        return data if self._whole else None

    def hand_over(self) -> None:
        """Leaves in the context what every call gave or raised, for graphql-core to complete the operation
        from: nothing is asked twice, and a mutation is not made twice.
        """
        self._ctx.roots.update(self._roots)
        for called, arguments, parents, outcome in self._calls:
            fields.prime(self._ctx, called.function, arguments, parents, outcome)

    async def _root(self, level: Level, data: dict[str, Any]) -> None:
        (use,) = level.uses
        try:
            arguments = level.called.arguments.values(self._variables)
        except Exception:  # graphql-core says what is wrong with them
            self._whole = False
            return
        value = await self._outcome(level, 1, level.called.function(self._ctx, **arguments))
        self._roots[use.position.key] = value
        await self._put([use], [value], [([None], [data])])

    async def _level(self, level: Level, waiting: Waiting) -> None:
        parents = waiting[0][0] if len(waiting) == 1 else [p for own, _ in waiting for p in own]
        called = level.called
        try:
            arguments = called.arguments.values(self._variables)
        except Exception:
            self._whole = False
            return
        outcome = await self._outcome(level, len(parents), called.function(parents, self._ctx, **arguments))
        self._calls.append(_Call(called, arguments, parents, outcome))
        if isinstance(outcome, Sequence) and len(outcome) == len(parents):
            await self._put(level.uses, list(outcome), waiting)
        else:
            self._whole = False

    async def _put(self, uses: list[Use], values: list[Any], waiting: Waiting) -> None:
        """Puts values into their places, and runs the levels below."""
        below = []
        start = 0
        try:
            for use, (parents, slots) in zip(uses, waiting, strict=True):
                end = start + len(parents)
                below += _grouped(use, use.build(values[start:end], slots))
                start = end
        except Exception:
            self._whole = False
            return
        if len(below) == 1:
            await self._level(*below[0])
        elif below:
            await gather(*(self._level(level, own) for level, own in below))

    async def _outcome(self, level: Level, parents: int, awaitable: Awaitable[Any]) -> Any:
        """What a call gave, or the exception that it raised."""
        start = perf_counter()
        try:
            return await awaitable
        except Exception as error:
            return error
        finally:
            if self._timings is not None:
                self._timings[id(level)] = Timing(parents, (perf_counter() - start) * 1000)


def _grouped(use: Use, waiting: Waiting) -> list[tuple[Level, Waiting]]:
    """The levels below a use that have parents, each with what waits for it."""
    below, start = [], 0
    for level in use.levels:
        end = start + len(level.uses)
        own = waiting[start:end]
        if any(parents for parents, _ in own):
            below.append((level, own))
        start = end
    return below
