"""A request: everything known about it but its operation, collected once."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from secrets import token_hex
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


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return token_hex(8)


@dataclass(frozen=True, slots=True)
class Request:
    """One request for an operation.

    address: the client's IP address; empty if unknown. id: the client's own `X-Request-Id`, or a random one.
    scope: its MongoDB commands and their deadline; None if it has no deadline. trace: one of its listeners,
    if the client asked for a trace.
    """

    services: Services
    viewer: Viewer = PUBLIC
    address: str = ""
    client: Client = _UNNAMED
    id: str = field(default_factory=_new_id)
    scope: Scope | None = None
    now: datetime = field(default_factory=_now)
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
        return Context(
            Loaders(self.services.database(), projections, looked_beyond),
            self.services.cursors,
            self.now,
            self.services.tokens,
            Identity(self.viewer),
            self.address,
        )
