"""How an input field of a mutation is declared, with its check, and the fields that all inputs have."""

import strawberry
from strawberry import UNSET

from resolvers import values
from resolvers.fields import Declaration
from resolvers.values import Check
from resolvers.writing import LONGEST_CLIENT_MUTATION_ID

#: Maximum lengths of strings, in characters.
SHORT, LONG, VERY_LONG = 200, 2_000, 20_000


def required(check: Check, description: str) -> Declaration:
    """Declares a required input field. check: checks the value and converts it to the value to store."""
    return strawberry.field(description=description, metadata={"check": check})


def optional(check: Check, description: str) -> Declaration:
    """Declares an input field that can be omitted. If it is null, the stored value is removed."""
    return strawberry.field(default=UNSET, description=description, metadata={"check": check})


def not_null(check: Check, description: str) -> Declaration:
    """Declares an input field that can be omitted but can't be null, because it always has a stored value."""
    metadata = {"check": check, "not_null": True}
    return strawberry.field(default=UNSET, description=description, metadata=metadata)


@strawberry.input
class MutationInput:
    client_mutation_id: str | None = optional(
        values.at_most(LONGEST_CLIENT_MUTATION_ID),
        "Any string of at most 200 characters. The payload returns it unchanged.",
    )


@strawberry.input
class IdempotentInput(MutationInput):
    idempotency_key: str | None = optional(
        values.key,
        "Key that makes retries safe: any string of 1 to 200 characters, such as a UUID. If a mutation that"
        " succeeded is sent again with the same key and input within 24 hours, it isn't executed again, and"
        " the original response is returned.",
    )
