"""Scalars as they are written in the text of an operation: what can't be a value is a request error, with its
place. Python's own limits are never met.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isfinite
from typing import Any, Self

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

_LONGEST_INT = len(str(-(2**31)))
_LONGEST_SHOWN = 40  # characters of a value, in an error


def scalar_map(custom: Mapping[object, ScalarDefinition]) -> dict[object, ScalarDefinition]:
    """The scalars of the schema whose literals are read here: custom ones, which are written as strings, Int
    and Float.
    """
    located = {kind: replace(own, parse_literal=_in_string(own)) for kind, own in custom.items()}
    return {**located, int: _built_in(GraphQLInt, _int), float: _built_in(GraphQLFloat, _float)}


class _BuiltIn(GraphQLScalarType):
    """A scalar with the name of a built-in one, which graphql-core reserves."""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        return object.__new__(cls)


def _built_in(scalar: GraphQLScalarType, coerce: Callable[[ValueNode], Any]) -> ScalarDefinition:
    own = _BuiltIn(**{**scalar.to_kwargs(), "coerce_input_literal": coerce})
    return ScalarDefinition(
        own.name, own.name, None, own.serialize, own.parse_value, None, origin=own, implementation=own
    )


def _int(node: ValueNode) -> Any:
    if isinstance(node, IntValueNode) and len(node.value) > _LONGEST_INT:
        raise _error("Int cannot represent non 32-bit signed integer value", node)
    return _coerced(GraphQLInt, node)


def _float(node: ValueNode) -> Any:
    value = _coerced(GraphQLFloat, node)
    if not isfinite(value):
        raise _error("Not a finite Float", node)
    return value


def _coerced(scalar: GraphQLScalarType, node: Any) -> Any:
    assert scalar.coerce_input_literal is not None  # noqa: S101  # for the type checker
    return scalar.coerce_input_literal(node)


def _in_string(scalar: ScalarDefinition) -> Callable[[ValueNode, Any], Any]:
    """Reads a string of the text as a variable's value is read."""

    def parse(node: ValueNode, _variables: Any = None) -> Any:
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
    shown = written if len(written) <= _LONGEST_SHOWN else f"{written[:_LONGEST_SHOWN]}…"
    return GraphQLError(f"{message}: {shown}", node)
