"""All settings of the gateway in one typed table, which is read once from the environment."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app.budget_classes import ClientKey
from app.operation_limits import Limits
from app.settings import environment, profiles, setting_errors
from app.settings.setting_types import (
    URL,
    Algorithms,
    Budgets,
    ClientKeys,
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
    """A setting is missing or invalid. The message names the setting and says which values are accepted."""


class Settings(BaseSettings):
    """The settings. Each is read from the environment, for example `max_cost` from LECTERN_MAX_COST.

    A test checks that docs/settings.md agrees with this class.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    # The process and MongoDB
    lectern_env: Literal["development", "production"] = Field(
        "development",
        description="The profile: `production` requires a strong LECTERN_SECRET and has stricter defaults "
        "(below).",
    )
    mongodb_uri: SecretStr = Field(
        SecretStr("mongodb://localhost:27017"),
        description="The MongoDB deployment: in production, a replica set or Atlas.",
    )
    mongodb_database: str = Field(
        "lectern", min_length=1, max_length=63, description="The database that holds the catalogue."
    )
    mongodb_driver: Literal["motor", "pymongo"] = Field(
        "motor", description="The client library: `motor`, or `pymongo` for PyMongo's own async client."
    )
    mongodb_timeout: float = Field(
        5.0,
        gt=0,
        description="Seconds to wait for a MongoDB server; after that, requests fail immediately.",
    )
    wait_for_mongodb: float = Field(
        0.0, ge=0, le=3600, description="Seconds to wait for MongoDB at startup before giving up."
    )

    audit_retention_days: int = Field(
        0,
        ge=0,
        le=24_855,  # MongoDB's maximum lifetime, 2³¹ - 1 seconds
        description="Days after which MongoDB deletes audit entries; 0 keeps them forever. Run "
        "`lectern indexes apply` after a change.",
    )

    # Identity (see docs/identity.md)
    lectern_secret: SecretStr = Field(
        SecretStr(""),
        validate_default=True,
        description="Signs sessions and cursors: 32 characters or more, the same for every process. "
        "If not set, sessions and cursors become invalid when the process ends.",
    )
    reset_url: ResetUrl = Field(
        "",
        description="The URL of your password reset page, containing `{token}`; `lectern account` prints it.",
    )
    oidc_issuer: IssuerName = Field(
        "", description="An external issuer whose bearer tokens are accepted: the `iss` claim of its tokens."
    )
    oidc_audience: str = Field(
        "", validate_default=True, description="The `aud` claim required in the external issuer's tokens."
    )
    oidc_jwks: str = Field(
        "",
        validate_default=True,
        description="The URL or file path of the external issuer's public keys (JWKS).",
    )
    oidc_algorithms: Algorithms = Field(
        ("RS256", "ES256"), description="The accepted signature algorithms, separated by commas."
    )
    oidc_leeway: float = Field(
        30,
        ge=0,
        le=600,
        description="Seconds of clock skew tolerated in the times in the external issuer's tokens.",
    )
    oidc_roles_claim: str = Field(
        "roles",
        description="The claim that contains the roles: its name, or its path, such as `realm_access.roles`.",
    )
    oidc_roles: Roles = Field(
        {},
        description="The external issuer's role names where they differ from Lectern's: "
        "`teacher=INSTRUCTOR,admin=STAFF`.",
    )
    oidc_student_claim: str = Field(
        "sub", description="The claim that contains the student's or instructor's external id."
    )
    oidc_source: str = Field(
        "oidc", min_length=1, description="The source under which the database stores these external ids."
    )

    # Signing up (see docs/identity.md)
    sign_ups_per_hour: int = Field(
        100,
        ge=0,
        description="The number of accounts that one network can create in an hour; 0 for no limit.",
    )
    sign_ups_per_day: int = Field(
        300, ge=0, description="The number of accounts that one network can create in a day; 0 for no limit."
    )

    # HTTP, and the endpoints and features that are enabled
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

    # The log and the traces (see docs/logs.md and docs/tracing.md)
    log_format: Literal["auto", "console", "json"] = Field(
        "auto",
        description="The form of the log: `console` for people, `json` for machines; `auto` means `console` "
        "on a terminal, otherwise `json`.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The lowest level that is logged; the line of each request is `info`."
    )
    log_personal_data: bool = Field(
        False,
        description="Log personal data: clients' addresses, viewers' ids, the variables of slow queries, and "
        "the messages of exceptions.",
    )
    slow_operation: float = Field(
        1.0, gt=0, description="Seconds after which an operation is slow, so that its plan is logged."
    )
    trace_sampling: float = Field(
        0.01,
        ge=0,
        le=1,
        description="The share of requests whose trace is exported if OTEL_EXPORTER_OTLP_ENDPOINT is set.",
    )

    # Admission control (see docs/protection.md)
    request_timeout: float = Field(
        10.0,
        gt=0,
        le=300,
        description="Seconds from a request's head to its response; after that, it fails with `TIMEOUT`.",
    )
    max_response_bytes: int = Field(
        10_000_000, ge=10_000, description="The maximum size of a response, in bytes before compression."
    )
    admission_capacity: int = Field(
        50_000,
        ge=1_000,
        description="The maximum total price of the expensive queries that a process runs concurrently; "
        "others wait.",
    )
    admission_wait: float = Field(
        5.0,
        gt=0,
        le=60,
        description="Seconds that a request can wait to be admitted before it fails with 503.",
    )

    # The budgets of clients (see docs/budgets.md)
    budgets: Budgets = Field(
        (),
        description="The budgets of clients by class: points restored in a second, and points when full, such"
        " as `public=1000:50000,student=2000:100000,partner=unlimited`. If empty, there are none.",
    )
    client_keys: ClientKeys = Field(
        (),
        validate_default=True,
        description="The keys of clients with a class of their own: `partner:` and the SHA-256 of the key, "
        "separated by commas (`lectern client-key` makes one).",
    )

    # Limits on the cost of an operation (see docs/protection.md)
    max_query_length: int = Field(
        _LIMITS.query_length, gt=0, description="The maximum number of characters in a document."
    )
    max_query_tokens: int = Field(
        _LIMITS.query_tokens,
        gt=0,
        description="The maximum number of tokens in a document; comments and lines have the same limit.",
    )
    max_depth: int = Field(_LIMITS.depth, gt=0, description="The maximum number of levels of nested fields.")
    max_aliases: int = Field(
        _LIMITS.aliases, ge=0, description="The maximum number of aliases in a document."
    )
    max_root_fields: int = Field(
        _LIMITS.root_fields, gt=0, description="The maximum number of root fields in a document."
    )
    max_directives: int = Field(
        _LIMITS.directives, ge=0, description="The maximum number of directives in a document."
    )
    max_fragments: int = Field(
        _LIMITS.fragments, ge=0, description="The maximum number of fragments and spreads in a document."
    )
    max_overlap: int = Field(
        _LIMITS.overlap,
        gt=0,
        description="The maximum number of steps to check whether fields can be merged.",
    )
    max_list_values: int = Field(
        _LIMITS.list_values,
        ge=0,
        description="The maximum number of values in a list or object, in the variables or the document.",
    )
    max_values: int = Field(
        _LIMITS.values, ge=0, description="The maximum number of values in all variables together."
    )
    max_value_depth: int = Field(
        _LIMITS.value_depth, gt=0, description="The maximum number of levels of lists and objects in a value."
    )
    max_fields: int = Field(
        _LIMITS.fields,
        gt=0,
        description="The maximum number of fields in an operation, with fragments expanded.",
    )
    max_cost: int = Field(
        _LIMITS.cost, gt=0, description="The maximum price of an operation; fetching one object costs 1."
    )
    max_introspection_cost: int = Field(
        _LIMITS.introspection_cost, gt=0, description="The maximum price of an introspection query."
    )

    # Persisted and trusted operations (see docs/operations.md)
    operations: Literal["any", "persisted", "trusted"] = Field(
        "any",
        description="Which operations run: `any`; `persisted` for those that are registered by their hash or "
        "trusted; `trusted` for trusted ones only.",
    )
    operations_report: bool = Field(
        False,
        description="Run operations that `LECTERN_OPERATIONS` would refuse, and only count and list them.",
    )
    persisted_queries: bool = Field(
        True, description="Let clients register texts by their hash (automatic persisted queries)."
    )
    persisted_query_days: int = Field(
        30, ge=1, le=365, description="Days for which a registered text is stored in MongoDB."
    )
    max_trusted_operations: int = Field(
        5_000, gt=0, le=100_000, description="The maximum number of trusted operations."
    )
    max_trusted_bytes: int = Field(
        20_000_000,
        gt=0,
        le=1_000_000_000,
        description="The maximum size of the texts of all trusted operations together, in bytes.",
    )

    # Tools for AI assistants (see docs/mcp.md)
    mcp: bool = Field(
        False, description="Offer trusted operations as tools at `/mcp`, by the Model Context Protocol."
    )

    # Connections and shutdown (see docs/operating.md)
    forwarded_allow_ips: Networks = Field(
        ("127.0.0.1", "::1"),
        description="Proxies whose `X-Forwarded-*` headers are trusted: addresses and networks, separated by "
        "commas; `*` for any peer.",
    )
    max_connections: int = Field(
        5000,
        gt=0,
        description="The maximum number of connections per worker, if it can open that many files.",
    )
    max_head_bytes: int = Field(
        16_384, ge=1024, description="The maximum size of a request's head without its URL, in bytes."
    )
    max_headers: int = Field(100, gt=0, description="The maximum number of header fields in a request.")
    max_url_bytes: int = Field(8192, gt=0, description="The maximum length of a URL, in bytes.")
    max_unread_bytes: int = Field(
        50_000_000,
        ge=1_000_000,
        description="The maximum size of the unread responses that a worker holds for its clients, in bytes; "
        "above that, the slowest clients are disconnected.",
    )
    head_timeout: float = Field(
        10.0, gt=0, description="Seconds within which a client must send the head of a request."
    )
    body_timeout: float = Field(
        30.0,
        gt=0,
        description="Seconds after the head within which a client must send the body; "
        "`LECTERN_REQUEST_TIMEOUT` also applies.",
    )
    stall_timeout: float = Field(
        10.0, gt=0, description="Seconds after which a client that doesn't read its response is disconnected."
    )
    keep_alive_timeout: float = Field(
        65.0, gt=0, description="Seconds that an idle connection is kept open between requests."
    )
    drain_delay: float = Field(
        7.0,
        ge=0,
        le=600,
        description="Seconds after the stop signal during which connections are still accepted.",
    )
    drain_seconds: float = Field(
        20.0,
        ge=0,
        le=600,
        description="Seconds after `LECTERN_DRAIN_DELAY` in which running requests can finish.",
    )

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

    @property
    def retention(self) -> dict[str, int]:
        """The retention times in days, by collection (see loaders/collections.py)."""
        return {"auditLog": self.audit_retention_days}

    @field_validator("mcp")
    @classmethod
    def _can_speak_mcp(cls, value: bool) -> bool:
        if value and find_spec("mcp") is None:
            raise ValueError("needs the protocol's package: run pip install 'lectern[mcp]'")
        return value

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
        if "oidc_issuer" not in info.data:  # LECTERN_OIDC_ISSUER is invalid; Pydantic reports that separately
            return value
        if info.data["oidc_issuer"] and not value:
            raise ValueError("is required when LECTERN_OIDC_ISSUER is set")
        if value and not info.data["oidc_issuer"]:
            raise ValueError("has no effect without LECTERN_OIDC_ISSUER")
        return value

    @field_validator("client_keys")
    @classmethod
    def _of_a_class(cls, value: tuple[ClientKey, ...], info: ValidationInfo) -> tuple[ClientKey, ...]:
        names = {kind.name for kind in info.data.get("budgets", ())}
        if "budgets" in info.data and (unknown := [key for key in value if key.class_name not in names]):
            raise ValueError(f"names the class `{unknown[0].class_name}`, which LECTERN_BUDGETS doesn't have")
        return value

    @field_validator("oidc_jwks")
    @classmethod
    def _readable(cls, value: str) -> str:
        if value and not value.startswith(URL) and not _is_file(value):
            raise ValueError("must be a URL or an existing file")
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


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # too long for a path
        return False


class _Directories(BaseSettings):
    xdg_data_home: Path = Field(default_factory=lambda: Path.home() / ".local" / "share")
