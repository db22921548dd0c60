"""Every setting of the gateway: one typed table, read once from the environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.protection import Limits
from app.setting_types import (
    URL,
    Algorithms,
    HeaderNames,
    IssuerName,
    Networks,
    Origins,
    ResetUrl,
    Roles,
    require_long,
    require_strong,
)

_LIMITS = Limits()


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says what it takes."""


class Settings(BaseSettings):
    """The environment variables are the field names in capitals. docs/settings.md is tested against this."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    # The process and MongoDB
    lectern_env: Literal["development", "production"] = Field(
        "development", description="`production` doesn't start without a strong LECTERN_SECRET."
    )
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
        5.0, gt=0, description="Seconds to wait for a MongoDB server before requests fail at once."
    )
    wait_for_mongodb: float = Field(
        0.0, ge=0, le=3600, description="Seconds to wait for MongoDB at the start; then it is an error."
    )

    # Identity: docs/identity.md
    lectern_secret: SecretStr = Field(
        SecretStr(""),
        validate_default=True,
        description="Signs sessions and cursors: 32 characters or more, the same for every process. "
        "Without it, they end with the process.",
    )
    reset_url: ResetUrl = Field(
        "",
        description="Your page that sets a password: a URL with `{token}` in it, for `lectern account`.",
    )
    oidc_issuer: IssuerName = Field(
        "", description="An external issuer whose bearer tokens are taken: the `iss` of its tokens."
    )
    oidc_audience: str = Field("", validate_default=True, description="The `aud` that its tokens must have.")
    oidc_jwks: str = Field(
        "", validate_default=True, description="Its public keys: the URL or the file of its JWKS."
    )
    oidc_algorithms: Algorithms = Field(
        ("RS256", "ES256"), description="The signatures that are taken, separated by commas."
    )
    oidc_leeway: float = Field(30, ge=0, le=600, description="Seconds by which clocks may differ.")
    oidc_roles_claim: str = Field(
        "roles", description="Where its tokens tell roles: a claim, or a path such as `realm_access.roles`."
    )
    oidc_roles: Roles = Field(
        {}, description="Its names of roles, where they differ: `teacher=INSTRUCTOR,admin=STAFF`."
    )
    oidc_student_claim: str = Field(
        "sub", description="The claim that has the student's (or instructor's) external id."
    )
    oidc_source: str = Field(
        "oidc", min_length=1, description="The source of these external ids in the database."
    )

    # HTTP and what is served
    cors_origins: Origins = Field(
        (),
        description="Origins whose pages may call the API, separated by commas; `https://a.example:*` for "
        "any port, `*` for any origin.",
    )
    cors_headers: HeaderNames = Field(
        (), description="Request headers that these pages may send besides the usual ones; `*` for any."
    )
    compression: bool = Field(
        True, description="Compress answers for clients that take it; off where a proxy does it."
    )
    max_body_bytes: int = Field(1_000_000, gt=0, description="The largest request body, in bytes.")
    graphiql: bool = Field(True, description="Serve GraphiQL to browsers at `/` and `/graphql`.")
    introspection: bool = Field(True, description="Answer introspection queries.")
    compiled_execution: bool = Field(
        True, description="Run operations as compiled plans; off, graphql-core runs them all, slower."
    )
    trace_plan: bool = Field(
        False, description="Answer `X-Lectern-Trace: plan` with the plan; `lectern dev` always does."
    )
    metrics: bool = Field(False, description="Serve Prometheus metrics of the process at `/metrics`.")

    # Admission: docs/protection.md
    request_timeout: float = Field(
        10.0, gt=0, le=300, description="Seconds from a request's head to its answer; then `TIMEOUT`."
    )
    max_response_bytes: int = Field(
        10_000_000, ge=10_000, description="The largest answer, in bytes before it is compressed."
    )
    admission_capacity: int = Field(
        50_000,
        ge=1_000,
        description="The price of the dear queries that run at once in a process; more wait.",
    )
    admission_wait: float = Field(
        5.0, gt=0, le=60, description="Seconds that a request waits for its turn at most; then 503."
    )

    # What an operation may cost: docs/protection.md
    max_query_length: int = Field(
        _LIMITS.query_length, gt=0, description="The most characters a document may have."
    )
    max_query_tokens: int = Field(
        _LIMITS.query_tokens,
        gt=0,
        description="The most tokens a document may have; as many comments and lines.",
    )
    max_depth: int = Field(
        _LIMITS.depth, gt=0, description="The most fields that may be nested in each other."
    )
    max_aliases: int = Field(_LIMITS.aliases, ge=0, description="The most aliases a document may have.")
    max_root_fields: int = Field(
        _LIMITS.root_fields, gt=0, description="The most fields a document may have at its root."
    )
    max_directives: int = Field(
        _LIMITS.directives, ge=0, description="The most directives a document may have."
    )
    max_fragments: int = Field(
        _LIMITS.fragments, ge=0, description="The most fragments and spreads a document may have."
    )
    max_overlap: int = Field(
        _LIMITS.overlap, gt=0, description="The most steps it may take to see which fields are one."
    )
    max_list_values: int = Field(
        _LIMITS.list_values,
        ge=0,
        description="The most values a list or object may have, in the variables or the text.",
    )
    max_values: int = Field(_LIMITS.values, ge=0, description="The most values the variables may have.")
    max_value_depth: int = Field(
        _LIMITS.value_depth, gt=0, description="The most lists and objects that may be nested in a value."
    )
    max_fields: int = Field(
        _LIMITS.fields, gt=0, description="The most fields an operation may have, its fragments expanded."
    )
    max_cost: int = Field(
        _LIMITS.cost, gt=0, description="The highest price of an operation, in objects that are fetched."
    )
    max_introspection_cost: int = Field(
        _LIMITS.introspection_cost, gt=0, description="The highest price of one that asks about the schema."
    )

    # Connections and how they end: docs/operating.md
    forwarded_allow_ips: Networks = Field(
        ("127.0.0.1", "::1"),
        description="Proxies that are believed when they tell whom a request is from: addresses and "
        "networks, separated by commas; `*` for whoever connects.",
    )
    max_connections: int = Field(
        5000, gt=0, description="The most connections that a worker holds, if it may open as many files."
    )
    max_head_bytes: int = Field(
        16_384, ge=1024, description="The largest head of a request, without its URL, in bytes."
    )
    max_headers: int = Field(100, gt=0, description="The most header fields of a request.")
    max_url_bytes: int = Field(8192, gt=0, description="The longest URL of a request, in bytes.")
    max_unread_bytes: int = Field(
        50_000_000,
        ge=1_000_000,
        description="The most bytes of answers that a worker holds for clients who have yet to read them; "
        "then the slowest are cut off.",
    )
    head_timeout: float = Field(
        10.0, gt=0, description="Seconds that a client has to send the head of a request."
    )
    body_timeout: float = Field(
        30.0,
        gt=0,
        description="Seconds that it then has to send the body, where `REQUEST_TIMEOUT` doesn't end sooner.",
    )
    stall_timeout: float = Field(
        10.0, gt=0, description="Seconds after which a client that doesn't read its answer is cut off."
    )
    keep_alive_timeout: float = Field(
        65.0, gt=0, description="Seconds that a connection is kept open between two requests."
    )
    drain_delay: float = Field(
        7.0,
        ge=0,
        le=600,
        description="Seconds from the signal to stop until no connection is accepted any more.",
    )
    drain_seconds: float = Field(
        20.0, ge=0, le=600, description="Seconds that running requests then have to finish."
    )

    @field_validator("lectern_secret")
    @classmethod
    def _strong(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        require_long(value.get_secret_value())
        if info.data.get("lectern_env") == "production":
            require_strong(value.get_secret_value())
        return value

    @field_validator("oidc_audience", "oidc_jwks")
    @classmethod
    def _with_issuer(cls, value: str, info: ValidationInfo) -> str:
        if "oidc_issuer" not in info.data:  # it is wrong itself
            return value
        if info.data["oidc_issuer"] and not value:
            raise ValueError("is needed with OIDC_ISSUER")
        if value and not info.data["oidc_issuer"]:
            raise ValueError("is of no use without OIDC_ISSUER")
        return value

    @field_validator("oidc_jwks")
    @classmethod
    def _readable(cls, value: str) -> str:
        if value and not value.startswith(URL) and not Path(value).is_file():
            raise ValueError("takes a URL, or a file that is there")
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
