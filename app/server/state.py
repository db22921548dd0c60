"""State shared by all connections of a server."""

from collections import Counter
from collections.abc import MutableSet
from typing import Any, TypeAlias

from uvicorn.server import ServerState

from app.observing import Throttled
from app.server.reader import Unread

_Connection: TypeAlias = Any  # app.server.connection.Connection, whose import would be circular


class State(ServerState):
    """uvicorn's shared state, plus Lectern's.

    idle: connections kept open between requests, the longest idle first. unread: tracks the memory of unread
    responses. is_closed: whether the server has stopped accepting connections. rejections: the number of
    requests refused before they reached the application, by status. full: warns that the connection limit is
    reached.
    """

    connections: MutableSet[_Connection]  # type: ignore[assignment] # uvicorn's type lists its own protocols

    def __init__(self) -> None:
        super().__init__()
        self.idle: dict[_Connection, None] = {}
        self.unread = Unread()
        self.is_closed = False
        self.rejections: Counter[int] = Counter()
        self.full = Throttled(
            "connection limit reached: a new connection replaces an idle one, or is refused if none is idle"
        )
