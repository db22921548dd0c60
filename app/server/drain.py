"""Whether this process is draining: on its way out, and still answering."""

from threading import Event

#: Set for good by the server that begins to stop.
draining = Event()


def is_draining() -> bool:
    """Whether a load balancer should send its requests elsewhere."""
    return draining.is_set()
