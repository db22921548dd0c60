"""An application's metrics for Prometheus."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.observing.instrumentation import Listener
from app.observing.record import Record


class Metrics(Listener, Collector):
    """Counts operations by engine, and by the reason why graphql-core ran them ("" if it didn't).

    The counters are plain ints. They are only updated on the event loop, so, unlike the counters of
    prometheus_client, they need no lock.
    """

    def __init__(self) -> None:
        self.operations = Counter({("compiled", ""): 0})
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def request_ended(self, record: Record) -> None:
        if record.engine:
            self.operations[record.engine, record.reason] += 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            "lectern_operations",
            "Operations run, by engine and by the reason why graphql-core ran them.",
            labels=["engine", "reason"],
        )
        for labels, count in self.operations.items():
            family.add_metric(labels, count)
        yield family

    def route(self) -> Route:
        """Returns the route for /metrics."""
        return Route("/metrics", self._answer)

    async def _answer(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)
