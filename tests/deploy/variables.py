"""The environment variables that deploy/ sets, compared with the gateway's settings."""

from collections.abc import Mapping
from pathlib import Path

from app.settings import Settings, variable

_FILE, _SECRETS = "_FILE", "/run/secrets"
_SETTINGS = {variable(name) for name in Settings.model_fields}


def unknown(variables: Mapping[str, object]) -> set[str]:
    """The variables that set nothing. A setting's value can also be in a file, which `<NAME>_FILE` names."""
    return {name for name in variables if name.removesuffix(_FILE) not in _SETTINGS}


def for_process(variables: Mapping[str, str], secrets: Path) -> dict[str, str]:
    """The variables of a container for a process on this machine. secrets: what is at /run/secrets."""
    return {
        name: value.replace(_SECRETS, str(secrets)) if name.endswith(_FILE) else value
        for name, value in variables.items()
    }
