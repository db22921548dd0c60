"""A circuit breaker for each client: requests fail fast while MongoDB can't be reached.

After a command could not reach MongoDB, other commands wait while it is pinged, for as long as a request
would wait for a server. If the pings fail, the circuit opens: requests fail at once until a ping succeeds.
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

_PING = 1.0  # seconds for a ping while the circuit is open
_PAUSE = 0.1  # seconds between two pings
_ELECTION = 30.0  # seconds; a replica set without a primary for longer has lost its majority

#: Called with the reason when the circuit opens, and with the seconds it was open when it closes.
Listener: TypeAlias = Callable[[str | float], None]


class Circuit:
    """The circuit of one client.

    patience: how many seconds pings may fail before the circuit opens.
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
        """Whether the driver knows a server that accepts writes."""
        return bool(self._client.topology_description.has_writable_server())

    @property
    def is_electing(self) -> bool:
        """Whether members of the replica set can be reached, so that one may soon be elected primary."""
        if self._opened_at is not None and monotonic() - self._opened_at > _ELECTION:
            return False
        servers = self._client.topology_description.server_descriptions().values()
        return any(server.server_type_name == "RSSecondary" for server in servers)

    def suspect(self) -> None:
        """Starts to ping MongoDB, after a command could not reach it."""
        if self._probe is None:
            troubled.add(id(self._client))
            # A fresh context: the command's context carries its deadline, which the driver would apply too.
            self._probe = create_task(self._ping_until_it_answers(), context=Context())

    async def wait_for_change(self, deadline: float) -> None:
        """Waits until the circuit opens or closes, or a ping fails. Raises DeadlineError at the deadline."""
        try:
            async with timeout(max(deadline - monotonic(), 0)):
                await self._changed.wait()
        except TimeoutError:
            raise DeadlineError from None

    def end(self) -> None:
        """Stops pinging: the client is closed."""
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
    """Pings MongoDB, past the queue of commands.

    Returns None if it answers within `seconds`, else why it didn't.
    """
    try:
        with pymongo.timeout(seconds):
            await client.admin.command("ping")
    except PyMongoError as error:  # any error but these two is an answer of MongoDB
        return str(error) if isinstance(error, ConnectionFailure) or error.timeout else None
    return None


_circuits: dict[int, Circuit] = {}

#: The ids of the clients that are being pinged: their circuit is open, or may open soon.
troubled: set[int] = set()


@contextmanager
def watching_circuit(client: DriverObject, patience: float, listener: Listener) -> Iterator[Circuit]:
    """Gives a client a circuit for as long as the client is in use.

    client: Motor's, or PyMongo's async one.
    """
    circuit = _circuits[id(client)] = Circuit(client, patience, listener)
    try:
        yield circuit
    finally:
        del _circuits[id(client)]
        circuit.end()


def suspect(client: DriverObject) -> None:
    """Starts to ping MongoDB, after a command of the client could not reach it."""
    if circuit := _circuits.get(id(client)):
        circuit.suspect()


def check(client: DriverObject) -> None:
    """Starts to ping MongoDB if the client knows no primary."""
    if (circuit := _circuits.get(id(client))) and not circuit.has_primary:
        circuit.suspect()


def circuit_is_open(client: DriverObject) -> bool:
    """Whether the client's requests fail at once."""
    circuit = _circuits.get(id(client))
    return circuit is not None and circuit.is_open


async def passed(client: DriverObject, deadline: float) -> None:
    """Returns once the circuit is closed; waits while pings decide whether it opens.

    Raises DatabaseAwayError while it is open, and DeadlineError at the deadline.
    """
    while id(client) in troubled:
        circuit = _circuits[id(client)]
        if circuit.is_open:
            raise DatabaseAwayError("MongoDB can't be reached.")
        await circuit.wait_for_change(deadline)


async def has_primary(client: DriverObject, deadline: float) -> None:
    """Waits for a primary, also through an election, which takes seconds. Call it before the first write.

    Raises DatabaseAwayError if no primary can be elected, and DeadlineError at the deadline.
    """
    check(client)
    while id(client) in troubled:
        circuit = _circuits[id(client)]
        if circuit.is_open and not circuit.is_electing:
            raise DatabaseAwayError("MongoDB has no primary.")
        await circuit.wait_for_change(deadline)
