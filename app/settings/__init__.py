"""The settings: one typed table, read from environment variables and files, with errors in plain words."""

from app.settings.environment import UNPREFIXED, hand_over, variable
from app.settings.origins import ANY_PORT
from app.settings.profiles import PRODUCTION, shown_to_everyone
from app.settings.settings_table import Settings, SettingsError, data_home, load, warnings

__all__ = [
    "ANY_PORT",
    "PRODUCTION",
    "UNPREFIXED",
    "Settings",
    "SettingsError",
    "data_home",
    "hand_over",
    "load",
    "shown_to_everyone",
    "variable",
    "warnings",
]
