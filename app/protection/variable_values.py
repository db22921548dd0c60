"""The sizes of values: of the variables, and of the literals in a text."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from graphql import DocumentNode, ListValueNode, ObjectValueNode, OperationDefinitionNode

from app.protection.limits import Limits, over
from app.protection.selections import all_selections


def check_variables(variables: Mapping[str, Any], limits: Limits) -> None:
    """Raises TooLargeError for too many values, a list or object with too many at any depth, or too deep a
    value.
    """
    most = min(limits.values, limits.list_values)
    if len(variables) <= most and _FLAT.issuperset(map(type, variables.values())):
        return  # nearly always
    found, below = 0, [(cast("Any", variables), 0)]
    while below:
        value, depth = below.pop()
        found += len(value)
        if found > limits.values:
            raise over(f"The variables have {found:,} values or more", limits.values, "MAX_VALUES", _LESS)
        _check(value, depth, limits)
        members = value if isinstance(value, list) else value.values()
        below += [(member, depth + 1) for member in members if isinstance(member, list | dict)]


def check_literals(document: DocumentNode, limits: Limits) -> None:
    """Raises TooLargeError for a list or object with too many values at any depth, or too deep a value. How
    many there are in all is bounded by the tokens of a text.
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


def _literals(document: DocumentNode) -> Iterator[Any]:
    """The arguments of fields and directives, and the defaults of variables."""
    for node in all_selections(document):
        for argument in getattr(node, "arguments", None) or ():
            yield argument.value
        for directive in node.directives or ():
            yield from (argument.value for argument in directive.arguments or ())
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            yield from (variable.default_value for variable in definition.variable_definitions or ())


def _check(value: Any, depth: int, limits: Limits) -> None:
    """A list or an object; the variables together have depth 0."""
    if depth > limits.value_depth:
        raise over(f"A value is nested {depth:,} deep", limits.value_depth, "MAX_VALUE_DEPTH", _LESS)
    if len(value) > limits.list_values:
        raise over(
            f"A list or object has {len(value):,} values", limits.list_values, "MAX_LIST_VALUES", _SEVERAL
        )


_FLAT = frozenset((str, int, float, bool, type(None)))

_LESS = "Send less at once."
_SEVERAL = "Send it in several requests."
