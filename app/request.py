"""A request: everything known about it but its operation, collected once."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from math import inf
from random import getrandbits
from typing import NamedTuple

from app.auth import SessionTokens
from app.observing import Instrumentation, Trace
from loaders.mongo import Database, Scope
from loaders.reading import Loaders, Projection
from resolvers.context import PUBLIC, Context, Identity, Viewer
from resolvers.cursors import Cursors


@dataclass(frozen=True, slots=True)
class Services:
    """Services that all requests of an application share. database: available while the application runs."""

    database: Callable[[], Database]
    cursors: Cursors
    tokens: SessionTokens


class Client(NamedTuple):
    """The name and version that a client gives itself, such as "web" and "1.4.2"; empty if it gives none."""

    name: str = ""
    version: str = ""


_NO_LISTENERS = Instrumentation()
_UNNAMED = Client()


def new_id() -> str:
    """A random id for a request: 16 hexadecimal digits."""
    return f"{getrandbits(64):016x}"  # not a secret


class Request(NamedTuple):
    """One request for an operation.

    now: when it arrived. address: the client's IP address; empty if unknown. id: the client's own
    `X-Request-Id`, or a random one. scope: its MongoDB commands and their deadline; None if it has no
    deadline. trace: one of its listeners, if the client asked for a trace.
    """

    services: Services
    now: datetime
    viewer: Viewer = PUBLIC
    address: str = ""
    client: Client = _UNNAMED
    id: str = ""
    scope: Scope | None = None
    instrumentation: Instrumentation = _NO_LISTENERS
    trace: Trace | None = None

    @property
    def deadline(self) -> float:
        """In seconds of time.monotonic()."""
        return self.scope.deadline if self.scope else inf

    def context(
        self, projections: Mapping[str, Projection] | None = None, looked_beyond: Set[str] | None = None
    ) -> Context:
        """The context that its resolvers get. projections, looked_beyond: see loaders.reading.Loaders."""
        services = self.services
        loaders = Loaders(services.database(), projections, looked_beyond)
        identity = Identity(self.viewer)
        return Context(loaders, services.cursors, self.now, services.tokens, identity, self.address, {})
