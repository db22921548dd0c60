"""The schema: the types put together."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers.fields import stored
from resolvers.literals import scalars
from resolvers.mutations import Mutation
from resolvers.scalars import SCALARS
from resolvers.types import Query

schema = strawberry.Schema(
    Query, Mutation, config=StrawberryConfig(default_resolver=stored, scalar_map=scalars(SCALARS))
)
