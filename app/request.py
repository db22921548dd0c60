"""What is known about a request, apart from its operation."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
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
    """Services that all requests of an application share.

    database: a function that returns the database. It can only be called while the application is running.
    """

    database: Callable[[], Database]
    cursors: Cursors
    tokens: SessionTokens


class Client(NamedTuple):
    """The name and version that a client sends, such as "web" and "1.4.2". Either is empty if not sent."""

    name: str = ""
    version: str = ""


_NO_LISTENERS = Instrumentation()
_UNNAMED = Client()


def new_id() -> str:
    """Returns a random id for a request: 16 hexadecimal digits."""
    return f"{getrandbits(64):016x}"  # needn't be secure: a request id is not a secret


class Request(NamedTuple):
    """One request for an operation.

    now: when the request arrived. address: the client's IP address; empty if unknown. id: the client's
    `X-Request-Id`, or else a random id. scope: what the request's MongoDB commands share, including their
    deadline; None if there is no deadline. trace: the listener that collects a trace, if the client asked for
    one.
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

    def context(
        self, projections: Mapping[str, Projection] | None = None, looked_beyond: Set[str] | None = None
    ) -> Context:
        """Returns the context passed to the operation's resolvers.

        projections, looked_beyond: see loaders.reading.Loaders.
        """
        services = self.services
        loaders = Loaders(services.database(), projections, looked_beyond)
        identity = Identity(self.viewer)
        return Context(loaders, services.cursors, self.now, services.tokens, identity, self.address, {})
