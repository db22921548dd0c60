"""Whether this process is draining: on its way out, and still answering."""

from collections.abc import Callable

_begun: list[Callable[[], bool]] = []


def begin(is_last: Callable[[], bool]) -> None:
    """For good. is_last: whether no other process serves the same address, or will."""
    _begun[:] = [is_last]


def is_draining() -> bool:
    """Whether its connections are to end."""
    return bool(_begun)


def is_leaving() -> bool:
    """Whether a load balancer should send requests elsewhere: not to an address where others take over."""
    return any(is_last() for is_last in _begun)
