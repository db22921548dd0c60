"""The data directory of `lectern dev`: its database, and the secret that signs its tokens and cursors."""

import secrets
from pathlib import Path
from typing import NamedTuple

from app.settings import ANY_PORT, Settings, data_home

_URL = "url"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Address(NamedTuple):
    """The URL of a gateway. note: what to say about it; empty if the URL is certain."""

    url: str
    note: str


def directory(given: Path | None) -> Path:
    """Returns the data directory of `lectern dev`: the given directory, or the default if it is None."""
    return given or data_home() / "dev"


def was_here(directory: Path) -> bool:
    """Returns whether `lectern dev` has run in the directory before."""
    return (directory / "data").is_dir()


def record_url(directory: Path, url: str, settings: Settings) -> None:
    """Records the URL of the gateway that runs in the directory with these settings, and its database."""
    (directory / _URL).write_text("\n".join([url, *_database(settings)]))


def address(directory: Path, settings: Settings | None) -> Address:
    """Returns the address of the last gateway that ran in the directory, for an example to copy.

    If none ran there, or if it used another database than `settings` name, returns the usual address.
    """
    file = directory / _URL
    url, *own = file.read_text().split("\n") if file.exists() else [""]
    if url and (settings is None or own == _database(settings)):
        return Address(url, "")
    return Address("http://localhost:8000", " (change the address if your gateway has another one)")


def _database(settings: Settings) -> list[str]:
    return [settings.mongodb_uri.get_secret_value(), settings.mongodb_database]


def origins(settings: Settings) -> str:
    """Returns LECTERN_CORS_ORIGINS plus every loopback origin, for front ends developed on this machine."""
    loopback = (f"{scheme}://{host}{ANY_PORT}" for scheme in ("http", "https") for host in _LOOPBACK)
    return ",".join((*settings.cors_origins, *loopback))


def messages(settings: Settings, url: str) -> dict[str, str]:
    """Returns the settings with which messages are kept for a page; none if they can be sent.

    url: that of the gateway. Links lead to its GraphiQL, unless the settings name a page.
    """
    if settings.sends_messages:
        return {}
    return {
        "dev_mail": "true",
        "mail_from": settings.mail_from or "Lectern <lectern@localhost>",
        "verify_url": settings.verify_url or f"{url}/#verify={{token}}",
        "reset_url": settings.reset_url or f"{url}/#reset={{token}}",
    }


def secret(settings: Settings, directory: Path) -> str:
    """Returns LECTERN_SECRET, or else a secret stored next to the database.

    Because the secret is stored, tokens and cursors survive a restart.
    """
    if configured := settings.lectern_secret.get_secret_value():
        return configured
    file = directory / "secret"
    file.touch(0o600)
    if not file.read_text():
        file.write_text(secrets.token_hex(32))
    return file.read_text()
