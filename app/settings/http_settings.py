"""Settings: HTTP, and the endpoints and features that are enabled."""

from pydantic import Field
from pydantic_settings import BaseSettings

from app.settings.setting_types import HeaderNames, Origins


class HttpSettings(BaseSettings):
    cors_origins: Origins = Field(
        (),
        description="Origins whose pages may call the API, separated by commas; `https://a.example:*` for "
        "any port, `*` for any origin.",
    )
    cors_headers: HeaderNames = Field(
        (), description="Additional request headers that pages of these origins may send; `*` for any."
    )
    hsts_seconds: int = Field(
        0,
        ge=0,
        le=63_072_000,  # two years
        description="Seconds for which browsers may only use HTTPS (`Strict-Transport-Security`), sent over "
        "HTTPS only; 0 for none.",
    )
    compression: bool = Field(
        True, description="Compress responses for clients that accept it; turn off if a proxy compresses."
    )
    cache_max_age: int = Field(
        0,
        ge=0,
        le=3_600,
        description="Seconds for which any cache may keep the answer that everyone gets to a persisted or "
        "trusted query by GET; 0 if none may.",
    )
    max_body_bytes: int = Field(1_000_000, gt=0, description="The maximum size of a request body, in bytes.")
    graphiql: bool = Field(True, description="Serve GraphiQL to browsers at `/` and `/graphql`.")
    introspection: bool = Field(
        True, description="Answer introspection queries, and name parts of the schema in errors."
    )
    compiled_execution: bool = Field(
        True,
        description="Run operations as compiled plans; if off, graphql-core runs all of them, more slowly.",
    )
    trace_commands: bool = Field(
        True, description="Report the MongoDB commands to requests with `X-Lectern-Trace: 1`."
    )
    trace_plan: bool = Field(
        False,
        description="Return the plan to requests with `X-Lectern-Trace: plan`; `lectern dev` always does.",
    )
    metrics: bool = Field(
        False,
        description="Serve the metrics at `/metrics` on the public port, where everyone can read them.",
    )
    admin_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="The port of `lectern serve` for `/metrics`, `/readyz` and `/healthz`; 0 for none.",
    )
    admin_host: str = Field("127.0.0.1", min_length=1, description="The address for `LECTERN_ADMIN_PORT`.")
