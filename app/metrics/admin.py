"""The admin process's application: metrics and health of all workers, on a port of its own."""


from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.metrics.exposition import MetricsPage
from app.metrics.families import MONGODB_UP
from app.metrics.shared_memory import SharedMemory, State


def admin_app(memory: SharedMemory) -> Starlette:
    """Creates the application."""

    async def readyz(_: Request) -> Response:
        """Responds with 200 if a worker serves and its MongoDB answers; with 503 otherwise."""
        if memory.is_draining:
            return JSONResponse({"status": "draining"}, 503)
        serving = [slot for slot in memory.slots if slot.state == State.SERVING]
        if not serving:
            return JSONResponse({"status": "unavailable", "reason": "No worker is serving."}, 503)
        if not any(row.values[0] for slot in serving for _, row in slot.rows(MONGODB_UP)):
            return JSONResponse({"status": "unavailable", "reason": "MongoDB does not answer."}, 503)
        return JSONResponse({"status": "ok"})

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    routes = [MetricsPage(memory).route(), Route("/readyz", readyz), Route("/healthz", healthz)]
    return Starlette(routes=routes)
