"""Settings: messages to people (docs/messages.md)."""

import re
from collections.abc import Mapping
from email.errors import MessageError
from email.policy import SMTP
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from app.settings.setting_types import LinkUrl
from app.settings.webhooks import MAKE_ONE, is_http, is_loopback, is_unencrypted, webhook_key

_ADDRESS = re.compile(r"[^\s@<>,;:\"]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", re.ASCII)
_EXAMPLE = "such as smtp://USER:PASSWORD@mail.example:587 or smtps://mail.example"
_PORTS = {"tls": 465, "starttls": 587, "none": 25}


class MailAddress(NamedTuple):
    """The sender of messages. name: as people see it."""

    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>"


class SmtpServer(NamedTuple):
    """A mail server. encryption: of connections; with "starttls", one that can't be encrypted is not used."""

    host: str
    port: int
    user: str | None
    password: str | None
    encryption: Literal["tls", "starttls", "none"]


class MessageSettings(BaseSettings):
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="The mail server that sends messages, such as `smtp://USER:PASSWORD@mail.example:587` or "
        "`smtps://mail.example`.",
    )
    messages_url: SecretStr = Field(
        SecretStr(""), description="The URL to which messages are posted, instead of a mail server."
    )
    messages_secret: SecretStr = Field(
        SecretStr(""),
        validate_default=True,
        description="The secret that signs what is posted to LECTERN_MESSAGES_URL: `whsec_…`.",
    )
    dev_mail: bool = Field(
        False,
        description="Keep messages for the page `/dev/mail` instead of sending them; `lectern dev` does this "
        "unless it has somewhere to send them.",
    )
    mail_from: str = Field(
        "",
        validate_default=True,
        description="Whom messages come from, such as `Example Institute <courses@example.org>`.",
    )
    verify_url: LinkUrl = Field(
        "",
        validate_default=True,
        description="The URL of your page that confirms an e-mail address, containing `{token}`.",
    )
    reset_url: LinkUrl = Field(
        "",
        validate_default=True,
        description="The URL of your password reset page, containing `{token}`; `lectern account` prints it.",
    )
    templates: str = Field(
        "", description="A folder with texts of messages that replace or add to Lectern's."
    )
    language: str = Field("en", description="The language of messages to people whose language isn't known.")

    @property
    def sends_messages(self) -> bool:
        return _sends(dict(self)) is not None

    @property
    def has_readable_messages(self) -> bool:
        """Whether others in the network can read messages, with the links in them."""
        if url := self.smtp_url.get_secret_value():
            server = smtp_server(url)
            return server.encryption == "none" and not is_loopback(server.host)
        return is_unencrypted(self.messages_url.get_secret_value())

    @field_validator("smtp_url")
    @classmethod
    def _is_server(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            smtp_server(value.get_secret_value())
        return value

    @field_validator("messages_url")
    @classmethod
    def _is_url(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if value.get_secret_value() and not is_http(value.get_secret_value()):
            raise ValueError("must be a URL, such as https://messages.example/lectern")
        if value.get_secret_value() and _sends(info.data):
            raise ValueError("can't be set together with LECTERN_SMTP_URL: messages are sent in one way")
        return value

    @field_validator("messages_secret")
    @classmethod
    def _is_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if _text(info.data.get("messages_url")):
            try:
                webhook_key(value.get_secret_value())
            except ValueError:
                raise ValueError(
                    f"must be a secret `whsec_…` for LECTERN_MESSAGES_URL ({MAKE_ONE})"
                ) from None
        elif value.get_secret_value() and "messages_url" in info.data:
            raise ValueError("has no effect without LECTERN_MESSAGES_URL")
        return value

    @field_validator("dev_mail")
    @classmethod
    def _in_development(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("lectern_env") == "production":
            raise ValueError("must be false in production, because /dev/mail shows messages to everyone")
        if value and (other := _sends(info.data)):
            raise ValueError(f"can't be true together with {other}: messages are sent in one way")
        return value

    @field_validator("mail_from", "verify_url", "reset_url")
    @classmethod
    def _is_there(cls, value: str, info: ValidationInfo) -> str:
        if not value and (why := _sends(info.data)):
            raise ValueError(f"is required with {why}")
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value:
            mail_address(value)
        return value

    @field_validator("language")
    @classmethod
    def _in_lower_case(cls, value: str) -> str:
        return value.lower()


def _sends(settings: Mapping[str, Any]) -> str | None:
    """Returns the setting by which messages are sent, or None if they aren't."""
    for setting in ("smtp_url", "messages_url", "dev_mail"):
        if _text(settings.get(setting)):
            return f"LECTERN_{setting.upper()}"
    return None


def _text(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def mail_address(value: str) -> MailAddress:
    """Parses `Name <name@example.org>`, or an address alone, which is then the name too.

    Raises ValueError, with a text that completes a sentence that begins with the setting's name.
    """
    try:
        parsed = SMTP.header_factory("From", value)
        (group,), (one,) = parsed.groups, parsed.addresses
        is_named = group.display_name is not None  # `Name: a@example.org;` is a group of addresses
        is_valid = not parsed.defects and not is_named and bool(_ADDRESS.fullmatch(one.addr_spec))
    except (MessageError, ValueError, IndexError):
        is_valid = False
    if not is_valid:
        raise ValueError("must be an address, such as Example Institute <courses@example.org>")
    return MailAddress(" ".join(one.display_name.split()) or one.addr_spec, one.addr_spec)


def smtp_server(url: str) -> SmtpServer:
    """Parses the URL of a mail server.

    Raises ValueError like `mail_address`, with no part of the URL, which can contain a password.
    """
    try:
        parts = urlsplit(url)
        port, options = parts.port, parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        raise ValueError(f"must be a URL, {_EXAMPLE}") from None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path.strip("/") or parts.fragment:
        raise ValueError(f"must be a URL, {_EXAMPLE}")
    if options and (options != {"starttls": ["off"]} or parts.scheme == "smtps"):
        raise ValueError("can only have the option ?starttls=off, with smtp://")
    if options and parts.username:
        raise ValueError("must not have a password with ?starttls=off, which would send it unencrypted")
    encryption: Literal["tls", "starttls", "none"] = "none" if options else "starttls"
    if parts.scheme == "smtps":
        encryption = "tls"
    user = unquote(parts.username) if parts.username else None
    return SmtpServer(
        parts.hostname, port or _PORTS[encryption], user, unquote(parts.password or ""), encryption
    )
