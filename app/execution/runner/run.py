"""A plan, run a level at a time."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from time import perf_counter
from typing import Any

from graphql.execution.values import VariableValues
from graphql.pyutils import gather_with_cancel
from strawberry.exceptions import WrongNumberOfResultsReturned

from app.execution.compiler import Arrival, Meeting, Plan, Use, Waiting, levels_of
from app.execution.pace import pace
from app.execution.runner.completion import Completion
from app.execution.runner.failures import Failures
from app.execution.runner.recurring_calls import Recurring
from app.observing import LevelCalled
from resolvers.context import Context
from resolvers.fields import Arguments

#: How many fields are made at a time, about: half a millisecond of work, of a slice that fails ten times it.
_SLICE = 5_000
_SMALL = 1_000  # so many are made without asking whether it is another's turn


class _NothingLeftError(Exception):
    """What is still running is for nothing that is part of the answer."""


class Run:
    """One run of a plan. It raises nothing that a function raises: that is an error of the answer."""

    __slots__ = (
        "_completions",
        "_ctx",
        "_failures",
        "_levels",
        "_meeting",
        "_on_level",
        "_recurring",
        "_roots",
        "_running",
        "_serial",
        "_variables",
    )  # fmt: skip

    def __init__(
        self,
        plan: Plan,
        ctx: Context,
        variables: VariableValues,
        on_level: Callable[[LevelCalled], None] | None = None,
    ) -> None:
        self._levels = levels_of(plan, variables)
        self._ctx, self._variables, self._on_level = ctx, variables, on_level
        self._serial = plan.serial
        self._meeting = Meeting(self._levels) if self._levels.shared else None
        self._recurring: dict[int, Recurring] = {}
        data = dict(plan.keys)
        self._failures = Failures(data)
        self._roots = [Arrival(use, [None], [data]) for use in plan.uses]
        self._completions: dict[int, Completion] = {}
        self._running: dict[int, list[Arrival]] = {}  # calls by the number of their first use

    async def payload(self) -> dict[str, Any]:
        """The response: its data, and its errors where there are any."""
        try:
            await self._run()
            return self._failures.payload()
        finally:
            self._failures.forget()

    async def _run(self) -> None:
        for roots in [[root] for root in self._roots] if self._serial else [self._roots]:
            if self._serial:
                self._ctx.forget()
            try:
                await self._go_on(roots)
            except _NothingLeftError as ended:
                ended.__traceback__ = None  # its frames hold the tasks that hold it
                self._running.clear()
            if self._failures.data is None:
                break

    async def _go_on(self, arrivals: Sequence[Arrival]) -> None:
        """Calls what is complete with these arrivals, and all below. Arguments that can't be used fail first:
        what becomes null with them is not asked for.
        """
        ready, calls = self._ready(arrivals), []
        for own in ready:
            try:
                arguments = own[0].use.called.arguments.values(self._variables)
            except Exception as error:
                ready += self._ready(await self._put(own, [error] * sum(len(a.parents) for a in own)))
            else:
                calls.append((own, arguments))
        if len(calls) == 1:
            await self._call(*calls[0])
        elif calls:
            await gather_with_cancel(*(self._call(own, arguments) for own, arguments in calls))

    def _ready(self, arrivals: Sequence[Arrival]) -> list[list[Arrival]]:
        """The calls that are complete with these arrivals; they count as running from here on."""
        if self._meeting:
            ready = list(self._meeting.ready(arrivals))
        else:
            ready = [[arrival] for arrival in arrivals if arrival.parents]
        for own in ready:
            self._running[own[0].use.number] = own
        return ready

    async def _call(self, arrivals: list[Arrival], arguments: Arguments) -> None:
        if self._failures.pruned:
            arrivals = [self._alive(arrival) for arrival in arrivals]
        use, parents, _ = arrivals[0]
        if len(arrivals) > 1:
            parents = [parent for arrival in arrivals for parent in arrival.parents]
        start = perf_counter() if self._on_level is not None else 0.0
        values: Sequence[Any] = ()
        if parents and use.called.root:
            values = [await self._outcome(use, (self._ctx,), arguments)] * len(parents)
        elif parents:
            values = await self._values(use, parents, arguments)
        if self._on_level is not None:
            ms = (perf_counter() - start) * 1000
            self._on_level(LevelCalled(use.number, use.position.coordinate, len(parents), ms))
        if below := await self._put(arrivals, values):
            await self._go_on(below)

    async def _values(self, use: Use, parents: list[Any], arguments: Arguments) -> Sequence[Any]:
        """A value for each parent, in order. The function gets each object once."""
        if (recurring := self._levels.recurring) and (same := self._levels.of[use.number].same) in recurring:
            if same not in self._recurring:
                self._recurring[same] = Recurring(joined=recurring[same])
            return await self._recurring[same](parents, partial(self._entries, use, arguments))
        if len(set(map(id, parents))) == len(parents):
            return await self._entries(use, arguments, parents)
        distinct = dict(zip(map(id, parents), parents, strict=True))
        found = await self._entries(use, arguments, list(distinct.values()))
        entries = dict(zip(distinct, found, strict=True))
        return list(map(entries.__getitem__, map(id, parents)))

    async def _entries(self, use: Use, arguments: Arguments, parents: list[Any]) -> Sequence[Any]:
        """One for each parent; the same exception for all where the call failed, as by DataLoader."""
        outcome, expected = await self._outcome(use, (parents, self._ctx), arguments), len(parents)
        if isinstance(outcome, Exception):
            return [outcome] * expected
        try:
            entries = list(outcome)
        except Exception as error:
            return [error] * expected
        if len(entries) != expected:
            return [WrongNumberOfResultsReturned(expected=expected, received=len(entries))] * expected
        return entries

    async def _outcome(self, use: Use, given: Sequence[Any], arguments: Arguments) -> Any:
        """What a call gives, or the exception that it raises."""
        try:
            return await use.called.function(*given, **arguments)
        except Exception as error:
            return error

    async def _put(self, arrivals: list[Arrival], values: Sequence[Any]) -> list[Arrival]:
        """Puts values into their places. Returns what arrives at the uses below."""
        below: list[Arrival] = []
        start = 0
        for use, parents, slots in arrivals:
            own = values if len(arrivals) == 1 else values[start : start + len(parents)]
            is_small = len(own) * use.built.weight < _SMALL
            waiting = self._slice(use, own, slots) if is_small else await self._built(use, own, slots)
            below += [Arrival(inner, *who) for inner, who in zip(use.built.below, waiting, strict=True)]
            start += len(parents)
        del self._running[arrivals[0].use.number]
        if self._failures.pruned and not any(map(self._is_alive, self._pending(below))):
            raise _NothingLeftError
        return below

    def _pending(self, below: list[Arrival]) -> Iterator[Arrival]:
        """What will put something into the answer yet."""
        yield from below
        yield from chain.from_iterable(self._running.values())
        if self._meeting:
            yield from self._meeting.waiting()

    async def _built(self, use: Use, values: Sequence[Any], slots: list[dict[str, Any]]) -> Waiting:
        """In slices, between which others have their turns."""
        size = _SLICE // use.built.weight + 1
        if len(values) <= size:
            await pace.turn()
            return self._slice(use, values, slots)
        whole: Waiting = [([], []) for _ in use.built.below]
        for start in range(0, len(values), size):
            await pace.turn()
            some = slice(start, start + size)
            for all_, more in zip(whole, self._slice(use, values[some], slots[some]), strict=True):
                all_[0].extend(more[0])
                all_[1].extend(more[1])
        return whole

    def _slice(self, use: Use, values: Sequence[Any], slots: list[dict[str, Any]]) -> Waiting:
        try:
            return use.built.build(values, slots)
        except Exception:
            return self._completion(use).of(values, slots)

    def _completion(self, use: Use) -> Completion:
        if use.number not in self._completions:
            self._completions[use.number] = Completion(use, self._failures)
        return self._completions[use.number]

    def _is_alive(self, arrival: Arrival) -> bool:
        return bool(arrival.parents and self._alive(arrival).parents)

    def _alive(self, arrival: Arrival) -> Arrival:
        """Without those whose result is no longer part of the answer."""
        alive = self._failures.paths(arrival.use.route)
        kept = [(p, s) for p, s in zip(arrival.parents, arrival.slots, strict=True) if id(s) in alive]
        return Arrival(arrival.use, [p for p, _ in kept], [s for _, s in kept])
