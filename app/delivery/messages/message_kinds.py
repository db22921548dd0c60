"""The messages that people can get: the fields of each, with an example of their values."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from loaders.outbox import MessageKind

#: The value of a field. A time is written in the language of the message.
FieldValue: TypeAlias = str | datetime

_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_LINK: Mapping[str, FieldValue] = {"link": "https://courses.example/account#example", "until": _AT}
_RUN: Mapping[str, FieldValue] = {"course": "Statistics & Probability", "starts": _AT}

#: The fields of each message, with example values. All messages also have the field `sender`.
#:
#: No field has a text that a person has entered in a form open to everyone, such as a name. Otherwise anybody
#: could have a text of theirs sent to any address.
FIELDS: Mapping[MessageKind, Mapping[str, FieldValue]] = {
    "verify_email": _LINK,
    "reset_password": _LINK,
    "change_email": _LINK,
    "email_changed": {"at": _AT},
    "address_taken": {},
    "password_changed": {"at": _AT},
    "run_cancelled": _RUN,
    "moved_up": _RUN,
    "account_deactivated": {"at": _AT},
    "account_deleted": {"at": _AT},
}

#: The field with the name of whoever sends the messages.
SENDER = "sender"
#: The field that a text must not leave out, because its message would be useless.
LINK = "link"
