"""Types for structured settings. They split, validate and normalise the values of environment variables."""

import re
from ipaddress import ip_network
from typing import Annotated, TypeAlias, get_args

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from app.budget_classes import BudgetClass, ClientKey, read_classes, read_keys
from app.settings import origins, webhooks
from app.settings.webhooks import Webhook
from loaders.model import Role

URL = ("https://", "http://")

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_HINT = "generate one: openssl rand -hex 32"

# Only algorithms with a public key: with a shared secret, anyone who can verify a token could also sign one.
_ASYMMETRIC = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
)


def require_strong(secret: str) -> None:
    """Raises ValueError for a secret that is missing or too weak for production."""
    if not secret:
        raise ValueError(f"is required in production ({_HINT})")
    repeats = secret in (secret + secret)[1:-1]
    if repeats or len(set(secret)) < 10:
        raise ValueError(f"is too easy to guess ({_HINT})")


def require_long(secret: str) -> None:
    """Raises ValueError for a secret that is set but too short."""
    if 0 < len(secret) < 32:
        raise ValueError(f"must have at least 32 characters ({_HINT})")


def _split(value: object) -> object:
    return tuple(v.strip() for v in value.split(",") if v.strip()) if isinstance(value, str) else value


def _origins(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(origins.parsed(origin) for origin in value)


def _header_names(value: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := [name for name in value if not _HEADER.fullmatch(name)]:
        raise ValueError(f"must be header names separated by commas; `{wrong[0]}` is not valid")
    return tuple(name.lower() for name in value)


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for network in value if value != ("*",) else ():
        try:
            ip_network(network)
        except ValueError as error:
            raise ValueError(f"must be addresses and networks, or `*` alone: {error}") from None
    return value


def _algorithms(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value or not set(value) <= _ASYMMETRIC:
        raise ValueError(f"must be one or more of {', '.join(sorted(_ASYMMETRIC))}")
    return value


def _with_token(value: str) -> str:
    if value and not (value.startswith(URL) and "{token}" in value):
        raise ValueError("must be a URL with {token} in it, such as https://courses.example/reset#{token}")
    return value


def _not_ours(value: str) -> str:
    if value == "lectern":
        raise ValueError("must be a different name: `lectern` is the issuer of Lectern's own tokens")
    return value


def _pairs(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    names = {theirs.strip(): ours.strip() for theirs, _, ours in pairs}
    if wrong := [theirs for theirs, ours in names.items() if ours not in get_args(Role)]:
        raise ValueError(
            f"must map each name to STUDENT, INSTRUCTOR or STAFF, as in `teacher=INSTRUCTOR,admin=STAFF`; "
            f"`{wrong[0]}` is invalid"
        )
    return names


def _budgets(value: object) -> object:
    return read_classes(value) if isinstance(value, str) else value


def _client_keys(value: object) -> object:
    return read_keys(value) if isinstance(value, str) else value


def _webhooks(value: object) -> object:
    return webhooks.read_webhooks(value) if isinstance(value, str) else value


def _webhook_secrets(value: object) -> object:
    return webhooks.read_secrets(value) if isinstance(value, str) else value


_List: TypeAlias = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]

Origins: TypeAlias = Annotated[_List, AfterValidator(_origins)]
HeaderNames: TypeAlias = Annotated[_List, AfterValidator(_header_names)]
Networks: TypeAlias = Annotated[_List, AfterValidator(_networks)]
Algorithms: TypeAlias = Annotated[_List, AfterValidator(_algorithms)]
LinkUrl: TypeAlias = Annotated[str, AfterValidator(_with_token)]
IssuerName: TypeAlias = Annotated[str, AfterValidator(_not_ours)]
Budgets: TypeAlias = Annotated[tuple[BudgetClass, ...], NoDecode, BeforeValidator(_budgets)]
ClientKeys: TypeAlias = Annotated[tuple[ClientKey, ...], NoDecode, BeforeValidator(_client_keys)]
Webhooks: TypeAlias = Annotated[tuple[Webhook, ...], NoDecode, BeforeValidator(_webhooks)]
WebhookSecrets: TypeAlias = Annotated[
    dict[str, tuple[bytes, ...]], NoDecode, BeforeValidator(_webhook_secrets)
]
Roles: TypeAlias = Annotated[dict[str, Role], NoDecode, BeforeValidator(_pairs)]
