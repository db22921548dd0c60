"""Pushes the metrics of all processes to an OpenTelemetry collector, with OTLP over HTTP.

The settings are OpenTelemetry's own environment variables: the endpoint, its headers, timeout, certificates
and compression, the interval, and the attributes of the resource. Only the admin process imports this module,
because its packages are optional.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from time import time_ns

import structlog
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Exemplar as OTLPExemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from app.metrics.families import Family, Labels
from app.metrics.merging import Merged, merged
from app.metrics.series import Exemplar
from app.metrics.shared_memory import SharedMemory
from app.observing import without_secrets

_LAST = 0.5  # seconds that the last export can take
_NANO = 1_000_000_000
_STATUS = "http.response.status_code"  # an integer in OpenTelemetry
_LONGEST = 300  # maximum length of a logged reason, in characters

_log = structlog.get_logger("lectern")


@asynccontextmanager
async def exporting(memory: SharedMemory, interval: float) -> AsyncIterator[None]:
    """Exports regularly while the context lasts, and once more in the end. interval: in seconds."""
    exporter = _Exporter(memory)
    task = asyncio.create_task(_export_every(exporter, interval))
    try:
        yield
    finally:
        task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST):
                await exporter.export()
        exporter.close()


async def _export_every(exporter: "_Exporter", interval: float) -> None:
    while True:
        await asyncio.sleep(interval)
        await exporter.export()


class _Exporter:
    """Exports in a thread, once at a time. Logs when exports begin to fail, and when they work again."""

    def __init__(self, memory: SharedMemory) -> None:
        self._memory, self._otlp = memory, OTLPMetricExporter()
        self._resource = _resource(memory)
        self._failures = _Failures()
        self._lock = asyncio.Lock()
        self._fails = False

    async def export(self) -> None:
        async with self._lock:
            self._failures.first = ""
            self._note(fails=not await asyncio.to_thread(self._export))

    def close(self) -> None:
        self._otlp.shutdown()

    def _export(self) -> bool:
        try:
            data = metrics_data(merged(self._memory), self._resource, self._memory.began)
            return self._otlp.export(data) is MetricExportResult.SUCCESS
        except Exception as error:  # without this task, there would be no more exports
            self._failures.first = type(error).__name__
            return False

    def _note(self, *, fails: bool) -> None:
        if fails and not self._fails:
            _log.warning("metrics can't be exported", reason=self._failures.first)
        elif self._fails and not fails:
            _log.info("metrics are exported again")
        self._fails = fails


class _Failures(logging.Handler):
    """Keeps the exporter's messages out of the log, where they would repeat with every attempt.

    first: the first message since it was cleared.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = ""
        logger = logging.getLogger("opentelemetry.exporter.otlp")
        logger.handlers, logger.propagate = [self], False

    def emit(self, record: logging.LogRecord) -> None:
        self.first = self.first or without_secrets(record.getMessage().partition("\n")[0])[:_LONGEST]


def _resource(memory: SharedMemory) -> Resource:
    """Describes this gateway. The environment's own attributes take precedence."""
    own = {
        "service.name": "lectern",
        "service.version": version("lectern"),
        "service.instance.id": memory.id,
    }
    return Resource.create({**own, **OTELResourceDetector().detect().attributes})


def metrics_data(merged: list[Merged], resource: Resource, began: int) -> MetricsData:
    """Returns the metrics as OpenTelemetry's exporter takes them.

    began: when counting began, in nanoseconds since the epoch.
    """
    now = time_ns()
    metrics = [_metric(own, began, now) for own in merged if own.values]
    scope = ScopeMetrics(InstrumentationScope("lectern", version("lectern")), metrics, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _metric(own: Merged, began: int, now: int) -> Metric:
    family = own.family
    if family.kind == "histogram":
        data: Gauge | Histogram | Sum = Histogram(
            [_bars(own, labels, began, now) for labels in own.values], AggregationTemporality.CUMULATIVE
        )
    elif family.kind == "counter":
        points = [_number(family, labels, value, began, now) for labels, (value,) in own.values.items()]
        data = Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True)
    else:
        data = Gauge([_number(family, labels, value, now, now) for labels, (value,) in own.values.items()])
    return Metric(family.name, family.help, family.unit, data)


def _number(family: Family, labels: Labels, value: float, began: int, now: int) -> NumberDataPoint:
    return NumberDataPoint(_attributes(family, labels), began, now, value)


def _bars(own: Merged, labels: Labels, began: int, now: int) -> HistogramDataPoint:
    *counts, total = own.values[labels]
    return HistogramDataPoint(
        attributes=_attributes(own.family, labels),
        start_time_unix_nano=began,
        time_unix_nano=now,
        count=int(sum(counts)),
        sum=total,
        bucket_counts=[int(count) for count in counts],
        explicit_bounds=own.family.buckets,
        min=None,  # type: ignore[arg-type] # optional in OTLP; the processes don't know it
        max=None,  # type: ignore[arg-type]
        exemplars=[_exemplar(exemplar) for exemplar in own.exemplars.get(labels, []) if exemplar],
    )


def _exemplar(exemplar: Exemplar) -> OTLPExemplar:
    # The span isn't known, but without one, the exporter would leave out the trace.
    return OTLPExemplar({}, exemplar.value, int(exemplar.at * _NANO), 0, int(exemplar.trace_id, 16))


def _attributes(family: Family, labels: Labels) -> dict[str, str | int]:
    named = dict(zip(family.labels, labels, strict=True))
    status = named.get(_STATUS, "")
    return {**named, _STATUS: int(status)} if status.isdigit() else {**named}
