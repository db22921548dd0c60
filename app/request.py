"""What is known about a request, apart from its operation."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from random import getrandbits
from typing import NamedTuple

from app.auth import SessionTokens
from app.budgets import Charge
from app.observing import LevelCalled, Record
from loaders.mongo import Database, Scope
from loaders.reading import Loaders, Projection
from resolvers.context import DEFAULT_LIMITS, PUBLIC, Context, Identity, ReviewPolicy, SignInLimits, Viewer
from resolvers.cursors import Cursors


@dataclass(frozen=True, slots=True)
class Services:
    """Services that all requests of an application share.

    database: a function that returns the database. It can only be called while the application is running.
    reviews: what becomes of new reviews.
    """

    database: Callable[[], Database]
    cursors: Cursors
    tokens: SessionTokens
    sign_in_limits: SignInLimits = DEFAULT_LIMITS
    reviews: ReviewPolicy = "publish"


def new_id() -> str:
    """Returns a random id for a request: 16 hexadecimal digits."""
    return f"{getrandbits(64):016x}"  # needn't be secure: a request id is not a secret


class Request(NamedTuple):
    """One request for an operation.

    record: also knows when the request arrived, and from which address. scope: what the request's MongoDB
    commands share, including their deadline; None if there is no deadline.
    on_level: a function that is called after each level of the plan; None if levels aren't observed.
    charge: what the request takes from its client's budget; None if there are no budgets.
    shows_cost: whether the client asked for the cost in the response.
    user_agent, accept_language: the values of its `User-Agent` and `Accept-Language` headers, or empty.
    """

    services: Services
    record: Record
    viewer: Viewer = PUBLIC
    scope: Scope | None = None
    on_level: Callable[[LevelCalled], None] | None = None
    charge: Charge | None = None
    shows_cost: bool = False
    user_agent: bytes = b""
    accept_language: bytes = b""

    def context(
        self, projections: Mapping[str, Projection] | None = None, looked_beyond: Set[str] | None = None
    ) -> Context:
        """Returns the context passed to the operation's resolvers.

        projections, looked_beyond: see loaders.reading.Loaders.
        """
        services, record = self.services, self.record
        loaders = Loaders(services.database(), projections, looked_beyond)
        identity = Identity(self.viewer)
        limits = services.sign_in_limits
        return Context(
            loaders,
            services.cursors,
            record.at,
            services.tokens,
            identity,
            record.address,
            {},
            limits,
            self.charge,
            record.price,
            self.user_agent,
            self.accept_language,
            services.reviews,
        )
