"""The limits on an operation, and their defaults. docs/protection.md gives the reason for each."""

from dataclasses import dataclass, fields
from typing import Any, TypeAlias

_Settings: TypeAlias = Any  # app.settings.Settings, whose import would be circular


@dataclass(frozen=True, slots=True)
class Limits:
    """The upper limits on an operation. Each is also a setting: `MAX_` and the limit's name in capitals.

    query_length: the number of characters in the document.
    query_tokens: the number of tokens in the document. The same limit applies to comments and to lines.
    depth: the number of levels of nested fields, with fragments expanded.
    aliases: the number of aliases in the document, without expanding fragments.
    directives: the number of directives in the document, without expanding fragments.
    root_fields: the number of root fields in all operations together.
    fragments: the number of fragment definitions, spreads and inline fragments together.
    overlap: the number of steps to compare fields that share a response key (see app.protection.overlap).
    list_values: the number of members of one list or object, in the variables or in a literal.
    value_depth: the number of levels of lists and objects nested in each other.
    values: the number of values in all variables together.
    fields: the number of fields after fragments are expanded.
    cost: the price of an operation, which app.execution.pricing.cost computes.
    introspection_cost: the price of an operation with introspection. This limit applies instead of `cost`.
    """

    query_length: int = 50_000
    query_tokens: int = 2_000
    depth: int = 20
    aliases: int = 100
    root_fields: int = 50
    directives: int = 50
    fragments: int = 200
    overlap: int = 10_000
    list_values: int = 250
    values: int = 5_000
    value_depth: int = 10
    fields: int = 1_000
    cost: int = 50_000
    introspection_cost: int = 6_000

    @classmethod
    def of(cls, settings: _Settings) -> "Limits":
        """Returns the limits from the settings."""
        return cls(**{field.name: getattr(settings, f"max_{field.name}") for field in fields(cls)})
