"""The context of a request: what its resolvers need, created in one place and dropped with the request."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeAlias

from bson import ObjectId
from strawberry.dataloader import DataLoader

from loaders.reading import Loaders
from resolvers.cursors import Cursors


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who sends a request. A viewer without roles is the public.

    subject: the id of an account, or "issuer|sub" for an external identity. session_id: that of the account's
    session.
    """

    roles: frozenset[str] = frozenset()
    student_id: ObjectId | None = None
    instructor_id: ObjectId | None = None
    subject: str = ""
    session_id: ObjectId | None = None


PUBLIC = Viewer()


class AccessToken(NamedTuple):
    """A signed access token, with its expiry."""

    text: str
    expires_at: datetime


class RefreshToken(NamedTuple):
    """The content of a refresh token: its session, and its generation number within the session."""

    session_id: ObjectId
    generation: int


class Tokens(Protocol):
    """Issues and reads the tokens of a session."""

    def access(self, viewer: Viewer) -> AccessToken: ...

    def refresh(self, token: RefreshToken) -> str: ...

    def read_refresh(self, text: str) -> RefreshToken | None:
        """Returns the content of a refresh token; None if Lectern did not sign it."""
        ...


#: A batch over a level: takes the parents, the context and the field's arguments, and returns one entry per
#: parent, in order.
LevelFunction = Callable[..., Awaitable[Sequence[Any]]]  # arguments and entries vary by field

_Loader: TypeAlias = DataLoader[Any, Any]  # parents and entries vary by field


@dataclass(slots=True)
class Identity:
    """Who the viewer of a request is. A mutation that signs somebody in changes it."""

    viewer: Viewer = PUBLIC


class Context(NamedTuple):
    """The context that resolvers get, created for one request by app.request.Request.

    address: the client's IP address; empty if unknown. levels: the DataLoaders of level fields, by function
    and arguments (resolvers/fields.py).
    """

    loaders: Loaders
    cursors: Cursors
    now: datetime
    tokens: Tokens
    identity: Identity
    address: str
    levels: dict[tuple[LevelFunction, Hashable], _Loader]

    @property
    def viewer(self) -> Viewer:
        return self.identity.viewer

    def forget(self) -> None:
        """Drops everything read so far: each field of a mutation reads anew."""
        self.loaders.forget()
        self.levels.clear()

    def sign_in(self, viewer: Viewer) -> None:
        """Makes somebody the viewer for the rest of the request."""
        self.identity.viewer = viewer
