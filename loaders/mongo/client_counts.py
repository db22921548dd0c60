"""The commands and connections of a client, for monitoring."""

from typing import NamedTuple

from loaders.mongo.bson_types import DriverObject
from loaders.mongo.queue import queue_of


class DriverCounts(NamedTuple):
    """in_flight, waiting: commands. idle, used: connections in the driver's pools."""

    in_flight: int
    waiting: int
    idle: int
    used: int


def driver_counts(client: DriverObject) -> DriverCounts:
    """Counts a client's commands and connections. client: a Motor client, or PyMongo's async client.

    The driver's own listeners for its pools aren't used, because they would be called several times for each
    command. Nor is there a public property with the pools.
    """
    queue = queue_of(client)
    driver: DriverObject = getattr(client, "delegate", client)
    servers = list(driver._topology._servers.values())  # noqa: SLF001
    idle = sum(len(server.pool.conns) for server in servers)
    used = sum(server.pool.active_sockets for server in servers)
    return DriverCounts(queue.in_flight, queue.waiting, idle, used)
