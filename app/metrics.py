"""Counters of this process, for Prometheus."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_registry = CollectorRegistry()

#: engine: app.execution.operation.Engine. reason: why graphql-core did it; empty for "compiled".
operations = Counter(
    "lectern_operations",
    "Operations that were run, by the engine that answered, and why it was not the compiled plan alone.",
    ["engine", "reason"],
    registry=_registry,
)


async def _metrics(_: Request) -> Response:
    return Response(generate_latest(_registry), media_type=CONTENT_TYPE_LATEST)


ROUTES = [Route("/metrics", _metrics)]
