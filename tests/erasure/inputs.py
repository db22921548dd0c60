"""The input fields that a person can write, from the schema."""

from collections.abc import Iterator

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLScalarType, get_named_type

from resolvers.access.rules import RULES
from resolvers.schema import schema

#: Types whose values name an object, or choose between two things.
_CHOICES = {"ID", "Boolean"}

#: Fields that take only what a gateway has issued.
ISSUED = {
    ("signIn", "deviceToken"), ("refreshSession", "refreshToken"), ("signOut", "refreshToken"),
    ("resetPassword", "token"), ("verifyEmail", "token"),
}  # fmt: skip

#: Fields whose values stay without a person: aggregates are made of them.
STAYS = {("createReview", "rating"), ("updateReview", "rating"), ("updateProgress", "progress")}


def written_by_people() -> set[str]:
    """The mutations that somebody may call who is not an instructor or staff."""
    mutation = schema.mutation_type
    assert mutation is not None
    return {name for name in mutation.fields if {RULES[name].public, RULES[name].student} != {"no"}}


def fields_of_people() -> set[tuple[str, str]]:
    """The fields that a person can write something of their own into: each as mutation and path."""
    mutation = schema.mutation_type
    assert mutation is not None
    return (
        {
            (name, path)
            for name in written_by_people()
            for path in _paths(get_named_type(mutation.fields[name].args["input"].type))
        }
        - ISSUED
        - STAYS
    )


def _paths(input_type: object) -> Iterator[str]:
    assert isinstance(input_type, GraphQLInputObjectType)
    for name, field in input_type.fields.items():
        inner = get_named_type(field.type)
        if isinstance(inner, GraphQLInputObjectType):
            yield from (f"{name}.{path}" for path in _paths(inner))
        else:
            assert isinstance(inner, GraphQLScalarType | GraphQLEnumType)
            if inner.name not in _CHOICES:
                yield name
