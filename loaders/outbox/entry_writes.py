"""Writes events and messages to the outbox, in the transaction of what they tell about."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from hashlib import blake2b

from bson import ObjectId

from loaders.mongo import Transaction
from loaders.outbox.entry import MAIL, MESSAGE, UNDELIVERED, UNSENT_DAYS, EntryDoc, Event, Message

#: The numbers of a subject's last entries, by destination.
_Numbers = dict[str, int]


def note(tx: Transaction, *events: Event) -> None:
    """Has events written right before the transaction's commit, for every webhook that takes their kind.

    Sends three commands in total, however many events there are, or none if no webhook takes them.
    """
    if wanted := [event for event in events if any(_takers(tx, event))]:
        tx.before_commit(_write_events, *wanted)


def send(tx: Transaction, *messages: Message) -> None:
    """Has messages written right before the transaction's commit.

    Sends one command in total, or none if the gateway sends no messages.
    """
    if messages and tx.database.destinations.has_messages:
        tx.before_commit(_write_messages, *messages)


async def readdress(tx: Transaction, student_id: ObjectId, to_student_id: ObjectId) -> None:
    """Has the messages that wait for a student sent to another one instead. Sends one command."""
    query = {
        "people": student_id, "destination": MAIL, "state": {"$in": list(UNDELIVERED)},
        "data.studentId": student_id,
    }  # fmt: skip
    await tx.set("outbox", query, {"people.$": to_student_id, "data.studentId": to_student_id})


def _takers(tx: Transaction, event: Event) -> Iterable[str]:
    """Yields the names of the webhooks that take an event."""
    return (name for name, kinds in tx.database.destinations.webhooks.items() if event.kind in kinds)


async def _write_events(tx: Transaction, events: Sequence[Event]) -> None:
    """Writes an entry for each event and webhook, numbered.

    The numbers follow the order of the commits: of two transactions that number the same subject, one has a
    write conflict, and is retried.
    """
    numbers = await _last_numbers(tx, {event.subject for event in events})
    entries: list[EntryDoc] = []
    for event in events:
        last = numbers[event.subject]
        for name in _takers(tx, event):
            last[name] = last.get(name, 0) + 1
            entries.append(_entry_of_event(tx, event, name, last[name]))
    await tx.put_all("outboxSequences", [{"_id": own, "last": last} for own, last in numbers.items()])
    await tx.insert_missing("outbox", entries, stamped="dueAt")
    tx.after_commit(tx.database.destinations.on_written)


async def _last_numbers(tx: Transaction, subjects: set[str]) -> defaultdict[str, _Numbers]:
    query = {"_id": {"$in": sorted(subjects)}}
    found = await tx.find("outboxSequences", query, size=len(subjects))
    return defaultdict(dict, {one["_id"]: one["last"] for one in found})


async def _write_messages(tx: Transaction, messages: Sequence[Message]) -> None:
    entries = [_entry_of_message(tx, message) for message in messages]
    await tx.insert_missing("outbox", entries, stamped="dueAt")
    tx.after_commit(tx.database.destinations.on_written)


def _entry_of_event(tx: Transaction, event: Event, destination: str, sequence: int) -> EntryDoc:
    return {
        **_new_entry(tx),
        "destination": destination,
        "kind": event.kind,
        "subject": event.subject,
        "sequence": sequence,
        "data": dict(event.data),
        "people": list(event.people),
    }


def _entry_of_message(tx: Transaction, message: Message) -> EntryDoc:
    entry = _new_entry(tx)
    own = ObjectId(_digest(message.dedupe)) if message.dedupe else entry["_id"]
    ids = {"accountId": message.account_id, "studentId": message.student_id}
    return {
        **entry,
        "_id": own,
        "destination": MAIL,
        "kind": f"{MESSAGE}{message.template}",
        "subject": f"Message:{own}",
        "data": {**message.data, **ids},
        "people": [person for person in ids.values() if person],
        "to": message.to,
        "language": message.language,
        "expiresOn": message.expires_on,
        "deleteAt": tx.now + timedelta(days=UNSENT_DAYS),
    }


def _new_entry(tx: Transaction) -> EntryDoc:
    """Returns an entry that is due at once.

    `dueAt` is replaced by the time of MongoDB's clock, by which entries are claimed: the clock of a gateway
    that is fast would delay what it writes.
    """
    return {
        "_id": ObjectId(),
        "destination": "",
        "kind": "",
        "subject": "",
        "sequence": 1,
        "data": {},
        "people": [],
        "to": None,
        "language": None,
        "at": tx.now,
        "expiresOn": None,
        "state": "PENDING",
        "dueAt": tx.now,
        "claim": None,
        "attempts": 0,
        "lastError": None,
        "sentAt": None,
        "deleteAt": None,
    }


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=12).digest()
