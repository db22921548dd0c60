"""`/metrics`: the metrics of all processes in Prometheus' text format, or in OpenMetrics with exemplars."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, Metric, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.metrics.merging import Merged, merged
from app.metrics.shared_memory import SharedMemory


class MetricsPage:
    """The page at /metrics. before: called before each reading, so that this process's gauges are current.

    However many clients ask at once, at most one answer is made at a time in each format. Clients that ask
    meanwhile share the next one.
    """

    def __init__(self, memory: SharedMemory, before: Callable[[], None] = lambda: None) -> None:
        registry = CollectorRegistry()
        registry.register(_Merging(memory))
        self._plain = _Shared(lambda: exposition.generate_latest(registry), before)
        self._open = _Shared(lambda: bytes(openmetrics.generate_latest(registry)), before)  # type: ignore[no-untyped-call]

    def route(self) -> Route:
        return Route("/metrics", self._answer)

    async def _answer(self, request: Request) -> Response:
        if "application/openmetrics-text" in request.headers.get("accept", ""):
            return Response(await self._open.result(), media_type=openmetrics.CONTENT_TYPE_LATEST)
        return Response(await self._plain.result(), media_type=exposition.CONTENT_TYPE_PLAIN_0_0_4)


class _Shared:
    """Work whose result is shared by all who ask before it begins. It runs in a thread, once at a time."""

    def __init__(self, work: Callable[[], bytes], before: Callable[[], None]) -> None:
        self._work, self._before = work, before
        self._lock = asyncio.Lock()
        self._next: asyncio.Task[bytes] | None = None

    async def result(self) -> bytes:
        if self._next is None:
            self._next = asyncio.create_task(self._run())
        return await asyncio.shield(self._next)

    async def _run(self) -> bytes:
        async with self._lock:
            self._next = None
            self._before()
            return await asyncio.to_thread(self._work)


class _Merging(Collector):
    def __init__(self, memory: SharedMemory) -> None:
        self._memory = memory

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        return map(_metric, merged(self._memory))


def _metric(merged: Merged) -> Metric:
    family = merged.family
    name, labels = family.prometheus_name, family.prometheus_labels
    if family.kind == "histogram":
        return _histogram(merged)
    make = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric: CounterMetricFamily | GaugeMetricFamily = make(name, family.help, labels=labels)
    for values, (value,) in merged.values.items():
        metric.add_metric(values, value)
    return metric


def _histogram(merged: Merged) -> Metric:
    family = merged.family
    metric = HistogramMetricFamily(family.prometheus_name, family.help, labels=family.prometheus_labels)
    bounds = [*map(str, family.buckets), "+Inf"]
    for labels, (*counts, total) in merged.values.items():
        found = merged.exemplars.get(labels) or [None] * len(bounds)
        exemplars = [e and Exemplar({"trace_id": e.trace_id}, e.value, e.at) for e in found]
        bars: Any = list(zip(bounds, accumulate(counts), exemplars, strict=True))  # its type forbids None
        metric.add_metric(labels, bars, total)
    return metric
