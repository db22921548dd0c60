"""The GraphQL schema: types, queries, mutations and their inputs."""

from resolvers.schema.build import converted, declaration, schema, sdl

__all__ = ["converted", "declaration", "schema", "sdl"]
