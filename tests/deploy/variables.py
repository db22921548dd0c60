"""The environment variables that deploy/ sets, compared with the gateway's settings."""

from collections.abc import Mapping
from pathlib import Path

from app.settings import Settings

_PREFIX, _FILE, _SECRETS = "LECTERN_", "_FILE", "/run/secrets/"
_FIELDS = {name.upper().removeprefix(_PREFIX): name.upper() for name in Settings.model_fields}

#: Settings that are deployed before Settings has them.
_EXPECTED = {"ADMIN_HOST", "ADMIN_PORT", "LOG_FORMAT"}


def unknown(variables: Mapping[str, object]) -> set[str]:
    """The variables that set nothing. A setting's value can also be in a file, which `<NAME>_FILE` names."""
    settings = {name: _setting(name) for name in variables}
    known = _FIELDS.keys() | _EXPECTED
    return {name for name, own in settings.items() if not name.startswith(_PREFIX) or own not in known}


def for_process(variables: Mapping[str, str], secrets: Path) -> dict[str, str]:
    """The variables of a container for a process on this machine. secrets: what is at /run/secrets."""
    values = {}
    for name, value in variables.items():
        own = _FIELDS.get(_setting(name), name)
        values[own] = (
            (secrets / value.removeprefix(_SECRETS)).read_text("utf-8") if name.endswith(_FILE) else value
        )
    return values


def _setting(variable: str) -> str:
    return variable.removeprefix(_PREFIX).removesuffix(_FILE)
