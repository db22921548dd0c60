"""Measures servers in alternation: a slice of load for each, round after round.

The speed of a shared machine changes from one second to the next. Slices are so short that a slow
spell falls on all the servers of a round, and a ratio within a round is fair.
"""

import statistics
from collections.abc import Mapping, Sequence

from benchmarks.servers import Server

_SLICE = 0.15  # seconds

#: The CPU milliseconds per request in each slice, by server. The slices of a round have the same position.
Slices = Mapping[str, Sequence[float]]


def alternate(
    servers: Sequence[Server], bodies: Mapping[str, Sequence[bytes]], connections: int, seconds: float
) -> Slices:
    """Loads each server for a number of seconds altogether. bodies: those of the requests, by server."""
    slices: dict[str, list[float]] = {server.name: [] for server in servers}
    for number in range(max(1, round(seconds / _SLICE))):
        first = number % len(servers)
        for server in (*servers[first:], *servers[:first]):
            slices[server.name].append(server.cost(bodies[server.name], connections, _SLICE))
    return slices


def ratio(slices: Slices, of: str, to: str) -> float:
    """The median of the ratios within a round."""
    return statistics.median(one / other for one, other in zip(slices[of], slices[to], strict=True))
