"""What is measured at regular intervals: gauges, the event loop's lag, and the process's own resources."""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import process_time
from typing import NamedTuple, Protocol

from motor.core import AgnosticBase

from app.background import failures
from app.metrics import families
from app.metrics.exposition import MetricsPage
from app.metrics.families import Family, Labels
from app.metrics.metrics import Metrics
from app.metrics.series import Counter, Gauge, Histogram
from app.metrics.shared_memory import SharedMemory
from app.observing import Log, Throttled, Traces, redacted
from loaders.mongo import Database, DriverObject, now, queue_of

_EVERY = 0.25  # seconds between two samples
_PING_EVERY = 1.0
_FILES_EVERY = 20  # samples between two counts of the open files, which takes longer
_AGE_EVERY = 240  # samples between two calls of Metrics.age

_CANT_SAMPLE = Throttled("the metrics can't be sampled")

_PROC = Path("/proc/self")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class ServerCounts(NamedTuple):
    """What a server knows. rejections: the refusals since its start, by status."""

    connections: int
    idle: int
    requests: int
    rejections: Mapping[int, int]


class Readiness(Protocol):
    """The part of app.http.Readiness that the sampler needs."""

    missing_indexes: Sequence[str]

    async def is_ready(self) -> bool: ...


class Lane(Protocol):
    """The part of app.protection's lanes that the sampler needs. Importing the lanes would import GraphQL."""

    capacity: int
    used: int
    waiting: int


class Admission(Protocol):
    @property
    def cheap(self) -> Lane: ...
    @property
    def expensive(self) -> Lane: ...
    @property
    def writes(self) -> Lane: ...
    @property
    def expensive_writes(self) -> Lane: ...
    @property
    def texts(self) -> Lane: ...


class Budgets(Protocol):
    """The part of app.budgets.Budgets that the sampler needs."""

    @property
    def points(self) -> Mapping[str, int]: ...
    @property
    def unchecked(self) -> Mapping[str, int]: ...
    @property
    def leases(self) -> Mapping[str, int]: ...
    @property
    def known(self) -> int: ...


class Persisted(Protocol):
    """The part of app.persisted.OperationPolicy that the sampler needs."""

    @property
    def counts(self) -> Mapping[str, int]: ...
    @property
    def trusted_count(self) -> int: ...


class Backlog(Protocol):
    """The part of loaders.outbox.Backlog that the sampler needs."""

    @property
    def destination(self) -> str: ...
    @property
    def pending(self) -> int: ...
    @property
    def parked(self) -> int: ...
    @property
    def oldest(self) -> datetime | None: ...


class Deliveries(Protocol):
    """The part of app.delivery.Dispatcher that the sampler needs."""

    @property
    def outcomes(self) -> Mapping[str, Mapping[str, int]]: ...
    @property
    def backlogs(self) -> Mapping[str, Backlog]: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """What is sampled.

    cache: returns the number of cached documents, and their size in bytes. server: None if the application
    runs without Lectern's server. traces: None if no traces are exported. budgets: None if there are none.
    persisted: None if the application has no persisted operations. deliveries: None if the application
    delivers nothing.
    """

    admission: Admission
    cache: Callable[[], tuple[int, int]]
    server: Callable[[], ServerCounts] | None
    traces: Traces | None = None
    budgets: Budgets | None = None
    persisted: Persisted | None = None
    deliveries: Deliveries | None = None


