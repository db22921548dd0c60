"""Scalars as literals in the text of an operation.

An invalid literal is a request error with its location. Literals are checked before Python converts them, so
that they never reach Python's own limits, such as the one on digits of an integer.
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

#: What a scalar parses to; it depends on the scalar.
ScalarValue: TypeAlias = Any

_LONGEST_INT = len(str(-(2**31)))
_MAX_SHOWN = 40  # characters of a literal in an error message


def scalar_map(custom: Mapping[object, ScalarDefinition]) -> dict[object, ScalarDefinition]:
    """Returns the scalars whose literals are parsed here: custom ones (as strings), Int and Float."""
    strings = {kind: replace(scalar, parse_literal=_string_parser(scalar)) for kind, scalar in custom.items()}
    return {**strings, int: _built_in(GraphQLInt, _int), float: _built_in(GraphQLFloat, _float)}


class _BuiltIn(GraphQLScalarType):
    """A scalar under the name of a built-in one, which graphql-core's own constructor refuses."""

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
        raise _error("Not a finite Float", node)
    return value


def _coerced(scalar: GraphQLScalarType, node: Any) -> ScalarValue:  # graphql-core wants a constant node
    assert scalar.coerce_input_literal is not None  # noqa: S101  # for the type checker
    return scalar.coerce_input_literal(node)


def _string_parser(scalar: ScalarDefinition) -> Callable[[ValueNode, object], ScalarValue]:
    """Returns a parser of string literals that accepts what the scalar accepts as a variable's value."""

    def parse(node: ValueNode, _variables: object = None) -> ScalarValue:
        if not isinstance(node, StringValueNode):
            raise _error(f"{scalar.name} is written as a string, not as", node)
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
