"""The admin process's application: metrics and health of all workers, on a port of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.metrics.exposition import MetricsPage
from app.metrics.families import MONGODB_UP
from app.metrics.shared_memory import SharedMemory, State


def admin_app(memory: SharedMemory, export_every: float | None = None) -> Starlette:
    """Creates the application. export_every: seconds between two exports of the metrics; None for none."""

    async def readyz(_: Request) -> Response:
        """Responds with 200 if a worker serves and its MongoDB answers; with 503 otherwise."""
        if memory.is_draining:
            return JSONResponse({"status": "draining"}, 503)
        serving = [slot for slot in memory.used if slot.state == State.SERVING]
        if not serving:
            return JSONResponse({"status": "unavailable", "reason": "No worker is serving."}, 503)
        if not any(row.values[0] for slot in serving for _, row in slot.rows(MONGODB_UP)):
            return JSONResponse({"status": "unavailable", "reason": "MongoDB does not answer."}, 503)
        return JSONResponse({"status": "ok"})

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if export_every is None:
            yield
            return
        from app.metrics.otlp import exporting  # noqa: PLC0415  # its packages are optional

        async with exporting(memory, export_every):
            yield

    routes = [MetricsPage(memory).route(), Route("/readyz", readyz), Route("/healthz", healthz)]
    return Starlette(routes=routes, lifespan=lifespan)
