"""Composes messages: the text of a template with its values, and an e-mail made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime

from babel import Locale
from babel.dates import format_date

from app.delivery.messages.message_kinds import SENDER, FieldValue
from app.delivery.messages.templates import Templates, Text, filled
from app.settings import MailAddress
from loaders.outbox import MessageKind

_LOCALES = {"en": "en-GB"}  # Lectern's own texts are in British English
_MOST_SUBJECT = 150  # maximum length of a subject, in characters


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets a message, and what it says.

    kind: the message to send. values: those of its fields. language: a BCP 47 tag, or None if it isn't known.
    """

    address: str
    kind: MessageKind
    values: Mapping[str, FieldValue]
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """A message that is ready to be sent.

    id: the same for each attempt. language: that of the text. values: those of its fields, as text.
    sender: whom it comes from.
    html: None if the text has no HTML.
    """

    id: str
    kind: MessageKind
    language: str
    sender: MailAddress
    address: str
    subject: str
    plain: str
    html: str | None
    values: Mapping[str, str]


def compose(templates: Templates, sender: MailAddress, id: str, recipient: Recipient) -> Composed:
    """Composes the message for a recipient. id: see Composed."""
    text = templates.text(recipient.kind, recipient.language)
    values = {name: _shown(value, text) for name, value in recipient.values.items()}
    values[SENDER] = sender.name
    return Composed(
        id,
        recipient.kind,
        text.language,
        sender,
        recipient.address,
        _shortened(filled(text.subject, values)),
        filled(text.plain, values),
        templates.page(text, values),
        values,
    )


def _shortened(subject: str) -> str:
    """Returns a subject of at most _MOST_SUBJECT characters: of a longer one, whole words and an ellipsis."""
    if len(subject) <= _MOST_SUBJECT:
        return subject
    words, space, rest = subject[:_MOST_SUBJECT].rpartition(" ")
    # A very long word is cut, and so is a text in a script without spaces.
    return f"{words if space and len(rest) < _MOST_SUBJECT // 2 else subject[: _MOST_SUBJECT - 1]}…"


def _shown(value: FieldValue, text: Text) -> str:
    """Returns a value as text: a time in the language of the message, and everything else on one line."""
    if isinstance(value, datetime):
        locale = Locale.parse(_LOCALES.get(text.language, text.language), sep="-")
        date = format_date(value, "long", locale)
        return f"{date}, {value:%H:%M} UTC"
    return " ".join(value.split())


def as_email(message: Composed) -> EmailMessage:
    """Returns a message as an e-mail. Its Message-ID is the same for each attempt.

    Raises ValueError if the address can't be written in a header.
    """
    email = EmailMessage(SMTP)
    email["From"] = Address(message.sender.name, addr_spec=message.sender.address)
    email["To"] = _recipient(message.address)
    email["Subject"] = message.subject
    email["Date"] = format_datetime(localtime())
    email["Message-ID"] = f"<{message.id}@{message.sender.address.rpartition('@')[2]}>"
    email["Auto-Submitted"] = "auto-generated"  # asks for no automatic replies (RFC 3834)
    email.set_content(message.plain, cte="quoted-printable")
    if message.html is not None:
        email.add_alternative(message.html, subtype="html", cte="quoted-printable")
    email["Content-Language"] = message.language  # the last, because the first part takes such headers over
    return email


def _recipient(address: str) -> Address:
    """Returns an address for a header. Raises ValueError if mail programs would read another one in it.

    A name such as `a..b`, which some providers give, is not parsed: the standard doesn't allow it.
    """
    if "=?" in address:  # an encoded word, such as =?utf-8?q?ada?=
        raise ValueError("an address is an encoded word")
    name, _, domain = address.rpartition("@")
    return Address(username=name, domain=domain)
