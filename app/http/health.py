"""For load balancers and orchestrators: alive, and ready.

Strangers may ask: no answer has the address of anything.
"""

from asyncio import Task, create_task, wait
from collections.abc import Sequence
from time import monotonic

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.database import reason_of
from app.observing import Throttled
from app.server import is_leaving
from loaders.mongo import Database, circuit_is_open, ping, suspect

_FRESH = 1.0  # seconds that an answer of MongoDB's is good for
_LONGEST = 1.5  # seconds for MongoDB to answer

_NOT_READY = Throttled("not ready: MongoDB does not answer")


class Readiness:
    """Whether MongoDB answers: asked once a second at most, however many want to know.

    missing_indexes: those that were missing when last looked for; they are told, and no reason.
    """

    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._asked = -_FRESH
        self._ping: Task[None] | None = None
        self._is_ready = False
        self.missing_indexes: Sequence[str] = ()

    async def is_ready(self) -> bool:
        if circuit_is_open(self._client):
            return False
        if monotonic() - self._asked >= _FRESH:
            if self._ping is None:
                self._ping = create_task(self._look())
            if not (await wait({self._ping}, timeout=_LONGEST))[0]:
                return False
        return self._is_ready

    async def _look(self) -> None:
        try:
            reason = await ping(self._client, _LONGEST)
        finally:
            self._is_ready, self._asked, self._ping = False, monotonic(), None
        self._is_ready = reason is None
        if reason is not None:
            suspect(self._client)
            _NOT_READY.warning(reason=reason_of(reason))


async def healthz(_: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """MongoDB answers, and the gateway isn't stopping; 503 otherwise, within two seconds."""
    readiness: Readiness = request.app.state.readiness
    if is_leaving():
        return JSONResponse({"status": "draining"}, 503)
    if not await readiness.is_ready():
        return JSONResponse({"status": "unavailable", "reason": "MongoDB does not answer."}, 503)
    missing = {"missingIndexes": list(readiness.missing_indexes)} if readiness.missing_indexes else {}
    return JSONResponse({"status": "ok", **missing})


HEALTH_ROUTES: list[BaseRoute] = [Route("/healthz", healthz), Route("/readyz", readyz)]
