"""The limits on client connections."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits on client connections. Sizes are in bytes, times in seconds.

    connections: number of connections per process. head: size of a request's head without the URL. headers:
    number of header fields in a request. url: size of the URL. unread: total size of the responses that all
    clients together have yet to read. head_time: time for the client to send the head of a request.
    body_time: time for the client to send its body. stall_time: time after which a client that doesn't read
    its response is disconnected. idle_time: time that an idle connection is kept open.
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
