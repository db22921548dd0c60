"""What the clients were told, and what happened to them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Ack:
    """A write that was acknowledged: what was asked, what was said.

    code: of its refusal. changes: whether it changed something, by what its client knows. began, sent, at:
    when it was sent first, when last, and when its answer came, in seconds since 1970.
    """

    subject: str
    student: str | None  # global ID
    action: str
    input: Mapping[str, Any]
    payload: Mapping[str, Any]
    code: str | None
    changes: bool
    tries: int
    began: float
    sent: float
    at: float


@dataclass(slots=True)
class Log:
    acks: list[Ack] = field(default_factory=list)
    #: how often clients went away, by when they did
    cuts: Counter[str] = field(default_factory=Counter)
    #: errors after which a write is sent again, by their kind
    retriable: Counter[str] = field(default_factory=Counter)
    #: writes that were sent again after their answer, to be given it once more
    repeated: int = 0
    #: pairs of writes of the same, at once and with keys of their own
    raced: int = 0
    #: what may not happen to a client
    faults: list[str] = field(default_factory=list)

    def done(self) -> list[Ack]:
        """The writes that were not refused, in the order in which they were acknowledged."""
        return [ack for ack in self.acks if ack.code is None]
