"""Every setting of the gateway: one typed table, read once from the environment."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says what it takes."""


class Settings(BaseSettings):
    """The environment variables are the field names in capitals. docs/settings.md is tested against this."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    mongodb_uri: SecretStr = Field(
        SecretStr("mongodb://localhost:27017"),
        description="The MongoDB deployment: a replica set or Atlas in production.",
    )
    mongodb_database: str = Field(
        "lectern", min_length=1, max_length=63, description="The database that holds the catalogue."
    )
    mongodb_driver: Literal["motor", "pymongo"] = Field(
        "motor", description="The client library: `motor`, or `pymongo` for PyMongo's own async client."
    )
    mongodb_timeout: float = Field(
        5.0, gt=0, description="Seconds to wait for a MongoDB server before a request fails."
    )
    lectern_secret: SecretStr = Field(
        SecretStr(""),
        description="Signs cursors: 32 characters or more, the same for every process. "
        "Without it, cursors end with the process.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins whose pages may call the API, separated by commas; `*` for any."
    )
    max_body_bytes: int = Field(1_000_000, gt=0, description="The largest request body, in bytes.")
    max_query_tokens: int = Field(10_000, gt=0, description="The most tokens an operation's text may have.")
    max_nodes: int = Field(
        100_000, gt=0, description="The most objects an operation may ask for, by the sizes of its pages."
    )
    graphiql: bool = Field(True, description="Serve GraphiQL to browsers at `/` and `/graphql`.")
    introspection: bool = Field(True, description="Answer introspection queries.")
    compiled_execution: bool = Field(
        True, description="Run operations as compiled plans; off, graphql-core runs them all, slower."
    )
    trace_plan: bool = Field(
        False, description="Answer `X-Lectern-Trace: plan` with the plan; `lectern dev` always does."
    )
    metrics: bool = Field(False, description="Serve Prometheus metrics of the process at `/metrics`.")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(v.strip() for v in value.split(",") if v.strip()) if isinstance(value, str) else value

    @field_validator("lectern_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 32:
            raise ValueError("takes 32 characters or more (make one: openssl rand -hex 32)")
        return value


def load() -> Settings:
    """The settings from the environment.

    Raises SettingsError, with a line for each setting that is wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_input=False)
        ]
        raise SettingsError("\n".join(lines)) from None


def data_home() -> Path:
    """Where `lectern dev` keeps its database: $XDG_DATA_HOME/lectern, by the XDG base directory rules."""
    return _Directories().xdg_data_home / "lectern"


class _Directories(BaseSettings):
    xdg_data_home: Path = Field(default_factory=lambda: Path.home() / ".local" / "share")
