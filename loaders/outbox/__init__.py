"""The outbox: events for webhooks and messages to people, written with what they tell about, sent later."""

from loaders.outbox.deliveries import (
    Backlog,
    backlogs,
    by_ids,
    delete,
    delete_parked_messages,
    delete_undelivered,
    destinations,
    listing,
    resend,
    resend_parked,
)
from loaders.outbox.entry import (
    EVENT_KINDS,
    MAIL,
    MESSAGE,
    EntryDoc,
    Event,
    EventKind,
    Message,
    MessageKind,
    State,
)
from loaders.outbox.entry_writes import note, readdress, send
from loaders.outbox.kept_messages import MOST_KEPT, KeptMessageDoc, keep, kept, kept_message
from loaders.outbox.leases import claimed
from loaders.outbox.outcomes import drop, give_back, is_last, park, retry, sent

__all__ = [
    "EVENT_KINDS",
    "MAIL",
    "MESSAGE",
    "MOST_KEPT",
    "Backlog",
    "EntryDoc",
    "Event",
    "EventKind",
    "KeptMessageDoc",
    "Message",
    "MessageKind",
    "State",
    "backlogs",
    "by_ids",
    "claimed",
    "delete",
    "delete_parked_messages",
    "delete_undelivered",
    "destinations",
    "drop",
    "give_back",
    "is_last",
    "keep",
    "kept",
    "kept_message",
    "listing",
    "note",
    "park",
    "readdress",
    "resend",
    "resend_parked",
    "retry",
    "send",
    "sent",
]
