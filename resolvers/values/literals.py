"""Parses scalars that are written as literals in the text of an operation.

An invalid literal is reported as a request error with its location. Literals are checked before Python
converts them, so that they never exceed Python's own limits, such as the maximum number of digits of an
integer.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isfinite
from typing import Any, Self, TypeAlias

from graphql import (
    GraphQLError,
    GraphQLFloat,
    GraphQLInt,
    GraphQLScalarType,
    IntValueNode,
    StringValueNode,
    ValueNode,
    print_ast,
)
from strawberry.types.scalar import ScalarDefinition

#: The Python value to which a literal is parsed. Any, because its type depends on the scalar.
ScalarValue: TypeAlias = Any

_LONGEST_INT = len(str(-(2**31)))
_MAX_SHOWN = 40  # maximum number of characters of a literal that an error message quotes


def scalar_map(custom: Mapping[object, ScalarDefinition]) -> dict[object, ScalarDefinition]:
    """Returns the scalars whose literals this module parses: Int, Float and the custom scalars.

    The literals of custom scalars are strings.
    """
    strings = {kind: replace(scalar, parse_literal=_string_parser(scalar)) for kind, scalar in custom.items()}
    return {**strings, int: _built_in(GraphQLInt, _int), float: _built_in(GraphQLFloat, _float)}


class _BuiltIn(GraphQLScalarType):
    """A scalar that can be named Int or Float. GraphQLScalarType rejects the names of built-in scalars."""

    def __new__(cls, *_: object, **__: object) -> Self:
        return object.__new__(cls)


def _built_in(scalar: GraphQLScalarType, coerce: Callable[[ValueNode], ScalarValue]) -> ScalarDefinition:
    replacement = _BuiltIn(**{**scalar.to_kwargs(), "coerce_input_literal": coerce})
    return ScalarDefinition(
        replacement.name,
        replacement.name,
        None,
        replacement.serialize,
        replacement.parse_value,
        None,
        origin=replacement,
        implementation=replacement,
    )


def _int(node: ValueNode) -> ScalarValue:
    if isinstance(node, IntValueNode) and len(node.value) > _LONGEST_INT:
        raise _error("Int cannot represent non 32-bit signed integer value", node)
    return _coerced(GraphQLInt, node)


def _float(node: ValueNode) -> ScalarValue:
    value = _coerced(GraphQLFloat, node)
    if not isfinite(value):
        raise _error("Float cannot represent non-finite value", node)
    return value


def _coerced(
    scalar: GraphQLScalarType, node: Any
) -> ScalarValue:  # Any, because graphql-core requires a ConstValueNode
    assert scalar.coerce_input_literal is not None  # noqa: S101  # for the type checker
    return scalar.coerce_input_literal(node)


def _string_parser(scalar: ScalarDefinition) -> Callable[[ValueNode, object], ScalarValue]:
    """Returns a parser for string literals that accepts the same strings as the scalar does in variables."""

    def parse(node: ValueNode, _variables: object = None) -> ScalarValue:
        if not isinstance(node, StringValueNode):
            raise _error(f"{scalar.name} cannot represent a non string value", node)
        assert scalar.parse_value is not None  # noqa: S101  # for the type checker
        try:
            return scalar.parse_value(node.value)
        except GraphQLError as error:
            raise GraphQLError(error.message, node) from None

    return parse


def _error(message: str, node: ValueNode) -> GraphQLError:
    written = print_ast(node)
    shown = written if len(written) <= _MAX_SHOWN else f"{written[:_MAX_SHOWN]}…"
    return GraphQLError(f"{message}: {shown}", node)
