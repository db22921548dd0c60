"""What the connections of a server have in common."""

from collections.abc import MutableSet
from typing import Any

from uvicorn.server import ServerState

from app.observing import Throttled
from app.server.reader import Unread


class State(ServerState):
    """idle: connections that are kept open after an answer, the longest idle first. unread: answers.
    is_closed: nobody listens for new ones. full: logs that there are as many as there may be.
    """

    connections: MutableSet[Any]  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.idle: dict[Any, None] = {}
        self.unread = Unread()
        self.is_closed = False
        self.full = Throttled(
            "connection limit reached: idle connections are closed for new ones, others are refused"
        )
