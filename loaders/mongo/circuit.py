"""A circuit breaker for each client: requests fail fast while MongoDB can't be reached.

Once a command has failed to reach MongoDB, MongoDB is pinged while other commands wait. If the pings keep
failing for as long as a request would wait for a server, the circuit opens, and requests fail immediately
until a ping succeeds.
"""

from asyncio import Event, Task, create_task, sleep, timeout
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from time import monotonic
from typing import TypeAlias

import pymongo
from pymongo.errors import ConnectionFailure, PyMongoError

from loaders.mongo.bson_types import DriverObject
from loaders.mongo.command_errors import DatabaseAwayError, DeadlineError

_PING = 1.0  # timeout of a ping in seconds, while the circuit is open
_PAUSE = 0.1  # seconds between two pings
#: If a circuit has been open for more than this many seconds, the replica set is assumed to have lost its
#: majority and to be unable to elect a primary.
_ELECTION = 30.0

#: A function that is called when the circuit opens, with the reason, and when it closes, with the number of
#: seconds for which it was open.
Listener: TypeAlias = Callable[[str | float], None]


class Circuit:
    """The circuit breaker of one client.

    patience: the number of seconds for which pings must fail before the circuit opens.
    """

    def __init__(self, client: DriverObject, patience: float, listener: Listener) -> None:
        self._client = client
        self._patience = patience
        self._listener = listener
        self._opened_at: float | None = None
        self._probe: Task[None] | None = None
        self._changed = Event()

    @property
    def is_open(self) -> bool:
        return self._opened_at is not None

    @property
    def has_primary(self) -> bool:
        """Whether the driver knows of a server that accepts writes."""
        return bool(self._client.topology_description.has_writable_server())

    @property
    def is_electing(self) -> bool:
        """Whether members of the replica set can be reached and might soon elect a primary."""
        if self._opened_at is not None and monotonic() - self._opened_at > _ELECTION:
            return False
        servers = self._client.topology_description.server_descriptions().values()
        return any(server.server_type_name == "RSSecondary" for server in servers)

    def suspect(self) -> None:
        """Starts pinging MongoDB after a command couldn't reach it."""
        if self._probe is None:
            troubled.add(id(self._client))
            # The pings run in a fresh context; otherwise the driver would apply the command's deadline to
            # them.
            self._probe = create_task(self._ping_until_it_answers(), context=Context())

    async def wait_for_change(self, deadline: float) -> None:
        """Waits until the circuit opens or closes, or a ping fails. Raises DeadlineError at the deadline."""
        try:
            async with timeout(max(deadline - monotonic(), 0)):
                await self._changed.wait()
        except TimeoutError:
            raise DeadlineError from None

    def end(self) -> None:
        """Stops pinging, because the client is closed."""
        if self._probe:
            self._probe.cancel()
            self._reset()

    async def _ping_until_it_answers(self) -> None:
        suspected = monotonic()
        while reason := await ping(self._client, _PING if self.is_open else self._patience):
            if not self.is_open and monotonic() - suspected >= self._patience:
                self._opened_at = monotonic()
                self._listener(reason)
            self._wake_waiters()
            await sleep(_PAUSE)
        opened_at = self._opened_at
        self._reset()
        if opened_at is not None:
            self._listener(monotonic() - opened_at)

    def _reset(self) -> None:
        troubled.discard(id(self._client))
        self._opened_at = self._probe = None
        self._wake_waiters()

    def _wake_waiters(self) -> None:
        self._changed.set()
        self._changed = Event()


async def ping(client: DriverObject, seconds: float) -> str | None:
    """Pings MongoDB, bypassing the command queue.

    Returns None if MongoDB answers within `seconds`, otherwise the reason why it didn't.
    """
    try:
        with pymongo.timeout(seconds):
            await client.admin.command("ping")
    # Any error other than a lost connection or a timeout is an answer from MongoDB.
    except PyMongoError as error:
        return str(error) if isinstance(error, ConnectionFailure) or error.timeout else None
    except RuntimeError as error:  # the system allows no more threads
        return str(error)
    return None


_circuits: dict[int, Circuit] = {}

#: The id() of each client that is pinging MongoDB, because its circuit is open or might open soon.
troubled: set[int] = set()


@contextmanager
def watching_circuit(client: DriverObject, patience: float, listener: Listener) -> Iterator[Circuit]:
    """Gives a client a circuit breaker for as long as the context lasts.

    client: a Motor client, or PyMongo's async client.
    """
    circuit = _circuits[id(client)] = Circuit(client, patience, listener)
    try:
        yield circuit
    finally:
        del _circuits[id(client)]
        circuit.end()


def suspect(client: DriverObject) -> None:
    """Starts pinging MongoDB after one of the client's commands couldn't reach it."""
    if circuit := _circuits.get(id(client)):
        circuit.suspect()


def check(client: DriverObject) -> None:
    """Starts pinging MongoDB if the client knows of no primary."""
    if (circuit := _circuits.get(id(client))) and not circuit.has_primary:
        circuit.suspect()


def circuit_is_open(client: DriverObject) -> bool:
    """Returns whether the client's circuit breaker is open."""
    circuit = _circuits.get(id(client))
    return circuit is not None and circuit.is_open


async def passed(client: DriverObject, deadline: float) -> None:
    """Waits while pings decide whether the client's circuit opens.

    Returns once the circuit is closed. Raises DatabaseAwayError if it is open, and DeadlineError at the
    deadline.
    """
    while id(client) in troubled:
        circuit = _circuits[id(client)]
        if circuit.is_open:
            raise DatabaseAwayError("MongoDB can't be reached.")
        await circuit.wait_for_change(deadline)


async def has_primary(client: DriverObject, deadline: float) -> None:
    """Waits until there is a primary. If one has to be elected, this takes seconds.

    Call it before the first write. Raises DatabaseAwayError if no primary can be elected, and DeadlineError
    at the deadline.
    """
    check(client)
    while id(client) in troubled:
        circuit = _circuits[id(client)]
        if circuit.is_open and not circuit.is_electing:
            raise DatabaseAwayError("MongoDB has no primary.")
        await circuit.wait_for_change(deadline)
