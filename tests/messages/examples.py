"""Messages and entries of the outbox, for tests."""

from datetime import UTC, datetime
from typing import Any

from bson import ObjectId

from app.delivery.messages.composing import Composed, Recipient, compose
from app.delivery.messages.message_kinds import FIELDS
from app.delivery.messages.templates import Templates
from app.settings import MailAddress
from loaders.outbox import EntryDoc, MessageKind

SENDER = MailAddress("Example Institute", "courses@example.org")
OWN = Templates.read(None, "en")
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ID = "0123456789abcdef01234567"


def composed(
    kind: MessageKind = "password_changed",
    address: str = "ada@example.org",
    language: str = "en",
    **values: Any,
) -> Composed:
    recipient = Recipient(address, kind, {**FIELDS[kind], **values}, language)
    return compose(OWN, SENDER, ID, recipient)


def entry(kind: MessageKind = "password_changed", **fields: Any) -> EntryDoc:
    own = ObjectId()
    made: EntryDoc = {
        "_id": own,
        "destination": "mail",
        "kind": f"message.{kind}",
        "subject": f"Message:{own}",
        "sequence": 1,
        "data": {"accountId": None, "studentId": None},
        "people": [],
        "to": None,
        "language": None,
        "at": AT,
        "expiresOn": None,
        "state": "PENDING",
        "dueAt": AT,
        "claim": "c",
        "attempts": 0,
        "lastError": None,
        "sentAt": None,
        "deleteAt": None,
    }
    return {**made, **fields}  # type: ignore[typeddict-item] # the fields of an EntryDoc
