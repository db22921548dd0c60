"""The profiles: what LECTERN_ENV changes about the defaults of the settings."""

from collections.abc import Mapping
from typing import Any

#: The defaults in production, where they differ from those in the table of settings.
PRODUCTION: Mapping[str, object] = {
    "graphiql": False,
    "introspection": False,
    "trace_commands": False,
    "hsts_seconds": 31_536_000,
}

#: What a gateway can show everyone, and the setting that turns it on.
_SHOWN: Mapping[str, str] = {
    "GraphiQL": "graphiql",
    "introspection": "introspection",
    "traces": "trace_commands",
    "plans": "trace_plan",
    "metrics": "metrics",
    "messages": "dev_mail",
}


def with_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings that are given explicitly, completed by the defaults of their profile."""
    return {**(PRODUCTION if given.get("lectern_env") == "production" else {}), **given}


def shown_to_everyone(settings: Mapping[str, Any]) -> list[str]:
    """Returns what a gateway with these settings shows everyone, for the line of its start."""
    shown = [what for what, setting in _SHOWN.items() if settings[setting]]
    return [*shown, "pages of any origin"] if "*" in settings["cors_origins"] else shown
