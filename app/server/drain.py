"""Whether this process is draining: shutting down, but still answering requests."""

from collections.abc import Callable

# Contains the `is_last` passed to `begin` once draining has begun; empty before. It is global, because the
# whole process drains at once.
_begun: list[Callable[[], bool]] = []


def begin(is_last: Callable[[], bool]) -> None:
    """Starts draining, which can't be undone.

    is_last: returns False if other processes will continue to serve the same address, otherwise True.
    """
    _begun[:] = [is_last]


def is_draining() -> bool:
    """Returns whether this process is draining. If so, connections close after their current requests."""
    return bool(_begun)


def is_leaving() -> bool:
    """Returns whether a load balancer should send requests elsewhere.

    Returns False even for a draining process if other processes continue to serve the same address.
    """
    return any(is_last() for is_last in _begun)
