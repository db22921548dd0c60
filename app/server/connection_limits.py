"""The limits of client connections."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds.

    connections: per process. head: without its URL. headers: their number.
    unread: of all answers together that clients have yet to read.
    """

    connections: int = 5000
    head: int = 16_384
    headers: int = 100
    url: int = 8192
    unread: int = 50_000_000
    head_time: float = 10
    body_time: float = 30
    stall_time: float = 10
    idle_time: float = 65
