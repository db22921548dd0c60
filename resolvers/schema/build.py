"""Builds the schema, and gives access to its field declarations.

Strawberry's schema and graphql-core's schema refer to each other through private attributes. This is the only
module that reads those attributes.
"""

from collections.abc import Iterator

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, is_introspection_type
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from resolvers.fields import Arguments, Value, stored
from resolvers.schema import cost_directives
from resolvers.schema.mutations import Mutation
from resolvers.schema.query_types import Query
from resolvers.values import SCALARS, scalar_map

_schema = strawberry.Schema(
    Query, Mutation, config=StrawberryConfig(default_resolver=stored, scalar_map=scalar_map(SCALARS))
)

#: The schema in the form that graphql-core executes.
schema: GraphQLSchema = _schema._schema  # noqa: SLF001


def sdl() -> str:
    """Returns the schema as GraphQL SDL (schema definition language), with the directives about costs."""
    cost_directives.publish((field, declaration(field)) for field in _fields())
    return f"{_schema.as_str()}\n"


def _fields() -> Iterator[GraphQLField]:
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not is_introspection_type(kind):
            yield from kind.fields.values()


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
