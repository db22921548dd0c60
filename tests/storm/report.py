"""A readable report of a storm."""

from collections import Counter
from dataclasses import dataclass
from statistics import quantiles
from typing import NamedTuple

from tests.storm.log import Log

_SLOWEST = 5  # writes that are named


class Kill(NamedTuple):
    """The kill of a process. at: seconds since 1970. elected_after: seconds until the next primary."""

    what: str
    at: float
    elected_after: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a storm.

    aborted: the number of transactions that MongoDB aborted; None after an election, when no single primary
    knows it. complaints: violated expectations.
    """

    log: Log
    kills: list[Kill]
    began: float
    ended: float
    aborted: int | None
    complaints: list[str]

    def back_after(self, kill: Kill) -> float:
        """Seconds from a kill until the first write done after it was acknowledged; infinite without one."""
        elected = kill.at + (kill.elected_after or float("inf"))
        acks = (ack.at for ack in self.log.acks if ack.sent > kill.at or ack.at > elected)
        return min(acks, default=float("inf")) - kill.at

    def all_back_after(self, kill: Kill) -> float:
        """Seconds from a kill until every write in flight at that time was acknowledged."""
        return max((ack.at for ack in self.log.acks if ack.began <= kill.at), default=kill.at) - kill.at

    def __str__(self) -> str:
        return "\n".join([*self._writes(), *self._troubles(), *map(self._kill, self.kills), *self._found()])

    def _writes(self) -> list[str]:
        acks, seconds = self.log.acks, self.ended - self.began
        took = quantiles([0, *((ack.at - ack.began) * 1000 for ack in acks)] * 2, n=100)
        actions = Counter(ack.action for ack in self.log.done())
        refused = Counter(ack.code for ack in acks if ack.code)
        slowest = sorted(acks, key=lambda ack: ack.began - ack.at)[:_SLOWEST]
        return [
            f"{len(acks):,} writes acknowledged in {seconds:.0f} s: {len(acks) / seconds:.0f} a second; "
            f"p50 {took[49]:.0f} ms, p99 {took[98]:.0f} ms until acknowledged",
            f"  done: {_listed(actions)}",
            f"  refused: {_listed(refused)}",
            f"  slowest: {', '.join(f'{own.action} {own.at - own.began:.1f} s' for own in slowest)}",
            f"  {sum(ack.tries - 1 for ack in acks):,} retries, {self.log.repeated:,} repeated after "
            f"their answer, {self.log.raced:,} raced",
            *([f"  {self.aborted:,} transactions aborted"] if self.aborted is not None else []),
        ]

    def _troubles(self) -> list[str]:
        return [f"  cut off: {_listed(self.log.cuts)}", f"  retriable: {_listed(self.log.retriable)}"]

    def _kill(self, kill: Kill) -> str:
        elected = f"another after {kill.elected_after:.1f} s, " if kill.elected_after else ""
        return (
            f"  kill -9 of the {kill.what} at {kill.at - self.began:.0f} s: {elected}the next write after "
            f"{self.back_after(kill):.1f} s, those in flight after {self.all_back_after(kill):.1f} s"
        )

    def _found(self) -> list[str]:
        if not self.complaints:
            return ["Nothing lost, nothing twice, no difference."]
        return [f"{len(self.complaints)} complaints:", *(f"  {complaint}" for complaint in self.complaints)]


def _listed(counted: Counter[str] | Counter[str | None]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counted.most_common()) or "none"
