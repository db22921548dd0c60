"""Counters of this process, for Prometheus."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

#: Operations that were run, by engine (app.execution.operation.Engine) and by why graphql-core did it, "" for
#: "compiled". Plain numbers, counted on the event loop: the library's counters take a lock.
operations = Counter({("compiled", ""): 0})


class _Operations(Collector):
    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            "lectern_operations",
            "Operations that were run, by the engine, and why it was not the compiled plan alone.",
            labels=["engine", "reason"],
        )
        for labels, count in operations.items():
            family.add_metric(labels, count)
        yield family


_registry = CollectorRegistry()
_registry.register(_Operations())


async def _metrics(_: Request) -> Response:
    return Response(generate_latest(_registry), media_type=CONTENT_TYPE_LATEST)


METRICS_ROUTES = [Route("/metrics", _metrics)]
