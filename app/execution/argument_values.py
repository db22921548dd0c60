"""The values of a field's arguments that affect the cost of an operation."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from app.execution.compiler import CoercedValues
from resolvers.relay import DEFAULT_SIZE

#: The names of the arguments whose values determine how many objects a field can return.
SIZES = frozenset({"first", "last", "ids", "name"})

_LONGEST_INT = 11  # maximum length of an integer in the text of an operation, in characters

SizeArguments: TypeAlias = Mapping[str, Any]  # values, keyed by argument: integers, strings, lists or None


class ArgumentValues:
    """Reads arguments from the nodes of a document. variables: the coerced values of its variables."""

    def __init__(self, variables: CoercedValues) -> None:
        self._variables = variables

    def sizes(self, node: FieldNode) -> SizeArguments:
        """Returns the values of the arguments in SIZES that a field is given."""
        return {
            argument.name.value: self._value(argument.value)
            for argument in node.arguments or ()
            if argument.name.value in SIZES
        }

    def search(self, node: FieldNode) -> bool:
        """Returns whether a field's `filter` argument has a `search` that isn't null."""
        values = (argument.value for argument in node.arguments or () if argument.name.value == "filter")
        return any(map(self._has_search, values))

    def list_values(self, node: FieldNode) -> int:
        """Returns the total length of all lists in a field's arguments."""
        return sum(self._length_of(argument.value) for argument in node.arguments or ())

    def _has_search(self, node: ValueNode) -> bool:
        if isinstance(node, VariableNode):
            value = self._variables.get(node.name.value)
            return isinstance(value, dict) and value.get("search") is not None
        members = node.fields if isinstance(node, ObjectValueNode) else ()
        searches = (member.value for member in members if member.name.value == "search")
        return any(not isinstance(s, NullValueNode) and self._is_given(s) for s in searches)

    def _is_given(self, node: ValueNode) -> bool:
        """Returns False if a value is a variable that is null or omitted; otherwise True."""
        return not isinstance(node, VariableNode) or self._variables.get(node.name.value) is not None

    def _length_of(self, node: ValueNode) -> int:
        if isinstance(node, VariableNode):
            return length(self._variables.get(node.name.value))
        if isinstance(node, ObjectValueNode):
            return sum(self._length_of(member.value) for member in node.fields)
        if isinstance(node, ListValueNode):
            return len(node.values) + sum(map(self._length_of, node.values))
        return 0

    def _value(self, node: ValueNode) -> object:
        if isinstance(node, VariableNode):
            return self._variables.get(node.name.value)
        if isinstance(node, IntValueNode):  # an integer given as an ID can have any number of digits
            return int(node.value) if len(node.value) <= _LONGEST_INT else None
        if isinstance(node, StringValueNode):
            return node.value
        return list(node.values) if isinstance(node, ListValueNode) else None


def length(value: object) -> int:
    """Returns the total length of all lists in a value, including nested ones."""
    if isinstance(value, dict):
        return sum(map(length, value.values()))
    return len(value) + sum(map(length, value)) if isinstance(value, list) else 0


def page_size(sizes: SizeArguments) -> int:
    """Returns the maximum number of elements on a page."""
    values = [size for name in ("first", "last") if isinstance(size := sizes.get(name), int)]
    return max(0, *values) if values else DEFAULT_SIZE
