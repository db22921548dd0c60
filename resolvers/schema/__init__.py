"""The schema: types, mutations and their inputs, put together."""

from resolvers.schema.build import converted, declaration, schema, sdl

__all__ = ["converted", "declaration", "schema", "sdl"]
