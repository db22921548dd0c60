"""Coerces an operation's variables from the JSON of a request to values of their GraphQL types."""

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
from app.execution.withheld import about_variable

#: For each scalar, a function that returns whether coercion would leave a value unchanged.
_PLAIN: Mapping[str, Callable[[object], bool]] = {
    "String": lambda value: type(value) is str,
    "ID": lambda value: type(value) is str,
    "Boolean": lambda value: type(value) is bool,
    "Int": lambda value: type(value) is int and -(2**31) <= value < 2**31,
}


_MOST_ERRORS = 10


class _Variable(NamedTuple):
    """A variable whose values can often be used without coercion.

    is_plain: returns whether a given value can be used without coercion. nullable: whether the variable can
    be null or absent.
    """

    name: str
    is_plain: Callable[[object], bool]
    nullable: bool


class Variables:
    """The variables that an operation defines.

    names_schema: if False, errors tell nothing about the schema (see app.execution.withheld).
    """

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, *, names_schema: bool = True
    ) -> None:
        self._schema, self._names_schema = schema, names_schema
        self._definitions = operation.variable_definitions or ()
        found = [_plain(schema, definition) for definition in self._definitions]
        self._plain = [variable for variable in found if variable]
        self._all_plain = len(self._plain) == len(self._definitions)

    def coerced(self, values: JsonObject | None) -> VariableValues:
        """Coerces the values in a request according to the GraphQL specification.

        Raises RefusedError, with the reasons, if a value doesn't have the type of its variable.
        """
        values = values or {}
        if self._all_plain and (plain := self._plain_values(values)) is not None:
            # The sources of the values are left out. graphql-core uses them only to replace variables in list
            # and object literals of custom scalars. No scalar in the schema accepts a list or object literal.
            return VariableValues({}, plain)
        coerced = get_variable_values(
            self._schema, self._definitions, dict(values), _MOST_ERRORS, not self._names_schema
        )
        if isinstance(coerced, list):
            shown = coerced if self._names_schema else [about_variable(coerced[0], self._schema)]
            raise RefusedError(shown, error_codes.BAD_USER_INPUT)
        return coerced

    def _plain_values(self, values: JsonObject) -> JsonObject | None:
        """Returns the values of the defined variables, or None if any value needs coercion."""
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
    """Returns the variable if it has a scalar type in _PLAIN and no default value, otherwise None."""
    type_: Any = type_from_ast(schema, definition.type)  # Any, so that mypy accepts the next line
    is_plain = _PLAIN.get(str(get_nullable_type(type_)))
    if is_plain is None or definition.default_value is not None:
        return None
    return _Variable(definition.variable.name.value, is_plain, not is_non_null_type(type_))
