"""The log of a storm: acknowledged writes, and what else happened to the clients."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = Any  # inputs and payloads of mutations


@dataclass(frozen=True, slots=True)
class Ack:
    """An acknowledged write: its input and its answer.

    code: of its refusal. changes: whether it changed anything, as far as its client knows. began, sent, at:
    when it was first sent, when it was last sent, and when its answer arrived, in seconds since 1970.
    """

    subject: str
    student: str | None  # global ID
    action: str
    input: Mapping[str, Json]
    payload: Mapping[str, Json]
    code: str | None
    changes: bool
    tries: int
    began: float
    sent: float
    at: float


@dataclass(slots=True)
class Log:
    """What all clients record."""

    acks: list[Ack] = field(default_factory=list)
    #: disconnects by clients, by their moment
    cuts: Counter[str] = field(default_factory=Counter)
    #: errors after which a write is retried, by kind
    retriable: Counter[str] = field(default_factory=Counter)
    #: writes that were repeated with their key after their answer
    repeated: int = 0
    #: pairs of equal writes sent at once, each with its own key
    raced: int = 0
    #: the marks (see tests/storm/marks.py) of people, by the global IDs of their students
    people: dict[str, str] = field(default_factory=dict)
    #: answers that must not happen
    faults: list[str] = field(default_factory=list)

    def history(self, subject: str) -> list[Ack]:
        """The last writes of somebody, for reports of faults."""
        return [ack for ack in self.acks if ack.subject == subject][-12:]

    def done(self) -> list[Ack]:
        """The writes that were not refused, in the order in which they were acknowledged."""
        return [ack for ack in self.acks if ack.code is None]
