"""What `lectern dev` keeps, and where: its database, and the secret that signs its tokens and cursors."""

import secrets
from pathlib import Path

from app.origins import ANY_PORT
from app.settings import Settings, data_home

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def directory(given: Path | None) -> Path:
    """Where `lectern dev` keeps what it keeps, unless it is told a directory."""
    return given or data_home() / "dev"


def was_here(directory: Path) -> bool:
    """Whether `lectern dev` has run there."""
    return (directory / "data").is_dir()


def origins(settings: Settings) -> str:
    """CORS_ORIGINS, and pages that this machine serves: a front end is developed beside `lectern dev`."""
    loopback = (f"{scheme}://{host}{ANY_PORT}" for scheme in ("http", "https") for host in _LOOPBACK)
    return ",".join((*settings.cors_origins, *loopback))


def secret(settings: Settings, directory: Path) -> str:
    """LECTERN_SECRET, or one that is kept with the database: tokens and cursors outlive a restart."""
    if given := settings.lectern_secret.get_secret_value():
        return given
    file = directory / "secret"
    file.touch(0o600)
    if not file.read_text():
        file.write_text(secrets.token_hex(32))
    return file.read_text()
