"""The commands `lectern serve` and `lectern dev`."""

import asyncio
import os
import secrets
import socket
import webbrowser
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import structlog
import typer
from rich.console import Console

from app import development, embedded
from app.budget_classes import about_sizes
from app.commands.command_error import CommandError
from app.database import connect, require_transactions, wait_for
from app.invocation import lectern
from app.metrics import SharedMemory, admin_app, export_interval
from app.observing import CollectorError, Log, Traces, configure_logs, is_exported, require_exporter
from app.sample import SOURCE, load_sample
from app.server import (
    AdminProcess,
    CannotStartError,
    Server,
    bound_socket,
    make_server,
    prepare_signals,
    require_files,
    run_workers,
)
from app.settings import (
    Settings,
    SettingsError,
    about_unencrypted,
    hand_over,
    load,
    shown_to_everyone,
    warnings,
)
from app.terminal import printable_lines
from loaders import indexes, migrations
from loaders.backup import is_unfinished
from loaders.mongo import Database

# Workers with metrics at the same time: those that stop and those that replace them, several times over.
_SLOTS, _MORE_SLOTS = 4, 16

_Host = Annotated[str, typer.Option(help="The address to listen on.")]
_Port = Annotated[int, typer.Option(help="The port to listen on; 0 for any free port.", min=0, max=65535)]

_READABLE = "Messages and the links in them are not encrypted: use {}."
_UNFINISHED = "The database is incomplete: run the interrupted `lectern restore` again first."


def serve(
    host: _Host = "127.0.0.1",
    port: _Port = 8000,
    workers: Annotated[int, typer.Option(help="The number of worker processes.", min=1)] = 1,
) -> None:
    """Serve the catalogue in the database at LECTERN_MONGODB_URI."""
    prepare_signals()
    settings = load()
    try:
        require_files()
    except ValueError as error:
        raise CommandError(str(error)) from None
    _require_exporters()
    _require_texts(settings)
    listening = _bound(host, port, "--host and --port")
    if settings.admin_port == port != 0:  # two sockets that don't listen yet can have the same port
        raise CommandError(f"LECTERN_ADMIN_PORT and --port are both {port}: choose another one of them.")
    admin_sockets, export_every = _admin_sockets(settings), export_interval()
    configure_logs(settings)
    about_settings = [
        *warnings(),
        *about_sizes(settings.budgets),
        *about_unencrypted(settings.webhooks),
        *_about_messages(settings),
    ]
    for warning in [*about_settings, *asyncio.run(_examine(settings))]:
        _announce(warning, is_warning=True)
    if not settings.lectern_secret.get_secret_value():
        # Workers get this secret from the environment. Otherwise, each would generate a different one.
        hand_over({"lectern_secret": secrets.token_hex(32)})
        _announce(
            "LECTERN_SECRET is not set: sessions and cursors will be valid only until this process ends.",
            is_warning=True,
        )
    _import_application()  # imported once, before forking, instead of in each worker
    has_admin = bool(admin_sockets or export_every)
    is_counted = has_admin or settings.metrics
    counted = SharedMemory(_SLOTS * workers + _MORE_SLOTS) if is_counted else None
    run_workers(
        lambda: _worker(counted),
        listening,
        workers,
        patience=settings.drain_delay + settings.drain_seconds,
        on_started=lambda: _announce_start(settings, _url(listening), workers, admin_sockets),
        memory=counted,
        admin=AdminProcess(lambda: _admin(counted, export_every), admin_sockets)
        if counted and has_admin
        else None,
    )


def _worker(counted: SharedMemory | None) -> Server:
    """Creates a worker's server, with the current settings. Raises CannotStartError."""
    try:
        return _server(counted)
    except SettingsError as error:
        raise CannotStartError(str(error)) from None


def _server(counted: SharedMemory | None, *, delay: float | None = None) -> Server:
    """Creates a server for the gateway, with the current settings. delay: see `make_server`."""
    from app.main import from_environment

    server = make_server(lambda: from_environment(counted, server.counts), load(), delay=delay)
    return server


def _admin(counted: SharedMemory, export_every: float | None) -> Server:
    """Creates the server of the admin process."""
    return make_server(lambda: admin_app(counted, export_every), load(), delay=0)


