"""What connections may take, and what those of a server have in common."""

from collections.abc import MutableSet
from dataclasses import dataclass
from typing import Any

from uvicorn.server import ServerState

from app import logs


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    connections: int = 5000
    head: int = 16_384
    headers: int = 100
    url: int = 8192
    head_time: float = 10
    body_time: float = 30
    stall_time: float = 10
    idle_time: float = 65


class State(ServerState):
    """idle: connections that are kept open after an answer, the longest idle first.
    is_closed: nobody listens for new ones. full: logs that there are as many as there may be.
    """

    connections: MutableSet[Any]  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.idle: dict[Any, None] = {}
        self.is_closed = False
        self.full = logs.Throttled(
            "connection limit reached: idle connections are closed for new ones, others are refused"
        )
