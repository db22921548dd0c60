"""Liveness and readiness checks for load balancers and orchestrators.

They are open to everyone, so their responses don't contain the address of any server.
"""

from asyncio import Task, create_task, wait
from collections.abc import Sequence
from time import monotonic

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.observing import Throttled
from app.server import is_leaving
from loaders.mongo import Database, circuit_is_open, ping, reason_of, suspect

_FRESH = 1.0  # seconds for which the result of a ping is reused
_LONGEST = 1.5  # seconds within which MongoDB must answer a ping

_NOT_READY = Throttled("not ready: MongoDB does not answer")


class Readiness:
    """Determines whether MongoDB answers. Pings it at most once a second, however many requests there are.

    missing_indexes: the indexes that were missing at the last check. If `names_indexes` is true, `/readyz`
    reports them. The gateway counts as ready even if indexes are missing.
    """

    def __init__(self, database: Database, *, names_indexes: bool = True) -> None:
        self._client = database.client
        self.names_indexes = names_indexes
        self._checked = -_FRESH
        self._ping: Task[None] | None = None
        self._is_ready = False
        self.missing_indexes: Sequence[str] = ()

    async def is_ready(self) -> bool:
        if circuit_is_open(self._client):
            return False
        if monotonic() - self._checked >= _FRESH:
            if self._ping is None:
                self._ping = create_task(self._check())
            if not (await wait({self._ping}, timeout=_LONGEST))[0]:
                return False
        return self._is_ready

    async def _check(self) -> None:
        try:
            error = await ping(self._client, _LONGEST)
        finally:
            self._is_ready, self._checked, self._ping = False, monotonic(), None
        self._is_ready = error is None
        if error is not None:
            suspect(self._client)
            _NOT_READY.warning(reason=reason_of(error))


async def healthz(_: Request) -> Response:
    """Handles `/healthz`: always responds with 200, which shows that the process is alive."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Handles `/readyz`: responds within two seconds.

    The status is 200 if MongoDB answers and the gateway isn't stopping, otherwise 503.
    """
    readiness: Readiness = request.app.state.readiness
    if is_leaving():
        return JSONResponse({"status": "draining"}, 503)
    if not await readiness.is_ready():
        return JSONResponse({"status": "unavailable", "reason": "MongoDB does not answer."}, 503)
    missing = readiness.missing_indexes if readiness.names_indexes else ()
    return JSONResponse({"status": "ok", **({"missingIndexes": list(missing)} if missing else {})})


HEALTH_ROUTES: list[BaseRoute] = [Route("/healthz", healthz), Route("/readyz", readyz)]
