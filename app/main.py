"""Assembles the application from its settings."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from app import memory, settings
from app.auth import Authentication, Claims, Issuer, Keys, SessionTokens
from app.background import check_indexes, end_stale_transactions, finish_erasures, supervised
from app.budgets import Budgets, Clients
from app.database import connect
from app.delivery import Dispatcher, configured_senders, dev_mail_routes
from app.execution import Executor
from app.http import (
    CORS,
    HEALTH_ROUTES,
    AllowedOrigins,
    DataByDefault,
    Endpoint,
    Readiness,
    adding,
    graphiql_routes,
    unrouted,
)
from app.mcp import MessageChecks, Tools, make_tool_server
from app.metrics import Meter, ServerCounts, SharedMemory, Sources
from app.observing import (
    Instrumentation,
    Listener,
    Log,
    LogListener,
    Refused,
    RequestLog,
    Traces,
    configure_logs,
    is_exported,
)
from app.operation_limits import Limits
from app.persisted import AutomaticQueries, OperationPolicy, TrustedOperations, UnknownOperations
from app.protection import Admission
from app.request import Services
from app.security_headers import strict_transport_security
from app.settings import Settings
from loaders.mongo import Database
from resolvers.context import SignInLimits
from resolvers.cursors import Cursors
from resolvers.schema import schema

PATH = "/graphql"


def from_environment(
    counted: SharedMemory | None = None, server: Callable[[], ServerCounts] | None = None
) -> Starlette:
    """Creates the application for a worker of `lectern serve`, with settings from the environment.

    counted, server: see `create_app`.
    """
    found = settings.load()
    configure_logs(found)
    Log.output.write_in_background()
    traces = Traces.of(found) if is_exported("traces") else None
    requests = RequestLog(found.slow_operation, with_requests=Log.level <= logging.INFO)
    listeners = [requests] if Log.level <= logging.WARNING else []  # its lines are warnings at most
    app = create_app(found, *listeners, traces=traces, counted=counted, server=server)
    memory.settle()
    return app


def create_app(
    settings: Settings,
    *listeners: Listener,
    traces: Traces | None = None,
    counted: SharedMemory | None = None,
    server: Callable[[], ServerCounts] | None = None,
) -> Starlette:
    """Creates the gateway. It connects to MongoDB at startup, and closes the client at shutdown.

    listeners: objects that observe the requests, in addition to the log and the metrics. counted: where the
    metrics are counted; if None, only LECTERN_METRICS determines whether there are any. server: what serves
    the application, for the metrics.
    """
    secret = settings.lectern_secret.get_secret_value().encode() or secrets.token_bytes(32)
    opened: list[Database] = []  # empty until startup, then holds the database

    def database() -> Database:
        return opened[0]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with connect(settings, tz_aware=False) as database:
            opened[:] = [database]
            app.state.readiness = Readiness(database, names_indexes=settings.introspection)
            background: dict[str, Callable[[], Awaitable[None]]] = {
                "memory": memory.tend,
                "stale transactions": partial(end_stale_transactions, database),
                "erasures": partial(finish_erasures, database),
                "indexes": partial(check_indexes, database, app.state.readiness, settings.retention),
            }
            await policy.start()
            if meter:
                background["metrics"] = partial(meter.run, database, app.state.readiness)
            if budgets is not None:
                background["budgets"] = budgets.run
            background |= policy.background()
            background |= dispatcher.background(database, counts=meter is not None)
            tasks = [asyncio.create_task(supervised(name, work)) for name, work in background.items()]
            async with tool_server.running() if tool_server is not None else nullcontext():
                yield
            await dispatcher.close()
            for task in tasks:
                task.cancel()
            if budgets is not None:
                await budgets.close()
            await policy.stop()

    executor = make_executor(settings)
    policy = _policy(settings, database)
    budgets = Budgets(Clients(settings.budgets, settings.client_keys), database) if settings.budgets else None
    admission = Admission(settings.admission_capacity, settings.admission_wait)
    counted = counted or (SharedMemory() if settings.metrics else None)
    dispatcher = _dispatcher(settings, SessionTokens(secret), database)
    sources = Sources(admission, executor.cache_size, server, traces, budgets, policy, dispatcher)
    meter = Meter(counted, sources) if counted else None
    # The traces come before the metrics, which ask whether a request is exported.
    own = [LogListener(), *([traces] if traces else []), *([meter.listener] if meter else [])]
    instrumentation = Instrumentation(*own, *listeners)
    limits = _sign_in_limits(settings, instrumentation)
    services = Services(database, Cursors(secret), SessionTokens(secret), limits, settings.reviews)
    if budgets is not None:
        budgets.on_command = instrumentation.command_sent
    authentication = Authentication(services.tokens, _issuer(settings), database)
    origins = AllowedOrigins(settings.cors_origins)
    endpoint = Endpoint(
        executor,
        authentication,
        services,
        settings.max_body_bytes,
        settings.graphiql,
        settings.trace_plan,
        settings.compression,
        settings.request_timeout,
        admission,
        instrumentation=instrumentation,
        trace_commands=settings.trace_commands,
        origins=origins,
        budgets=budgets,
        policy=policy,
        cache_max_age=settings.cache_max_age,
    )
    public = meter if settings.metrics else None
    routes = _routes(endpoint, public, settings, database)
    tools = Tools(schema, policy.trusted)
    tool_server = make_tool_server(endpoint, tools.by_name, settings.max_body_bytes) if settings.mcp else None
    if tool_server is not None:
        checked = MessageChecks(
            tool_server,
            authentication,
            admission,
            instrumentation,
            origins,
            settings.max_body_bytes,
            settings.request_timeout,
            budgets,
        )
        routes.append(Route("/mcp", checked))
    return Gateway(settings, endpoint, routes, lifespan)


def _sign_in_limits(settings: Settings, instrumentation: Instrumentation) -> SignInLimits:
    def refused(limit: str) -> None:
        if instrumentation.refused is not None:
            instrumentation.refused(Refused("RATE_LIMITED", "", limit=limit))

    return SignInLimits(settings.sign_ups_per_hour, settings.sign_ups_per_day, refused)


def _dispatcher(settings: Settings, tokens: SessionTokens, database: Callable[[], Database]) -> Dispatcher:
    senders = configured_senders(settings, tokens, database)
    return Dispatcher(senders, tries=settings.delivery_tries, days=settings.outbox_days)


def _policy(settings: Settings, database: Callable[[], Database]) -> OperationPolicy:
    days, per_hour = settings.persisted_query_days, settings.persisted_queries_per_hour
    return OperationPolicy(
        settings.operations,
        TrustedOperations(database, settings.max_trusted_operations, settings.max_trusted_bytes),
        AutomaticQueries(database, days, per_hour) if settings.persisted_queries else None,
        UnknownOperations(database),
        reports=settings.operations_report,
    )


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
    """The Starlette application. CORS wraps everything else, so that errors have CORS headers too."""

    def __init__(
        self,
        settings: Settings,
        endpoint: ASGIApp,
        routes: Sequence[BaseRoute],
        lifespan: Lifespan["Gateway"],
    ) -> None:
        layers = [Middleware(EndpointFirst, endpoint), Middleware(DataByDefault)]
        handlers = {HTTPException: unrouted}
        super().__init__(routes=routes, middleware=layers, lifespan=lifespan, exception_handlers=handlers)
        self._cors = CORS(super().__call__, settings.cors_origins, settings.cors_headers)
        self._https_only = strict_transport_security(settings.hsts_seconds)
        self.router.redirect_slashes = False  # a redirect would go to whatever host the Host header names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._https_only and scope["type"] == "http" and scope["scheme"] == "https":
            send = adding(self._https_only, send)
        await (self._cors if scope["type"] == "http" else super().__call__)(scope, receive, send)


class EndpointFirst:
    """Passes GraphQL requests to the endpoint without matching Starlette's routes.

    Matching the routes takes as long as executing a small query. The endpoint answers every request to its
    path, if necessary with an error. Middleware that is added to the application wraps this one, so it sees
    these requests too.
    """

    def __init__(self, app: ASGIApp, endpoint: ASGIApp) -> None:
        self._app = app
        self._direct = {PATH: endpoint, f"{PATH}/": endpoint}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = self._direct.get(scope["path"]) if scope["type"] == "http" else None
        await (direct or self._app)(scope, receive, send)


def make_executor(settings: Settings, *, for_commands: bool = False) -> Executor:
    """Creates the executor for the schema, with the limits from the settings.

    for_commands: errors name parts of the schema, whatever clients may know, because an operator reads them.
    What is refused is the same.
    """
    return Executor(
        schema,
        Limits.of(settings),
        introspection=settings.introspection,
        names_schema=settings.introspection or for_commands,
        compiled=settings.compiled_execution,
        max_response_bytes=settings.max_response_bytes,
        max_trusted=settings.max_trusted_operations,
    )


def _routes(
    endpoint: ASGIApp, meter: Meter | None, settings: Settings, database: Callable[[], Database]
) -> list[BaseRoute]:
    pages = graphiql_routes() if settings.graphiql else []
    if settings.dev_mail:
        pages += dev_mail_routes(database)
    return [Route(PATH, endpoint), *HEALTH_ROUTES, *([meter.page().route()] if meter else []), *pages]
