"""The assembled schema, and access to its field declarations.

Strawberry's schema and graphql-core's refer to each other by private attributes. Only this module reads them.
"""

import strawberry
from graphql import GraphQLField, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from resolvers.fields import Arguments, Value, stored
from resolvers.schema.mutations import Mutation
from resolvers.schema.query_types import Query
from resolvers.values import SCALARS, scalar_map

_schema = strawberry.Schema(
    Query, Mutation, config=StrawberryConfig(default_resolver=stored, scalar_map=scalar_map(SCALARS))
)

#: The schema as graphql-core executes it.
schema: GraphQLSchema = _schema._schema  # noqa: SLF001


def sdl() -> str:
    """Returns the schema in SDL."""
    return f"{_schema.as_str()}\n"


def declaration(field: GraphQLField) -> StrawberryField:
    """Returns the Strawberry declaration from which a schema field was built."""
    declared: StrawberryField = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    return declared


def converted(schema: GraphQLSchema, field: GraphQLField, values: Arguments) -> dict[str, Value]:
    """Converts coerced arguments for a field's function: Python names, and inputs as their classes."""
    strawberry_schema: strawberry.Schema = schema._strawberry_schema  # type: ignore[attr-defined]  # noqa: SLF001
    registry = strawberry_schema.schema_converter.scalar_registry
    return convert_arguments(dict(values), declaration(field).arguments, registry, strawberry_schema.config)
