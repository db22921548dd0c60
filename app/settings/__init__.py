"""The settings: one typed table, read from environment variables and files, with errors in plain words."""

from app.settings.environment import UNPREFIXED, hand_over, variable
from app.settings.message_settings import MailAddress, SmtpServer, mail_address, smtp_server
from app.settings.origins import ANY_PORT
from app.settings.profiles import PRODUCTION, shown_to_everyone
from app.settings.settings_table import Settings, SettingsError, data_home, load, warnings
from app.settings.webhooks import Webhook, about_unencrypted, webhook_key

__all__ = [
    "ANY_PORT",
    "PRODUCTION",
    "UNPREFIXED",
    "MailAddress",
    "Settings",
    "SettingsError",
    "SmtpServer",
    "Webhook",
    "about_unencrypted",
    "data_home",
    "hand_over",
    "load",
    "mail_address",
    "shown_to_everyone",
    "smtp_server",
    "variable",
    "warnings",
    "webhook_key",
]
