"""An operation's variables: from a request's JSON to values of their GraphQL types."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
    get_nullable_type,
    is_non_null_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues, get_variable_values

from app import error_codes
from app.execution.operation import JsonObject
from app.execution.refusals import RefusedError

#: For each scalar, whether coercion would leave a value unchanged.
_PLAIN: Mapping[str, Callable[[object], bool]] = {
    "String": lambda value: type(value) is str,
    "ID": lambda value: type(value) is str,
    "Boolean": lambda value: type(value) is bool,
    "Int": lambda value: type(value) is int and -(2**31) <= value < 2**31,
}


_MOST_ERRORS = 10


class _Variable(NamedTuple):
    """A variable whose values may need no coercion.

    is_plain: whether a value needs none. nullable: whether the variable may be null or absent.
    """

    name: str
    is_plain: Callable[[object], bool]
    nullable: bool


class Variables:
    """The variables that an operation defines."""

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, *, hide_suggestions: bool = False
    ) -> None:
        self._schema, self._hide_suggestions = schema, hide_suggestions
        self._definitions = operation.variable_definitions or ()
        found = [_plain(schema, definition) for definition in self._definitions]
        self._plain = [variable for variable in found if variable]
        self._all_plain = len(self._plain) == len(self._definitions)

    def coerced(self, values: JsonObject | None) -> VariableValues:
        """Coerces a request's values, by the rules of the specification.

        Raises RefusedError if they don't fit, with the reasons.
        """
        values = values or {}
        if self._all_plain and (plain := self._plain_values(values)) is not None:
            # Without sources: graphql-core needs them only to fill variables into a list or object that is
            # a custom scalar's literal, and no scalar of the schema takes one.
            return VariableValues({}, plain)
        coerced = get_variable_values(
            self._schema, self._definitions, dict(values), _MOST_ERRORS, self._hide_suggestions
        )
        if isinstance(coerced, list):
            raise RefusedError(coerced, error_codes.BAD_USER_INPUT)
        return coerced

    def _plain_values(self, values: JsonObject) -> JsonObject | None:
        """The values of the defined variables, if none of them needs coercion; otherwise None."""
        plain: JsonObject = {}
        for name, is_plain, nullable in self._plain:
            value = values.get(name)
            if value is None:
                if not nullable:
                    return None
                if name in values:
                    plain[name] = None
            elif is_plain(value):
                plain[name] = value
            else:
                return None
        return plain


def _plain(schema: GraphQLSchema, definition: VariableDefinitionNode) -> _Variable | None:
    """A variable of a scalar in _PLAIN, without a default; None for any other."""
    type_: Any = type_from_ast(schema, definition.type)  # Any: no overload returns any input type
    is_plain = _PLAIN.get(str(get_nullable_type(type_)))
    if is_plain is None or definition.default_value is not None:
        return None
    return _Variable(definition.variable.name.value, is_plain, not is_non_null_type(type_))
