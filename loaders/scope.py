"""A request as its MongoDB commands see it."""

from contextvars import ContextVar


class Scope:
    """The commands of one request.

    deadline: in seconds of time.monotonic(). cheap: whether its price is small, so that it has commands kept
    for it while others are slow.
    """

    def __init__(self, deadline: float, *, cheap: bool = False) -> None:
        self.deadline = deadline
        self.cheap = cheap

    def leave(self) -> None:
        """The client is gone: reads that wait are dropped, and those that run are ended."""


#: The scope of the request that is being answered; None outside of requests.
current: ContextVar[Scope | None] = ContextVar("lectern_scope", default=None)
