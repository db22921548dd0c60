"""The context of a request: what its resolvers need, made in one place and dropped with the request."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from bson import ObjectId

from loaders.reading import Loaders
from resolvers.cursors import Cursors


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who sends a request. Without roles: the public.

    subject: the id of an account, or "issuer|sub" of an external one. session_id: of an account's session.
    """

    roles: frozenset[str] = frozenset()
    student_id: ObjectId | None = None
    instructor_id: ObjectId | None = None
    subject: str = ""
    session_id: ObjectId | None = None


PUBLIC = Viewer()


class AccessToken(NamedTuple):
    text: str
    expires_at: datetime


class RefreshToken(NamedTuple):
    """What a refresh token says: its session, and its generation number within the session."""

    session_id: ObjectId
    generation: int


class Tokens(Protocol):
    """Makes and reads the tokens of a session."""

    def access(self, viewer: Viewer) -> AccessToken: ...

    def refresh(self, token: RefreshToken) -> str: ...

    def read_refresh(self, text: str) -> RefreshToken | None:
        """None for what is no refresh token of ours."""
        ...


#: A batch over a level: the parents, the context and the field's arguments -> one entry per parent, in order.
LevelFunction = Callable[..., Awaitable[Sequence[Any]]]


@dataclass(slots=True)
class Identity:
    """Who the viewer of a request is. A mutation that signs somebody in changes it."""

    viewer: Viewer = PUBLIC


class Context(NamedTuple):
    """What resolvers get: made for one request, from its app.request.Request.

    address: where the request comes from. levels: the DataLoaders of level fields, by function and arguments
    (resolvers/fields.py).
    """

    loaders: Loaders
    cursors: Cursors
    now: datetime
    tokens: Tokens
    identity: Identity
    address: str
    levels: dict[tuple[LevelFunction, Hashable], Any]

    @property
    def viewer(self) -> Viewer:
        return self.identity.viewer

    def forget(self) -> None:
        """Drops what has been read: each field of a mutation reads afresh."""
        self.loaders.forget()
        self.levels.clear()

    def sign_in(self, viewer: Viewer) -> None:
        """Makes somebody the viewer for the rest of the request."""
        self.identity.viewer = viewer