class Meter:
    """Measures a process. Once `run` has been called, samples its gauges four times a second.

    listener: counts the events.
    """

    def __init__(self, memory: SharedMemory, sources: Sources) -> None:
        self._memory, self._slot, self._sources = memory, memory.own, sources
        self.listener = Metrics(self._slot)
        self._database: Database | None = None
        self._gauges: dict[Family, Gauge] = {}
        self._counters: dict[Family, Counter] = {}
        self._before: dict[tuple[Family, Labels], float] = {}
        self._lag = Histogram(families.LOOP_LAG, self._slot)
        self._samples = 0

    async def run(self, database: Database, readiness: Readiness) -> None:
        """Samples until it is cancelled."""
        self._database = database
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ask(readiness))
            tasks.create_task(self._tick())

    async def _ask(self, readiness: Readiness) -> None:
        while True:
            self._set(families.MONGODB_UP, float(await readiness.is_ready()))
            self._set(families.MISSING_INDEXES, len(readiness.missing_indexes))
            await asyncio.sleep(_PING_EVERY)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                self.sample()
            except Exception as error:  # without this task, the gauges would keep their last values
                _CANT_SAMPLE.warning(reason=redacted(error))
            self._samples += 1
            if self._samples % _AGE_EVERY == 0:
                self.listener.age()
            due = loop.time() + _EVERY
            await asyncio.sleep(_EVERY)
            self._lag.observe(max(0.0, loop.time() - due))

    def page(self) -> MetricsPage:
        """Returns a page with the metrics of all processes; this one's gauges are current."""
        return MetricsPage(self._memory, self.sample)

    def sample(self) -> None:
        sources = self._sources
        for lane in ("cheap", "expensive", "writes", "expensive_writes", "texts"):
            queue = getattr(sources.admission, lane)
            self._set(families.LANE_WAITING, queue.waiting, (lane,))
            self._set(families.LANE_USED, queue.used, (lane,))
            self._set(families.LANE_CAPACITY, queue.capacity, (lane,))
        entries, size = sources.cache()
        self._set(families.CACHE_ENTRIES, entries)
        self._set(families.CACHE_BYTES, size)
        if sources.persisted is not None:
            self._set(families.TRUSTED_OPERATIONS, sources.persisted.trusted_count)
            for event, number in sources.persisted.counts.items():
                self._follow(families.PERSISTED_QUERIES, number, (event,))
        if self._database is not None:
            self._sample_driver(self._database)
        self._sample_server()
        self._sample_process()
        if sources.budgets is not None:
            self._sample_budgets(sources.budgets)
        if sources.deliveries is not None:
            self._sample_deliveries(sources.deliveries)

    def _sample_driver(self, database: Database) -> None:
        queue, pools = queue_of(database.client), _pools(database.client)
        self._set(families.COMMANDS, queue.in_flight, ("in_flight",))
        self._set(families.COMMANDS, queue.waiting, ("waiting",))
        self._set(families.POOL_CONNECTIONS, sum(len(pool.conns) for pool in pools), ("idle",))
        self._set(families.POOL_CONNECTIONS, sum(pool.active_sockets for pool in pools), ("used",))

    def _sample_server(self) -> None:
        if self._sources.server is None:
            return
        counts = self._sources.server()
        self._set(families.ACTIVE_REQUESTS, counts.requests)
        self._set(families.CONNECTIONS, counts.connections - counts.idle, ("active",))
        self._set(families.CONNECTIONS, counts.idle, ("idle",))
        for status, number in counts.rejections.items():
            self._follow(families.REJECTIONS, number, (str(status),))

    def _sample_budgets(self, budgets: Budgets) -> None:
        for family, totals in (
            (families.BUDGET_POINTS, budgets.points),
            (families.BUDGET_UNCHECKED, budgets.unchecked),
            (families.BUDGET_LEASES, budgets.leases),
        ):
            for label, total in totals.items():
                self._follow(family, total, (label,))
        self._set(families.BUDGET_CLIENTS, budgets.known)

    def _sample_deliveries(self, deliveries: Deliveries) -> None:
        for destination, outcomes in deliveries.outcomes.items():
            for outcome, number in outcomes.items():
                self._follow(families.DELIVERIES, number, (destination, outcome))
        for destination, backlog in deliveries.backlogs.items():
            age = (now() - backlog.oldest).total_seconds() if backlog.oldest else 0.0
            self._set(families.OUTBOX_PENDING, backlog.pending, (destination,))
            self._set(families.OUTBOX_PARKED, backlog.parked, (destination,))
            self._set(families.OUTBOX_OLDEST, age, (destination,))

    def _sample_process(self) -> None:
        self._follow(families.CPU_TIME, process_time())
        self._follow(families.LOG_LINES_DROPPED, Log.output.dropped)
        for task, number in failures.items():
            self._follow(families.BACKGROUND_FAILURES, number, (task,))
        traces = self._sources.traces
        self._follow(families.SPANS_EXPORTED, traces.exported if traces else 0)
        self._follow(families.SPANS_DROPPED, traces.dropped if traces else 0)
        if sys.platform == "linux" and self._samples % _FILES_EVERY == 0:
            with suppress(OSError):  # the process has no file left to open
                self._set(families.RESIDENT_MEMORY, int((_PROC / "statm").read_text().split()[1]) * _PAGE)
                self._set(families.OPEN_FILES, sum(1 for _ in (_PROC / "fd").iterdir()))

    def _set(self, family: Family, value: float, labels: Labels = ()) -> None:
        if (gauge := self._gauges.get(family)) is None:
            gauge = self._gauges[family] = Gauge(family, self._slot)
        gauge.set(value, labels)

    def _count(self, family: Family) -> Counter:
        if (counter := self._counters.get(family)) is None:
            counter = self._counters[family] = Counter(family, self._slot)
        return counter

    def _follow(self, family: Family, total: float, labels: Labels = ()) -> None:
        """Adds what a total that starts with the process has grown by since the last sample."""
        key = (family, labels)
        self._count(family).add(labels, total - self._before.get(key, 0.0))
        self._before[key] = total


def _pools(client: DriverObject) -> list[DriverObject]:
    """Returns the driver's connection pools, one for each server.

    The driver has no public property with its pools. Its listeners for them would be called several times for
    each command.
    """
    driver: DriverObject = client.delegate if isinstance(client, AgnosticBase) else client
    return [server.pool for server in list(driver._topology._servers.values())]  # noqa: SLF001
