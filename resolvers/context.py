"""What a request brings along to its resolvers: made in one place, dropped with the request."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bson import ObjectId

from loaders.registry import Loaders
from resolvers.cursors import Cursors


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. Without roles: the public."""

    roles: frozenset[str] = frozenset()
    student_id: ObjectId | None = None
    instructor_id: ObjectId | None = None


PUBLIC = Viewer()

#: A batch over a level: the parents, the context and the field's arguments -> one entry per parent, in order.
LevelFunction = Callable[..., Awaitable[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class Context:
    loaders: Loaders
    cursors: Cursors
    now: datetime
    viewer: Viewer = PUBLIC
    #: what fields of the root gave or raised already, by their keys in the response
    roots: dict[str, Any] = field(default_factory=dict)
    #: the DataLoaders of the level fields, by function and arguments (resolvers/fields.py)
    levels: dict[tuple[LevelFunction, str], Any] = field(default_factory=dict)
