"""The values of a field's arguments that affect the cost of an operation."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLField,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    get_nullable_type,
    is_list_type,
)

from app.execution.compiler import CoercedValues
from resolvers.relay import DEFAULT_SIZE

#: The names of the arguments whose values determine how many objects a field can return.
SIZES = frozenset({"first", "last", "ids", "name"})
#: The names of the arguments that can have a search.
FILTERS = frozenset({"filter"})

_LONGEST_INT = 11  # maximum length of an integer in the text of an operation, in characters

SizeArguments: TypeAlias = Mapping[str, Any]  # values, keyed by argument: integers, strings, lists or None


class ArgumentValues:
    """Reads arguments from the nodes of a document. variables: the coerced values of its variables."""

    def __init__(self, variables: CoercedValues) -> None:
        self._variables = variables

    def sizes(self, node: FieldNode) -> SizeArguments:
        """Returns the values of a field's arguments that are in SIZES. A single ID is a list of one."""
        sizes = {
            argument.name.value: self._value(argument.value)
            for argument in node.arguments or ()
            if argument.name.value in SIZES
        }
        if isinstance(ids := sizes.get("ids"), str):
            sizes["ids"] = [ids]
        return sizes

    def search(self, node: FieldNode) -> bool:
        """Returns whether a field's `filter` argument has a `search` that isn't null."""
        given = (argument.value for argument in node.arguments or () if argument.name.value in FILTERS)
        return any(map(self._has_search, given))

    def list_values(self, field: GraphQLField, node: FieldNode) -> int:
        """Returns the total length of all lists in a field's arguments. A single value is a list of one."""
        return sum(
            self._length_of(argument.value, field.args[argument.name.value].type)
            for argument in node.arguments or ()
        )

    def _has_search(self, node: ValueNode) -> bool:
        if isinstance(node, VariableNode):
            return searches(self._variables.get(node.name.value))
        members = node.fields if isinstance(node, ObjectValueNode) else ()
        given = (member.value for member in members if member.name.value == "search")
        return any(not isinstance(s, NullValueNode) and self._is_given(s) for s in given)

    def _is_given(self, node: ValueNode) -> bool:
        """Returns False if a value is a variable that is null or omitted; otherwise True."""
        return not isinstance(node, VariableNode) or self._variables.get(node.name.value) is not None

    def _length_of(self, node: ValueNode, type_: Any) -> int:  # Any: get_nullable_type is declared as wider
        if isinstance(node, VariableNode):
            return length(self._variables.get(node.name.value))
        if isinstance(node, NullValueNode):
            return 0
        type_ = get_nullable_type(type_)
        if is_list_type(type_):
            items = node.values if isinstance(node, ListValueNode) else [node]
            return len(items) + sum(self._length_of(item, type_.of_type) for item in items)
        if isinstance(node, ObjectValueNode):
            members = ((member.value, type_.fields[member.name.value].type) for member in node.fields)
            return sum(self._length_of(*member) for member in members)
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


def searches(value: object) -> bool:
    """Returns whether the value of a variable in a filter can be, or contain, a search that isn't null."""
    return value.get("search") is not None if isinstance(value, dict) else value is not None


def page_size(sizes: SizeArguments) -> int:
    """Returns the maximum number of elements on a page."""
    values = [size for name in ("first", "last") if isinstance(size := sizes.get(name), int)]
    return max(0, *values) if values else DEFAULT_SIZE
