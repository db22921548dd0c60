"""The names of the schema, which an attacker would like to know."""

from collections.abc import Iterator

from graphql import GraphQLNamedType, GraphQLSchema, is_specified_directive, is_specified_scalar_type


def names(schema: GraphQLSchema) -> Iterator[str]:
    """The names of types, fields, arguments, values and directives, without those of GraphQL itself."""
    for name, type_ in schema.type_map.items():
        if not name.startswith("__") and not is_specified_scalar_type(type_):
            yield name
            yield from _members(type_)
    for directive in schema.directives:
        if not is_specified_directive(directive):
            yield from (directive.name, *directive.args)


def _members(type_: GraphQLNamedType) -> Iterator[str]:
    for name, field in getattr(type_, "fields", {}).items():
        yield from (name, *getattr(field, "args", ()))
    yield from getattr(type_, "values", ())
