"""What connections may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds. unread: of the answers that clients have yet to read, together."""

    connections: int = 5000
    head: int = 16_384
    headers: int = 100
    url: int = 8192
    unread: int = 50_000_000
    head_time: float = 10
    body_time: float = 30
    stall_time: float = 10
    idle_time: float = 65
