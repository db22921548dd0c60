"""The limits of an operation and their defaults. docs/protection.md gives the reason for each."""

from dataclasses import dataclass, fields
from typing import Any, TypeAlias

_Settings: TypeAlias = Any  # app.settings.Settings, which imports this module


@dataclass(frozen=True, slots=True)
class Limits:
    """The upper limits of an operation. Each is a setting: its name in capitals after `MAX_`.

    query_length: characters of the text.
    query_tokens: its tokens, and separately its comments and its lines.
    depth: nested fields, with fragments expanded.
    aliases, directives: in the whole document, as written.
    root_fields: of all operations together.
    fragments: definitions, spreads and inline fragments together.
    overlap: steps to compare fields that share a response key (app.protection.overlap).
    list_values: members of one list or object, in the variables or in a literal.
    value_depth: lists and objects nested in each other.
    values: of all variables together.
    fields: after fragments are expanded.
    cost, introspection_cost: the price, as app.execution.cost computes it.
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


#: For trusted operations, in tests and tools.
UNLIMITED = Limits(**{field.name: 10**9 for field in fields(Limits)})


class TooLargeError(Exception):
    """An operation exceeds a limit. The message gives its figure, the limit, the setting and advice."""


def over(what: str, allowed: int, setting: str, advice: str) -> TooLargeError:
    """Returns the error for an exceeded limit.

    what: the clause with the figure, such as `The operation has 101 aliases`. allowed: the limit.
    """
    return TooLargeError(f"{what}, and {allowed:,} are allowed ({setting}). {advice}")
