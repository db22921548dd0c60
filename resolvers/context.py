"""The context of a request: everything its resolvers need. It is dropped when the request ends."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from bson import ObjectId
from strawberry.dataloader import DataLoader

from loaders.reading import Loaders
from resolvers.cursors import Cursors
from resolvers.rate_limit import Budget


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person who sends a request. A viewer without a subject is anonymous.

    subject: the ID of an account, or "issuer|sub" for an external identity. session_id: the ID of the
    account's session, or None if the viewer has none.
    """

    roles: frozenset[str] = frozenset()
    student_id: ObjectId | None = None
    instructor_id: ObjectId | None = None
    subject: str = ""
    session_id: ObjectId | None = None

    @property
    def is_external(self) -> bool:
        """Whether the viewer signs in through an external issuer."""
        return "|" in self.subject


PUBLIC = Viewer()


class AccessToken(NamedTuple):
    """A signed access token and the time at which it expires."""

    text: str
    expires_at: datetime


class RefreshToken(NamedTuple):
    """The content of a refresh token: the ID of its session, and its generation number within the session."""

    session_id: ObjectId
    generation: int


class Tokens(Protocol):
    """Issues access and refresh tokens, and reads refresh tokens."""

    def access(self, viewer: Viewer) -> AccessToken: ...

    def refresh(self, token: RefreshToken) -> str: ...

    def read_refresh(self, text: str) -> RefreshToken | None:
        """Returns the content of a refresh token, or None if Lectern did not sign the token."""
        ...

    def device(self, password_hash: str, device_id: ObjectId) -> str:
        """Issues a device token: a proof that a client has signed in with the password that has this hash."""
        ...

    def read_device(self, text: str, password_hash: str) -> ObjectId | None:
        """Returns the id of the device that a device token identifies.

        Returns None if the token is too old, or Lectern didn't issue it for this hash.
        """
        ...


class SignInLimits(NamedTuple):
    """Limits on creating accounts, and a listener for everything that the limits of signing in refuse.

    sign_ups_per_hour, sign_ups_per_day: the number of accounts that one network may create; 0 for no limit.
    on_refusal: a function that is called with the name of the limit.
    """

    sign_ups_per_hour: int = 100
    sign_ups_per_day: int = 300
    on_refusal: Callable[[str], None] | None = None


DEFAULT_LIMITS = SignInLimits()

#: What becomes of new reviews: they are published at once, held for moderation, or held until their author
#: has a published review.
ReviewPolicy = Literal["publish", "hold", "hold_first"]


#: A batch function that resolves a field for several parents. It takes the parents, the context and the
#: field's arguments, and returns one entry per parent, in order.
LevelFunction = Callable[..., Awaitable[Sequence[Any]]]  # Any, because each field has its own types

_Loader: TypeAlias = DataLoader[Any, Any]  # Any, because parent and entry types differ from field to field


@dataclass(slots=True)
class Identity:
    """Holds the viewer of a request. A mutation that signs somebody in replaces the viewer.

    passwords: the number of the request's mutations that have used a password. messages: the number of those
    that have asked for a message.
    """

    viewer: Viewer = PUBLIC
    passwords: int = 0
    messages: int = 0


class Context(NamedTuple):
    """The context passed to resolvers, created for each request by app.request.Request.

    address: the client's IP address, or an empty string if unknown. levels: the DataLoaders of fields that
    are resolved in batches, keyed by function and arguments (see resolvers/fields.py). budget: the client's
    budget; None if there are no budgets. price: the operation's price. user_agent, accept_language: the
    values of the request's `User-Agent` and `Accept-Language` headers, or empty. reviews: what becomes of new
    reviews.
    """

    loaders: Loaders
    cursors: Cursors
    now: datetime
    tokens: Tokens
    identity: Identity
    address: str
    levels: dict[tuple[LevelFunction, Hashable], _Loader]
    sign_in_limits: SignInLimits = DEFAULT_LIMITS
    budget: Budget | None = None
    price: int = 0
    user_agent: bytes = b""
    accept_language: bytes = b""
    reviews: ReviewPolicy = "publish"

    @property
    def viewer(self) -> Viewer:
        return self.identity.viewer

    def forget(self) -> None:
        """Drops everything that has been read so far, so that each field of Mutation reads current data."""
        self.loaders.forget()
        self.levels.clear()

    def sign_in(self, viewer: Viewer) -> None:
        """Replaces the viewer for the rest of the request."""
        self.identity.viewer = viewer
