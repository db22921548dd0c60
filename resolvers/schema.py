"""The schema: the types put together."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers.fields import stored
from resolvers.mutations import Mutation
from resolvers.types import Query
from resolvers.values.literals import scalars
from resolvers.values.scalars import SCALARS

schema = strawberry.Schema(
    Query, Mutation, config=StrawberryConfig(default_resolver=stored, scalar_map=scalars(SCALARS))
)
