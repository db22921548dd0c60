"""Limits the size and depth of variables, and of literals in the document."""

from collections.abc import Iterator, Mapping, Sized
from typing import Any, TypeAlias, cast

from graphql import DocumentNode, ListValueNode, ObjectValueNode, OperationDefinitionNode, ValueNode

from app.operation_limits import Limits
from app.protection.selections import all_selections
from app.protection.too_large import over

_Json: TypeAlias = Any  # any JSON that a client sends
_Container: TypeAlias = list[_Json] | dict[str, _Json]


def check_variables(variables: Mapping[str, _Json], limits: Limits) -> None:
    """Raises TooLargeError if the variables exceed `values`, `list_values` or `value_depth`.

    Nested values are included.
    """
    limit = min(limits.values, limits.list_values)
    if len(variables) <= limit and _FLAT.issuperset(map(type, variables.values())):
        return  # the usual case: a few flat values
    count, below = 0, [(cast("_Container", variables), 0)]
    while below:
        value, depth = below.pop()
        count += len(value)
        if count > limits.values:
            raise over(
                f"The variables have at least {count:,} values", limits.values, "LECTERN_MAX_VALUES", _LESS
            )
        _check(value, depth, limits)
        members = value if isinstance(value, list) else value.values()
        below += [(member, depth + 1) for member in members if isinstance(member, list | dict)]


def check_literals(document: DocumentNode, limits: Limits) -> None:
    """Raises TooLargeError if a literal exceeds `list_values` or `value_depth`. Nested values are included.

    The total number of literals is already bounded by the limit on tokens.
    """
    below = [(value, 1) for value in _literals(document)]
    while below:
        value, depth = below.pop()
        if isinstance(value, ListValueNode):
            _check(value.values, depth, limits)
            below += [(member, depth + 1) for member in value.values]
        elif isinstance(value, ObjectValueNode):
            _check(value.fields, depth, limits)
            below += [(member.value, depth + 1) for member in value.fields]


def _literals(document: DocumentNode) -> Iterator[ValueNode | None]:
    """Yields the argument values of all selections and their directives, and the defaults of variables."""
    for node in all_selections(document):
        for argument in getattr(node, "arguments", None) or ():
            yield argument.value
        for directive in node.directives or ():
            yield from (argument.value for argument in directive.arguments or ())
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            yield from (variable.default_value for variable in definition.variable_definitions or ())


def _check(value: Sized, depth: int, limits: Limits) -> None:
    """Checks one list or object. depth: how deeply it is nested; the `variables` object has depth 0."""
    if depth > limits.value_depth:
        raise over(
            f"A value is nested {depth:,} levels deep", limits.value_depth, "LECTERN_MAX_VALUE_DEPTH", _LESS
        )
    if len(value) > limits.list_values:
        raise over(
            f"A list or object has {len(value):,} values",
            limits.list_values,
            "LECTERN_MAX_LIST_VALUES",
            _SEVERAL,
        )


_FLAT = frozenset((str, int, float, bool, type(None)))

_LESS = "Send less in one request."
_SEVERAL = "Split it over several requests."
