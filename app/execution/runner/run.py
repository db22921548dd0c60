"""Runs a plan, one level of calls at a time."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from time import perf_counter

from graphql.execution.values import VariableValues
from graphql.pyutils import gather_with_cancel
from strawberry.exceptions import WrongNumberOfResultsReturned

from app.execution.compiler import CallSite, Plan, ResultObject, Value, Waiting, levels_of
from app.execution.operation import JsonObject
from app.execution.pace import pace
from app.execution.runner.barriers import Arrival, Barriers
from app.execution.runner.completion import Completion
from app.execution.runner.failures import Failures
from app.execution.runner.recurring_calls import Recurring
from app.observing import LevelCalled
from loaders.mongo import current_level
from resolvers.context import Context
from resolvers.fields import Arguments

#: The approximate number of fields that are built before other requests can run. Building them takes half a
#: millisecond, or ten times as long if the values have to be completed one by one.
_SLICE = 5_000
_SMALL = 1_000  # values with fewer fields than this are built immediately, even if other requests are waiting


class _NothingLeftError(Exception):
    """None of the calls that are still running can contribute to the response."""


class Run:
    """One run of a plan. An exception raised by a called function becomes an error in the response."""

    __slots__ = (
        "_barriers",
        "_completions",
        "_ctx",
        "_failures",
        "_levels",
        "_on_level",
        "_recurring",
        "_roots",
        "_running",
        "_serial",
        "_variables",
    )

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
        self._barriers = Barriers(self._levels) if self._levels.shared else None
        self._recurring: dict[int, Recurring] = {}
        data = dict(plan.keys)
        self._failures = Failures(data)
        self._roots = [Arrival(site, [None], [data]) for site in plan.sites]
        self._completions: dict[int, Completion] = {}
        # The inputs of each running call, keyed by the number of the first call site that it serves.
        self._running: dict[int, list[Arrival]] = {}

    async def payload(self) -> JsonObject:
        """Runs the plan. Returns the response: its data, and its errors if there are any."""
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
                await self._advance(roots)
            except _NothingLeftError as ended:
                # This breaks a reference cycle: the frames in the traceback refer to the tasks, and the tasks
                # refer to the exception.
                ended.__traceback__ = None
                self._running.clear()
            if self._failures.data is None:
                break

    async def _advance(self, arrivals: Sequence[Arrival]) -> None:
        """Makes the calls that can be made now that these inputs have arrived, then all calls nested in them.

        The arguments of all these calls are computed first, and calls with invalid arguments fail then. If an
        object becomes null because of such a failure, no call is made for it.
        """
        ready, calls = self._ready(arrivals), []
        for level in ready:
            try:
                arguments = level[0].site.called.arguments.values(self._variables)
            except Exception as error:
                ready += self._ready(await self._put(level, [error] * sum(len(a.parents) for a in level)))
            else:
                calls.append((level, arguments))
        if len(calls) == 1:
            await self._call(*calls[0])
        elif calls:
            await gather_with_cancel(*(self._call(level, arguments) for level, arguments in calls))

    def _ready(self, arrivals: Sequence[Arrival]) -> list[list[Arrival]]:
        """Returns the calls that can be made now that these inputs have arrived; marks them as running."""
        if self._barriers:
            ready = list(self._barriers.ready(arrivals))
        else:
            ready = [[arrival] for arrival in arrivals if arrival.parents]
        for level in ready:
            self._running[level[0].site.number] = level
        return ready

    async def _call(self, arrivals: list[Arrival], arguments: Arguments) -> None:
        if self._failures.pruned:
            arrivals = [self._alive(arrival) for arrival in arrivals]
        site, parents, _ = arrivals[0]
        if len(arrivals) > 1:
            parents = [parent for arrival in arrivals for parent in arrival.parents]
        level, start = self._levels.of[site.number], 0.0
        if self._on_level is not None:
            start = perf_counter()
            current_level.set(level.sites[0].number)
        values: Sequence[Value] = ()
        if parents and site.called.root:
            values = [await self._outcome(site, (self._ctx,), arguments)] * len(parents)
        elif parents:
            values = await self._values(site, parents, arguments)
        if self._on_level is not None:
            ms = (perf_counter() - start) * 1000
            number, field = level.sites[0].number, site.position.coordinate
            self._on_level(LevelCalled(number, field, len(parents), ms, level.depth, start))
        if below := await self._put(arrivals, values):
            await self._advance(below)

    async def _values(self, site: CallSite, parents: list[Value], arguments: Arguments) -> Sequence[Value]:
        """Returns one value per parent, in order. The function is passed each distinct parent only once."""
        if (recurring := self._levels.recurring) and (same := self._levels.of[site.number].same) in recurring:
            if same not in self._recurring:
                self._recurring[same] = Recurring(joined=recurring[same])
            return await self._recurring[same](parents, partial(self._entries, site, arguments))
        if len(set(map(id, parents))) == len(parents):
            return await self._entries(site, arguments, parents)
        distinct = dict(zip(map(id, parents), parents, strict=True))
        distinct_entries = await self._entries(site, arguments, list(distinct.values()))
        entries = dict(zip(distinct, distinct_entries, strict=True))
        return list(map(entries.__getitem__, map(id, parents)))

    async def _entries(self, site: CallSite, arguments: Arguments, parents: list[Value]) -> Sequence[Value]:
        """Returns one entry per parent.

        If the call fails, every entry is the exception, as with a DataLoader.
        """
        outcome, expected = await self._outcome(site, (parents, self._ctx), arguments), len(parents)
        if isinstance(outcome, Exception):
            return [outcome] * expected
        try:
            entries = list(outcome)
        except Exception as error:
            return [error] * expected
        if len(entries) != expected:
            return [WrongNumberOfResultsReturned(expected=expected, received=len(entries))] * expected
        return entries

    async def _outcome(self, site: CallSite, positional: Sequence[Value], arguments: Arguments) -> Value:
        """Returns the result of a call, or the exception that it raised."""
        try:
            return await site.called.function(*positional, **arguments)
        except Exception as error:
            return error

    async def _put(self, arrivals: list[Arrival], values: Sequence[Value]) -> list[Arrival]:
        """Puts a call's return values into the response. Returns the inputs of the nested calls."""
        below: list[Arrival] = []
        start = 0
        for site, parents, slots in arrivals:
            part = values if len(arrivals) == 1 else values[start : start + len(parents)]
            is_small = len(part) * site.built.weight < _SMALL
            waiting = self._slice(site, part, slots) if is_small else await self._built(site, part, slots)
            below += [Arrival(inner, *waits) for inner, waits in zip(site.built.below, waiting, strict=True)]
            start += len(parents)
        del self._running[arrivals[0].site.number]
        if self._failures.pruned and not any(map(self._is_alive, self._pending(below))):
            raise _NothingLeftError
        return below

    def _pending(self, below: list[Arrival]) -> Iterator[Arrival]:
        """Yields the inputs of all calls that have not yet put their values into the response."""
        yield from below
        yield from chain.from_iterable(self._running.values())
        if self._barriers:
            yield from self._barriers.waiting()

    async def _built(self, site: CallSite, values: Sequence[Value], slots: list[ResultObject]) -> Waiting:
        """Builds the values in slices, so that other requests can run in between."""
        size = _SLICE // site.built.weight + 1
        if len(values) <= size:
            await pace.turn()
            return self._slice(site, values, slots)
        whole: Waiting = [([], []) for _ in site.built.below]
        for start in range(0, len(values), size):
            await pace.turn()
            some = slice(start, start + size)
            for total, more in zip(whole, self._slice(site, values[some], slots[some]), strict=True):
                total[0].extend(more[0])
                total[1].extend(more[1])
        return whole

    def _slice(self, site: CallSite, values: Sequence[Value], slots: list[ResultObject]) -> Waiting:
        try:
            return site.built.build(values, slots)
        except Exception:
            return self._completion(site).of(values, slots)

    def _completion(self, site: CallSite) -> Completion:
        if site.number not in self._completions:
            self._completions[site.number] = Completion(site, self._failures)
        return self._completions[site.number]

    def _is_alive(self, arrival: Arrival) -> bool:
        return bool(arrival.parents and self._alive(arrival).parents)

    def _alive(self, arrival: Arrival) -> Arrival:
        """Returns a new Arrival without the parents whose result objects are no longer in the response."""
        alive = self._failures.paths(arrival.site.route)
        kept = [(p, s) for p, s in zip(arrival.parents, arrival.slots, strict=True) if id(s) in alive]
        return Arrival(arrival.site, [p for p, _ in kept], [s for _, s in kept])
