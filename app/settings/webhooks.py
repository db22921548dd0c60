"""The webhooks that get events, and the keys that sign what is posted to them."""

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from loaders.outbox import EVENT_KINDS, MAIL

#: The maximum number of webhooks: each has connections and a task in every process.
MOST_WEBHOOKS = 20

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)  # the lengths that Standard Webhooks allows
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
MAKE_ONE = "make one: echo whsec_$(openssl rand -base64 32)"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver of events. kinds: those that it takes."""

    name: str
    url: str = field(repr=False)  # it may contain a password or a token
    kinds: frozenset[str] = EVENT_KINDS


def read_webhooks(text: str) -> tuple[Webhook, ...]:
    """Reads webhooks from `name=URL` or `name=URL#kind+kind`, separated by commas.

    Raises ValueError, with a text that completes a sentence that begins with the setting's name. It doesn't
    show a URL, which may contain a password.
    """
    webhooks = tuple(_read_webhook(number, entry) for number, entry in _entries(text))
    names = [webhook.name for webhook in webhooks]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"must name each webhook once; `{min(repeated)}` is repeated")
    if len(webhooks) > MOST_WEBHOOKS:
        raise ValueError(f"must have at most {MOST_WEBHOOKS} webhooks")
    return webhooks


def read_secrets(text: str) -> dict[str, tuple[bytes, ...]]:
    """Reads the keys of webhooks from `name=secret`, separated by commas; a name can have several.

    Raises ValueError like `read_webhooks`, without the secret.
    """
    keys: dict[str, tuple[bytes, ...]] = {}
    for number, entry in _entries(text):
        name, _, secret = (part.strip() for part in entry.partition("="))
        keys[name] = (*keys.get(name, ()), _read_key(number, secret))
    return keys


def webhook_key(secret: str) -> bytes:
    """Returns the key in a secret. Raises ValueError if it isn't one of Standard Webhooks."""
    key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    if not secret.startswith(_PREFIX) or len(key) not in _KEY_BYTES:
        raise ValueError
    return key


def require_keys(keys: Mapping[str, tuple[bytes, ...]], webhooks: tuple[Webhook, ...]) -> None:
    """Raises ValueError unless each webhook has a key, and each key a webhook."""
    names = {webhook.name for webhook in webhooks}
    if missing := names - keys.keys():
        raise ValueError(f"must have a secret for the webhook `{min(missing)}` ({MAKE_ONE})")
    if unknown := keys.keys() - names:
        raise ValueError(f"has a secret for `{min(unknown)[:32]}`, which LECTERN_WEBHOOKS doesn't have")


def about_unencrypted(webhooks: Iterable[Webhook]) -> Iterator[str]:
    """Yields a warning for each webhook whose events others in the network can read."""
    for webhook in webhooks:
        if is_unencrypted(webhook.url):
            yield f"Events for the webhook {webhook.name} are not encrypted: use https in LECTERN_WEBHOOKS."


def is_unencrypted(url: str) -> bool:
    """Returns whether others in the network can read what is posted to a URL."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Returns whether a host is this machine."""
    return host in _LOOPBACK


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """Yields the parts of a list, each with its number, by which errors name it."""
    return enumerate((entry.strip() for entry in text.split(",") if entry.strip()), 1)


def _read_webhook(number: int, entry: str) -> Webhook:
    name, _, rest = (part.strip() for part in entry.partition("="))
    url, _, kinds = rest.partition("#")
    if not _NAME.fullmatch(name) or name == MAIL or not is_http(url):
        raise ValueError(
            "must be webhooks such as `crm=https://crm.example/hook`, whose names are lower-case letters, "
            f"digits, `-` and `_`, and not `{MAIL}`; number {number} is not valid"
        )
    wanted = frozenset(kind for kind in kinds.split("+") if kind)
    if unknown := wanted - EVENT_KINDS:
        raise ValueError(
            f"names the kind of event `{min(unknown)[:32]}` for `{name}`; there are "
            f"{', '.join(sorted(EVENT_KINDS))}"
        )
    return Webhook(name, url, wanted or EVENT_KINDS)


def is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError if it is not a port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", url)


def _read_key(number: int, secret: str) -> bytes:
    try:
        return webhook_key(secret)
    except ValueError:
        raise ValueError(
            f"must be secrets such as `crm={_PREFIX}…`, each with {_KEY_BYTES[0]} to {_KEY_BYTES[-1]} bytes "
            f"in base64; number {number} is not valid ({MAKE_ONE})"
        ) from None
