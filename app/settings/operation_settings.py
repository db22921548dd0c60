"""Settings: persisted and trusted operations, also as tools (docs/operations.md and docs/mcp.md)."""

from importlib.util import find_spec
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings


class OperationSettings(BaseSettings):
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
    persisted_queries_per_hour: int = Field(
        1_000,
        ge=0,
        description="The number of texts that one network can register in an hour with one process; 0 for no "
        "limit.",
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

    # Moderation (see docs/desk.md)
    reviews: Literal["publish", "hold", "hold_first"] = Field(
        "publish",
        description="What becomes of new reviews: `publish`; `hold` for moderation, changed ones too; "
        "`hold_first` until their author has a published review.",
    )

    # Tools for AI assistants (see docs/mcp.md)
    mcp: bool = Field(
        False, description="Offer trusted operations as tools at `/mcp`, by the Model Context Protocol."
    )

    @field_validator("mcp")
    @classmethod
    def _can_speak_mcp(cls, value: bool) -> bool:
        if value and find_spec("mcp") is None:
            raise ValueError("needs the protocol's package: run pip install 'lectern[mcp]'")
        return value

    @field_validator("persisted_queries")
    @classmethod
    def _can_register(cls, value: bool, info: ValidationInfo) -> bool:
        if not value and info.data.get("operations") == "persisted":
            raise ValueError(
                "must be true with LECTERN_OPERATIONS=persisted, or no text could be registered; for trusted "
                "operations only, use LECTERN_OPERATIONS=trusted"
            )
        return value
