"""Errors that tell nothing about the schema, for a gateway without introspection.

graphql-core's errors name types, fields and arguments that the client didn't know, and they say which of many
names in a document are wrong. Tools such as clairvoyance reconstruct a schema from them. Here all invalid
documents get the same error, so a request tells only whether its document is valid as a whole: whoever
guesses names has to send a request for each guess.
"""

from graphql import (
    GraphQLError,
    GraphQLSchema,
    VariableDefinitionNode,
    get_named_type,
    is_leaf_type,
    type_from_ast,
)

_WHY = "Introspection is off here (LECTERN_INTROSPECTION), so the reason is not given."


def about_document() -> GraphQLError:
    """Returns the error for an invalid document.

    It has no location, which would tell that everything before it is valid.
    """
    return GraphQLError(f"The operation is not valid for this schema. {_WHY}")


def about_variable(error: GraphQLError, schema: GraphQLSchema) -> GraphQLError:
    """Returns the error for an invalid variable, given graphql-core's error.

    The reason is given if the variable is a scalar or an enum, or a list of these, because then it is only
    about the type that the client has named.
    """
    definition = next((node for node in error.nodes or () if isinstance(node, VariableDefinitionNode)), None)
    if definition is None:
        return GraphQLError(f"The variables are invalid. {_WHY}")
    type_ = get_named_type(type_from_ast(schema, definition.type))
    if is_leaf_type(type_):
        return GraphQLError(error.message, error.nodes)
    return GraphQLError(
        f"Variable '${definition.variable.name.value}' has an invalid value. {_WHY}", definition
    )
