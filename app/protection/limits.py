"""The limits of an operation, with their defaults. docs/protection.md gives the reason for each."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that an operation may have. Each is a setting of its name after `MAX_`.

    query_length: characters of the text. query_tokens: its tokens, its comments, and its lines.
    depth: fields within fields. fragments: definitions and spreads together.
    overlap: what it takes to compare fields that share a response key.
    list_values: of a list or an object in the variables or the text. value_depth: of these in each other.
    values: of all variables.
    fields: after fragments are expanded.
    cost, introspection_cost: the price of app.execution.cost.
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
    def of(cls, settings: Any) -> "Limits":
        """The limits among the settings."""
        return cls(**{field.name: getattr(settings, f"max_{field.name}") for field in fields(cls)})


#: For operations of one's own: tests and tools.
UNLIMITED = Limits(**{field.name: 10**9 for field in fields(Limits)})


class TooLargeError(Exception):
    """An operation is over a limit; the message names its figure, the limit, its setting and what to do."""


def over(what: str, allowed: int, setting: str, advice: str) -> TooLargeError:
    """what: the sentence up to its figure, such as `The operation has 101 aliases`."""
    return TooLargeError(f"{what}, and {allowed:,} are allowed ({setting}). {advice}")
