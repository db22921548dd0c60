"""Whether MongoDB can be reached: requests fail fast while it can't.

After a command that could not reach it, others wait while pings are tried for as long as a request would wait
for a server. If they fail, the circuit opens: requests fail at once, until a ping succeeds.
"""

from asyncio import Event, Task, create_task, sleep, timeout
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from time import monotonic
from typing import Any, TypeAlias

import pymongo
from pymongo.errors import ConnectionFailure, PyMongoError

from loaders.mongo.command_errors import DatabaseAwayError, DeadlineError

_PING = 1.0  # seconds for a ping while the circuit is open
_PAUSE = 0.1  # seconds between two of them
_ELECTION = 30.0  # seconds; a replica set that has no primary for longer has lost its majority

#: Told why the circuit has opened, or after how many seconds it has closed.
Listener: TypeAlias = Callable[[str | float], None]


class Circuit:
    """The circuit of one client.

    patience: seconds that pings may fail until it opens.
    """

    def __init__(self, client: Any, patience: float, listener: Listener) -> None:
        self._client = client
        self._patience = patience
        self._listener = listener
        self._since: float | None = None
        self._probe: Task[None] | None = None
        self._turned = Event()

    @property
    def is_open(self) -> bool:
        return self._since is not None

    @property
    def has_primary(self) -> bool:
        """Whether the driver knows of a server that takes writes."""
        return bool(self._client.topology_description.has_writable_server())

    @property
    def is_electing(self) -> bool:
        """Whether members of the replica set can be reached, and a new primary may be among them soon."""
        if self._since is not None and monotonic() - self._since > _ELECTION:
            return False
        servers = self._client.topology_description.server_descriptions().values()
        return any(server.server_type_name == "RSSecondary" for server in servers)

    def suspect(self) -> None:
        """A command could not reach MongoDB: ping it."""
        if self._probe is None:
            troubled.add(id(self._client))
            # In a context of its own: that of a command has its deadline, for the driver too.
            self._probe = create_task(self._ping_until_it_answers(), context=Context())

    async def turned(self, deadline: float) -> None:
        """Waits until the circuit opens or closes, or a ping fails. Raises DeadlineError."""
        try:
            async with timeout(max(deadline - monotonic(), 0)):
                await self._turned.wait()
        except TimeoutError:
            raise DeadlineError from None

    def end(self) -> None:
        """The client is closed."""
        if self._probe:
            self._probe.cancel()
            self._reset()

    async def _ping_until_it_answers(self) -> None:
        suspected = monotonic()
        while reason := await ping(self._client, _PING if self.is_open else self._patience):
            if not self.is_open and monotonic() - suspected >= self._patience:
                self._since = monotonic()
                self._listener(reason)
            self._turn()
            await sleep(_PAUSE)
        since = self._since
        self._reset()
        if since is not None:
            self._listener(monotonic() - since)

    def _reset(self) -> None:
        troubled.discard(id(self._client))
        self._since = self._probe = None
        self._turn()

    def _turn(self) -> None:
        self._turned.set()
        self._turned = Event()


async def ping(client: Any, seconds: float) -> str | None:
    """Why MongoDB doesn't answer within so many seconds; None when it does. Beside the queue of commands."""
    try:
        with pymongo.timeout(seconds):
            await client.admin.command("ping")
    except PyMongoError as error:  # another error than these two is an answer
        return str(error) if isinstance(error, ConnectionFailure) or error.timeout else None
    return None


_circuits: dict[int, Circuit] = {}

#: The ids of the clients whose circuit is not closed.
troubled: set[int] = set()


@contextmanager
def watching_circuit(client: Any, patience: float, listener: Listener) -> Iterator[Circuit]:
    """A circuit for a client, Motor's or PyMongo's async one, while it is open."""
    circuit = _circuits[id(client)] = Circuit(client, patience, listener)
    try:
        yield circuit
    finally:
        del _circuits[id(client)]
        circuit.end()


def suspect(client: Any) -> None:
    """A command of a client could not reach MongoDB."""
    if circuit := _circuits.get(id(client)):
        circuit.suspect()


def check(client: Any) -> None:
    """Suspects a client that knows of no primary."""
    if (circuit := _circuits.get(id(client))) and not circuit.has_primary:
        circuit.suspect()


def circuit_is_open(client: Any) -> bool:
    """Whether requests of a client fail at once."""
    circuit = _circuits.get(id(client))
    return circuit is not None and circuit.is_open


async def passed(client: Any, deadline: float) -> None:
    """Waits while a ping decides whether the circuit opens.

    Raises DatabaseAwayError while it is open, and DeadlineError at the deadline.
    """
    while id(client) in troubled:
        circuit = _circuits[id(client)]
        if circuit.is_open:
            raise DatabaseAwayError("MongoDB can't be reached.")
        await circuit.turned(deadline)


async def has_primary(client: Any, deadline: float) -> None:
    """Waits for a primary, also while a new one is elected, which takes seconds: nothing is written yet.

    Raises DatabaseAwayError where there is none to be had, and DeadlineError at the deadline.
    """
    check(client)
    while id(client) in troubled:
        circuit = _circuits[id(client)]
        if circuit.is_open and not circuit.is_electing:
            raise DatabaseAwayError("MongoDB has no primary.")
        await circuit.turned(deadline)
