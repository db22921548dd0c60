"""All settings of the gateway in one typed table, which is read once from the environment."""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app.settings import environment, profiles, setting_errors
from app.settings.connection_settings import ConnectionSettings
from app.settings.http_settings import HttpSettings
from app.settings.identity_settings import IdentitySettings
from app.settings.message_settings import MessageSettings
from app.settings.observing_settings import ObservingSettings
from app.settings.operation_settings import OperationSettings
from app.settings.process_settings import ProcessSettings
from app.settings.protection_settings import ProtectionSettings
from app.settings.webhook_settings import WebhookSettings
from loaders.mongo import Destinations


class SettingsError(Exception):
    """A setting is missing or invalid. The message names the setting and says which values are accepted."""


class Settings(  # Pydantic takes the fields of the last class first
    ConnectionSettings,
    MessageSettings,
    WebhookSettings,
    OperationSettings,
    ProtectionSettings,
    ObservingSettings,
    HttpSettings,
    IdentitySettings,
    ProcessSettings,
):
    """The settings. Each is read from the environment, for example `max_cost` from LECTERN_MAX_COST.

    A test checks that docs/settings.md agrees with this class.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    @property
    def destinations(self) -> Destinations:
        """Where events and messages go."""
        kinds = {webhook.name: webhook.kinds for webhook in self.webhooks}
        return Destinations(kinds, self.sends_messages)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, environment.EnvironmentSource(settings_cls)

    @model_validator(mode="before")
    @classmethod
    def _with_profile(cls, given: Any) -> Any:
        return profiles.with_defaults(given)

    @field_validator("*", mode="before")
    @classmethod
    def _was_read(cls, value: object) -> object:
        if isinstance(value, environment.Unreadable):
            raise ValueError(value.reason)
        return value


def load() -> Settings:
    """Reads the settings from the environment.

    Raises SettingsError, with one line for each invalid setting.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(setting_errors.explain(error, Settings.model_fields)) from None


def warnings() -> list[str]:
    """Returns warnings about the environment: old names of settings, and names that are not settings."""
    return environment.warnings(Settings.model_fields)


def data_home() -> Path:
    """Returns the directory for Lectern's data: $XDG_DATA_HOME/lectern (XDG Base Directory Specification)."""
    return _Directories().xdg_data_home / "lectern"


class _Directories(BaseSettings):
    xdg_data_home: Path = Field(default_factory=lambda: Path.home() / ".local" / "share")
