"""Settings: who clients are (docs/identity.md)."""

from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from app.settings.setting_types import (
    URL,
    Algorithms,
    IssuerName,
    Roles,
    require_long,
    require_strong,
)


class IdentitySettings(BaseSettings):
    lectern_secret: SecretStr = Field(
        SecretStr(""),
        validate_default=True,
        description="Signs sessions and cursors: 32 characters or more, the same for every process. "
        "If not set, sessions and cursors become invalid when the process ends.",
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

    @field_validator("oidc_jwks")
    @classmethod
    def _readable(cls, value: str) -> str:
        if value and not value.startswith(URL) and not _is_file(value):
            raise ValueError("must be a URL or an existing file")
        return value


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # too long for a path
        return False
