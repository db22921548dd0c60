"""For load balancers and orchestrators: alive, and ready."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.database import DatabaseUnavailableError, ping
from app.server.drain import is_draining
from loaders import indexes
from loaders.mongo import Database


async def healthz(_: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """MongoDB answers and the indexes are there; 503 with the reason otherwise."""
    if is_draining():
        return JSONResponse({"status": "unavailable", "reason": "This process is draining."}, 503)
    database: Database = request.app.state.database
    if reason := await _reason_not_ready(database):
        return JSONResponse({"status": "unavailable", "reason": reason}, 503)
    return JSONResponse({"status": "ok"})


ROUTES: list[BaseRoute] = [Route("/healthz", healthz), Route("/readyz", readyz)]


async def _reason_not_ready(database: Database) -> str | None:
    try:
        await ping(database)
    except DatabaseUnavailableError as error:
        return str(error)
    if missing := await indexes.missing(database):
        return f"Indexes are missing: {', '.join(missing)}. Make them: lectern indexes"
    return None
