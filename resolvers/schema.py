"""The schema, put together, and what others need of it.

Strawberry keeps its graphql-core schema, and graphql-core's schema its Strawberry one, in private attributes:
this module alone looks at them.
"""

from collections.abc import Mapping
from typing import Any

import strawberry
from graphql import GraphQLField, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from resolvers.fields import stored
from resolvers.mutations import Mutation
from resolvers.types import Query
from resolvers.values import SCALARS, scalar_map

_schema = strawberry.Schema(
    Query, Mutation, config=StrawberryConfig(default_resolver=stored, scalar_map=scalar_map(SCALARS))
)

#: The schema, as graphql-core executes it.
schema: GraphQLSchema = _schema._schema  # noqa: SLF001


def sdl() -> str:
    """The schema in its definition language."""
    return f"{_schema.as_str()}\n"


def declaration(field: GraphQLField) -> StrawberryField:
    """The declaration that a field of a schema was made from."""
    declared: StrawberryField = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    return declared


def converted(schema: GraphQLSchema, field: GraphQLField, values: Mapping[str, Any]) -> dict[str, Any]:
    """A field's coerced arguments as its function takes them: by Python names, inputs as their classes."""
    own: strawberry.Schema = schema._strawberry_schema  # type: ignore[attr-defined]  # noqa: SLF001
    registry = own.schema_converter.scalar_registry
    return convert_arguments(dict(values), declaration(field).arguments, registry, own.config)
