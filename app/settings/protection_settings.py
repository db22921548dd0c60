"""Settings: what an operation and a client may cost (docs/protection.md and docs/budgets.md)."""

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from app.budget_classes import ClientKey
from app.operation_limits import Limits
from app.settings.setting_types import Budgets, ClientKeys

_LIMITS = Limits()


class ProtectionSettings(BaseSettings):
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

    @field_validator("client_keys")
    @classmethod
    def _of_a_class(cls, value: tuple[ClientKey, ...], info: ValidationInfo) -> tuple[ClientKey, ...]:
        names = {kind.name for kind in info.data.get("budgets", ())}
        if "budgets" in info.data and (unknown := [key for key in value if key.class_name not in names]):
            raise ValueError(f"names the class `{unknown[0].class_name}`, which LECTERN_BUDGETS doesn't have")
        return value
