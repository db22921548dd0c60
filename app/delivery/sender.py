"""What delivers the entries of one destination, and the outcomes that it can report."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from loaders.outbox import EntryDoc


@dataclass(frozen=True, slots=True)
class Sent:
    """The receiver has taken the entry."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The receiver hasn't taken the entry.

    error: a status or the name of an exception, such as "HTTP 503" or "SMTP 451"; it is shown to operators,
    so it must not contain an address or a text. retry_after: the seconds that the receiver asked to wait;
    None if it didn't. is_final: whether trying again is pointless. is_about_entry: whether the receiver
    works, and refuses this entry only; so others needn't be slowed down.
    """

    error: str
    retry_after: float | None = None
    is_final: bool = False
    is_about_entry: bool = False


@dataclass(frozen=True, slots=True)
class Unneeded:
    """There is no reason to send the entry: nobody has the address, or it is too late."""


Outcome: TypeAlias = Sent | Failed | Unneeded


class Sender(Protocol):
    """Delivers entries to one destination.

    timeout: seconds for one delivery, after which it is cancelled and has failed.
    """

    timeout: float

    async def send(self, entry: EntryDoc) -> Outcome:
        """Delivers an entry. Any exception means that the attempt has failed.

        It can be called again with an entry that has been delivered, because an outcome can get lost. Each
        attempt must have the same ID for the receiver.
        """
        ...

    async def close(self) -> None:
        """Closes its connections. It is not used afterwards."""
        ...