def _admin_sockets(settings: Settings) -> list[socket.socket]:
    if not settings.admin_port:
        return []
    return [_bound(settings.admin_host, settings.admin_port, "LECTERN_ADMIN_HOST and LECTERN_ADMIN_PORT")]


def _import_application() -> None:
    import app.main  # noqa: F401  # builds the schema


def dev(
    host: _Host = "127.0.0.1",
    port: _Port = 8000,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="The directory for the database.", file_okay=False, show_default=False),
    ] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Start without the sample data.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open GraphiQL in the browser.")] = False,
) -> None:
    """Serve sample data from an embedded MongoDB, for trying things out."""
    _require_exporters()
    listening = _bound(host, port, "--host and --port")
    directory = development.directory(data_dir)
    # Builds the schema while mongod starts. Both take about the same time, so this halves the startup time.
    with ThreadPoolExecutor(1) as meanwhile:
        meanwhile.submit(_import_application)
        _serve_embedded(directory, listening, with_sample=not empty, in_browser=open_)


def _serve_embedded(
    directory: Path, listening: socket.socket, *, with_sample: bool, in_browser: bool
) -> None:
    hand_over({"lectern_env": "development"})
    with embedded.running(directory) as uri:
        settings = load()
        own = {
            "mongodb_uri": uri,
            "lectern_secret": development.secret(settings, directory),
            "cors_origins": development.origins(settings),
            "trace_plan": "true",
            **development.messages(settings, _url(listening)),
        }
        _require_texts(settings)
        hand_over(own)
        content = asyncio.run(_prepare(load(), with_sample=with_sample))
        development.record_url(directory, _url(listening), load())
        serving = _server(None, delay=0)
        watch = _MongodWatch(directory, serving)

        def on_started() -> None:
            _welcome(_url(listening), uri, content, directory, in_browser=in_browser)
            watch.start()

        serving.on_started = on_started
        try:
            serving.run([listening])
        except CannotStartError as error:
            raise CommandError(f"{error} Choose another port with --port.") from None
    if watch.mongod_died:
        raise CommandError(
            "The embedded MongoDB has died, so the gateway has stopped. Start it again.\n"
            f"The data is in {directory}, and MongoDB's log in {directory / 'mongod.log'}."
        )
    _say(f"\nStopped. The data is in {directory}.")


