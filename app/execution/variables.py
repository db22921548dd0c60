"""The variables of an operation: from what came with a request to values of their types."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from graphql import (
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_nullable_type,
    is_non_null_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues, get_variable_values

from app import errors
from app.execution.refusals import RefusedError

#: What a scalar's value is when coercion would leave it as it is.
_PLAIN: Mapping[str, Callable[[Any], bool]] = {
    "String": lambda value: type(value) is str,
    "ID": lambda value: type(value) is str,
    "Boolean": lambda value: type(value) is bool,
    "Int": lambda value: type(value) is int and -(2**31) <= value < 2**31,
}


_MOST_ERRORS = 10


class _Variable(NamedTuple):
    """A variable that may need no coercion: is_plain tells; null and nothing are values of a nullable one."""

    name: str
    is_plain: Callable[[Any], bool]
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

    def coerced(self, given: Mapping[str, Any] | None) -> VariableValues:
        """The values, by the rules of the specification.

        Raises RefusedError with what is wrong with them.
        """
        given = given or {}
        if self._all_plain and (values := self._as_they_are(given)) is not None:
            # Sources fill variables into a custom scalar's list or object: no scalar of the schema takes one.
            return VariableValues({}, values)
        coerced = get_variable_values(
            self._schema, self._definitions, dict(given), _MOST_ERRORS, self._hide_suggestions
        )
        if isinstance(coerced, list):
            raise RefusedError(coerced, errors.BAD_USER_INPUT)
        return coerced

    def _as_they_are(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        values: dict[str, Any] = {}
        for name, is_plain, nullable in self._plain:
            value = given.get(name)
            if value is None:
                if not nullable:
                    return None
                if name in given:
                    values[name] = None
            elif is_plain(value):
                values[name] = value
            else:
                return None
        return values


def _plain(schema: GraphQLSchema, definition: Any) -> _Variable | None:
    type_: GraphQLInputType = type_from_ast(schema, definition.type)
    is_plain = _PLAIN.get(str(get_nullable_type(type_)))
    if is_plain is None or definition.default_value is not None:
        return None
    return _Variable(definition.variable.name.value, is_plain, not is_non_null_type(type_))
