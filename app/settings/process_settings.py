"""Settings: the process and MongoDB."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class ProcessSettings(BaseSettings):
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

    @property
    def retention(self) -> dict[str, int]:
        """The retention times in days, by collection (see loaders/collections)."""
        return {"auditLog": self.audit_retention_days}