class _MongodWatch:
    """Stops a server when the mongod of a directory has died, which is noticed within a second."""

    def __init__(self, directory: Path, server: Server) -> None:
        self.mongod_died = False
        self._directory, self._server = directory, server

    def start(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while embedded.is_running(self._directory):  # noqa: ASYNC110 # a lock has no event to await
            await asyncio.sleep(1)
        self.mongod_died = self._server.should_exit = True


def _require_exporters() -> None:
    """Raises CommandError if the environment names a collector to which nothing can be exported."""
    try:
        require_exporter("traces")
        require_exporter("metrics")
        export_interval()
    except CollectorError as error:
        raise CommandError(str(error)) from None
    if is_exported("traces"):
        Traces.preload()


def _about_messages(settings: Settings) -> Iterator[str]:
    """Yields a warning if others in the network can read messages."""
    if settings.has_readable_messages:
        by_mail = bool(settings.smtp_url.get_secret_value())
        yield _READABLE.format(
            "LECTERN_SMTP_URL without ?starttls=off" if by_mail else "https in LECTERN_MESSAGES_URL"
        )


def _require_texts(settings: Settings) -> None:
    """Raises SettingsError if a text of a message can't be used."""
    from app.delivery import Templates

    Templates.of(settings)


def _bound(host: str, port: int, options: str) -> socket.socket:
    """Binds a socket. Called before anything else is started, so that a port in use is reported first.

    options: the options or settings with which another address can be chosen.
    """
    try:
        return bound_socket(host, port)
    except OSError as error:
        raise CommandError(
            f"Can't listen on {host} port {port}: {error.strerror}. Choose another address with {options}."
        ) from None


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _examine(settings: Settings) -> list[str]:
    """Waits for MongoDB. Returns warnings: missing or differing indexes, pending migrations and so on."""
    seconds = settings.wait_for_mongodb
    async with connect(settings) as database:
        await wait_for(
            database, seconds, lambda: _announce(f"Waiting for MongoDB, for up to {seconds:g} seconds.")
        )
        await require_transactions(database)
        await migrations.baseline(database)
        compared = await indexes.compare(database, settings.retention)
        pending = await migrations.pending(database)
        unfinished = await is_unfinished(database)
        about_operations = await _about_operations(settings, database)
    return [
        *([_UNFINISHED] if unfinished else []),
        *([f"Indexes are missing: run `{lectern()} indexes apply`."] if compared.missing else []),
        *map(str, compared.differing),
        *([f"Migrations are pending: run `{lectern()} migrate up`."] if pending else []),
        *about_operations,
    ]


async def _about_operations(settings: Settings, database: Database) -> list[str]:
    """Returns a warning if LECTERN_OPERATIONS refuses everything, or if its report mode has no effect."""
    reports, trusted = settings.operations_report, database["trustedOperations"]
    if settings.operations == "any" and reports:
        return ["LECTERN_OPERATIONS_REPORT has no effect with LECTERN_OPERATIONS=any, which refuses nothing."]
    if settings.operations == "trusted" and not reports and not await trusted.estimated_document_count():
        return [
            f"All operations are refused, because none is trusted yet: see `{lectern()} operations push`."
        ]
    return []


async def _prepare(settings: Settings, *, with_sample: bool) -> str:
    """Creates indexes and sample data, and runs migrations. Returns a description of the courses."""
    async with connect(settings) as database:
        await migrations.baseline(database)
        await asyncio.gather(indexes.ensure(database), *([load_sample(database)] if with_sample else []))
        await migrations.migrate_unattended(database)
        courses = await database["courses"].estimated_document_count()
        is_sample = await database["courses"].find_one({"externalId.source": SOURCE}, {"_id": 1})
    if not courses:
        return "none yet; import some as shown below"
    return f"{courses} courses" + (", sample data: none of its people are real" if is_sample else "")


def _welcome(url: str, mongodb_uri: str, content: str, directory: Path, *, in_browser: bool) -> None:
    """Prints the URLs, and an example request.

    content: a description of the data.
    """
    query = "{ courses(first: 3) { nodes { title rating { average count } } } }"
    curl = f"curl {url}/graphql -H 'content-type: application/json' -d '{{\"query\": \"{query}\"}}'"
    messages = f"{url}/dev/mail" if load().dev_mail else "sent to people"
    option = "" if directory == development.directory(None) else f" --data-dir {quote(str(directory))}"
    _say(
        f"""
  GraphiQL   {url}/
  Endpoint   {url}/graphql
  Messages   {messages}
  MongoDB    {mongodb_uri}
  Data       {content}
  Sign in    {lectern()} token{option} --role STAFF (or STUDENT, INSTRUCTOR)
  Import     LECTERN_MONGODB_URI='{mongodb_uri}' {lectern()} import courses FILE --dry-run

Try it:

  {curl}

Ctrl-C stops everything."""
    )
    if in_browser:
        webbrowser.open(url)


def _announce_start(settings: Settings, url: str, workers: int, admin: Sequence[socket.socket]) -> None:
    details: dict[str, Any] = {"version": metadata.version("lectern"), "pid": os.getpid(), "workers": workers}
    if admin:
        details["admin"] = _url(admin[0])
    shown = shown_to_everyone(settings.model_dump())
    details |= {
        "profile": settings.lectern_env,
        "open_to_everyone": " + ".join(shown) or "nothing",
        "operations": settings.operations + (" (only reported)" if settings.operations_report else ""),
        "budgets": " + ".join(budget.name for budget in settings.budgets) or "none",
    }
    _announce(f"Lectern is serving {settings.mongodb_database} at {url}/graphql", **details)


def _announce(message: str, *, is_warning: bool = False, **details: Any) -> None:
    """Prints a message for the operator: as a line of the log if the log is JSON, otherwise as it is."""
    if Log.is_json:
        log = structlog.get_logger("lectern")
        (log.warning if is_warning else log.info)(message, **details)
    else:
        shown = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in details.items())
        _say(f"{message}\n  {shown}" if shown else message)


def _say(message: str) -> None:
    Console(stderr=True).print(printable_lines(message), soft_wrap=True, markup=False)
