"""Builds the schema, and gives access to its field declarations.

Strawberry's schema and graphql-core's schema refer to each other through private attributes. This is the only
module that reads those attributes.
"""

from collections.abc import Iterator

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    is_introspection_type,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import StrawberryArgument, convert_arguments
from strawberry.types.field import StrawberryField

from resolvers.fields import Arguments, Value, stored
from resolvers.schema import constraint_directives, cost_directives
from resolvers.schema.mutations import Mutation
from resolvers.schema.query_types import Query
from resolvers.values import SCALARS, scalar_map

_schema = strawberry.Schema(
    Query, Mutation, config=StrawberryConfig(default_resolver=stored, scalar_map=scalar_map(SCALARS))
)

#: Strawberry prints this definition without a description.
_ONE_OF = "directive @oneOf on INPUT_OBJECT"
_ABOUT_ONE_OF = "Exactly one field of the input must be given, and its value must not be null."

#: The schema in the form that graphql-core executes.
schema: GraphQLSchema = _schema._schema  # noqa: SLF001

for _kind in schema.type_map.values():
    # Strawberry checks a @oneOf input only when it is coerced; graphql-core also when it validates a text.
    if isinstance(_kind, GraphQLInputObjectType):
        _kind.is_one_of = _kind.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].is_one_of


def sdl() -> str:
    """Returns the schema in GraphQL's schema definition language, with directives about costs and bounds."""
    cost_directives.publish((field, declaration(field)) for field in _fields())
    constraint_directives.publish((value, _declared(value)) for value in _inputs())
    text = _schema.as_str().replace(_ONE_OF, f'"""{_ABOUT_ONE_OF}"""\n{_ONE_OF}')
    return f"{text}\n"


def _fields() -> Iterator[GraphQLField]:
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not is_introspection_type(kind):
            yield from kind.fields.values()


def _inputs() -> Iterator[GraphQLInputField | GraphQLArgument]:
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            yield from kind.fields.values()
    for field in _fields():
        yield from field.args.values()


def _declared(value: GraphQLInputField | GraphQLArgument) -> StrawberryField | StrawberryArgument:
    declared: StrawberryField | StrawberryArgument = value.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    return declared


def declaration(field: GraphQLField) -> StrawberryField:
    """Returns the Strawberry declaration from which a schema field was built."""
    declared: StrawberryField = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    return declared


def converted(schema: GraphQLSchema, field: GraphQLField, values: Arguments) -> dict[str, Value]:
    """Converts coerced argument values to the keyword arguments of a field's function.

    Names become Python names, and input objects become instances of Python classes.
    """
    strawberry_schema: strawberry.Schema = schema._strawberry_schema  # type: ignore[attr-defined]  # noqa: SLF001
    registry = strawberry_schema.schema_converter.scalar_registry
    return convert_arguments(dict(values), declaration(field).arguments, registry, strawberry_schema.config)
