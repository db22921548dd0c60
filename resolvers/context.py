"""What a request brings along to its resolvers: made in one place, dropped with the request."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from bson import ObjectId

from loaders.reading import Loaders
from resolvers.cursors import Cursors


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. Without roles: the public.

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
    """What a refresh token says: the how manyth it is of which session."""

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
class Context:
    loaders: Loaders
    cursors: Cursors
    now: datetime
    tokens: Tokens
    viewer: Viewer = PUBLIC
    #: where the request came from
    address: str = ""
    #: the DataLoaders of the level fields, by function and arguments (resolvers/fields.py)
    levels: dict[tuple[LevelFunction, Hashable], Any] = field(default_factory=dict)

    def forget(self) -> None:
        """Drops what was read so far: each field of a mutation reads anew."""
        self.loaders.forget()
        self.levels.clear()

    def sign_in(self, viewer: Viewer) -> None:
        """Who signs in is the viewer from then on."""
        self.viewer = viewer
