"""The application: what it is made of, and in which order a request passes it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app import memory, settings
from app.auth import Authentication, Claims, Issuer, Keys, SessionTokens
from app.background import look_for_indexes, tend
from app.database import connect
from app.execution import Executor
from app.http import CORS, HEALTH_ROUTES, Endpoint, Readiness, graphiql_routes
from app.observing import METRICS_ROUTES, configure_logs, log_late_write
from app.protection import Admission, Limits
from app.settings import Settings
from loaders.mongo import Database, on_late_outcome
from loaders.reading import Loaders
from resolvers.context import Context, Viewer
from resolvers.cursors import Cursors
from resolvers.schema import schema

PATH = "/graphql"


def from_environment() -> Starlette:
    """The application of the environment's settings, as a worker process of `lectern serve` makes it."""
    configure_logs()
    app = create_app(settings.load())
    memory.settle()
    return app


def create_app(settings: Settings) -> Starlette:
    """The gateway. It connects to MongoDB when it starts, and closes the client when it stops."""
    secret = settings.lectern_secret.get_secret_value().encode() or secrets.token_bytes(32)
    cursors, tokens = Cursors(secret), SessionTokens(secret)
    on_late_outcome(log_late_write)

    opened: list[Database] = []  # one, while it runs

    def database() -> Database:
        return opened[0]

    def context(viewer: Viewer, address: str) -> Context:
        return Context(Loaders(database()), cursors, datetime.now(UTC), tokens, viewer, address)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with connect(settings, tz_aware=False) as database:
            opened[:] = [database]
            app.state.readiness = Readiness(database)
            tending = [memory.tend(), tend(database), look_for_indexes(database, app.state.readiness)]
            tasks = [asyncio.create_task(work) for work in tending]
            yield
            for task in tasks:
                task.cancel()

    endpoint = Endpoint(
        make_executor(settings),
        Authentication(tokens, _issuer(settings), database),
        context,
        settings.max_body_bytes,
        settings.graphiql,
        settings.trace_plan,
        settings.compression,
        settings.max_response_bytes,
        settings.request_timeout,
        Admission(settings.admission_capacity, settings.admission_wait),
    )
    app = Gateway(settings, routes=_routes(endpoint, settings), lifespan=lifespan)
    app.direct |= {PATH: endpoint, f"{PATH}/": endpoint}
    return app


def _issuer(settings: Settings) -> Issuer | None:
    if not settings.oidc_issuer:
        return None
    claims = Claims(
        settings.oidc_roles_claim, settings.oidc_roles, settings.oidc_student_claim, settings.oidc_source
    )
    return Issuer(
        settings.oidc_issuer,
        settings.oidc_audience,
        Keys(settings.oidc_jwks),
        settings.oidc_algorithms,
        settings.oidc_leeway,
        claims,
    )


class Gateway(Starlette):
    """Starlette behind CORS, with applications that are reached without its middleware and routes. They
    answer all that is sent to their path, errors included, and to pass these takes as long as a small query.
    """

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(**options)
        self.direct: dict[str, ASGIApp] = {}
        self._cors = CORS(self._answer, settings.cors_origins, settings.cors_headers)
        self.router.redirect_slashes = False  # it redirects to whatever host the client names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._cors if scope["type"] == "http" else super().__call__)(scope, receive, send)

    def _answer(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return (self.direct.get(scope["path"]) or super().__call__)(scope, receive, send)


def make_executor(settings: Settings) -> Executor:
    return Executor(
        schema,
        Limits.of(settings),
        introspection=settings.introspection,
        compiled=settings.compiled_execution,
    )


def _routes(endpoint: Endpoint, settings: Settings) -> list[BaseRoute]:
    pages = graphiql_routes() if settings.graphiql else []
    figures = METRICS_ROUTES if settings.metrics else []
    return [Route(PATH, endpoint), *HEALTH_ROUTES, *figures, *pages]
