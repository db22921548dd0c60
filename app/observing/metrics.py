"""The metrics of an application, for Prometheus."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.observing.instrumentation import Listener, OperationRun


class Metrics(Listener, Collector):
    """Counts operations by engine, and by the reason why graphql-core runs them ("" for a compiled plan).

    The numbers are plain, since they are counted on the event loop: the library's counters take a lock.
    """

    def __init__(self) -> None:
        self.operations = Counter({("compiled", ""): 0})
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def operation_run(self, operation: OperationRun) -> None:
        self.operations[operation.engine, operation.reason] += 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            "lectern_operations",
            "Operations that were run, by the engine, and why it was not the compiled plan alone.",
            labels=["engine", "reason"],
        )
        for labels, count in self.operations.items():
            family.add_metric(labels, count)
        yield family

    def route(self) -> Route:
        """The resource /metrics."""
        return Route("/metrics", self._answer)

    async def _answer(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)
