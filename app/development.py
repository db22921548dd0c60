"""The data directory of `lectern dev`: its database, and the secret that signs its tokens and cursors."""

import secrets
from pathlib import Path

from app.settings import ANY_PORT, Settings, data_home

_URL = "url"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def directory(given: Path | None) -> Path:
    """Returns the data directory of `lectern dev`: the given directory, or the default if it is None."""
    return given or data_home() / "dev"


def was_here(directory: Path) -> bool:
    """Returns whether `lectern dev` has run in the directory before."""
    return (directory / "data").is_dir()


def record_url(directory: Path, url: str) -> None:
    """Records the URL of the gateway that runs in the directory."""
    (directory / _URL).write_text(url)


def url(directory: Path) -> str | None:
    """Returns the URL of the last gateway that ran in the directory, or None if none has."""
    file = directory / _URL
    return file.read_text() if file.exists() else None


def origins(settings: Settings) -> str:
    """Returns LECTERN_CORS_ORIGINS plus every loopback origin, for front ends developed on this machine."""
    loopback = (f"{scheme}://{host}{ANY_PORT}" for scheme in ("http", "https") for host in _LOOPBACK)
    return ",".join((*settings.cors_origins, *loopback))


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
