"""What an operation may ask for, found out before it is run."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from resolvers.pagination import DEFAULT_SIZE

#: Assumed of a list that is not a page, such as a course's instructors.
PLAIN_LIST_SIZE = 5

#: The arguments that say how many objects a field can return.
SIZES = frozenset({"first", "last", "ids"})


def count_nodes(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> int:
    """The most objects that a valid operation can return, by the sizes of the pages it asks for.

    A page has as many elements as `first` or `last` says, or the default; `nodes(ids:)` as many as it has
    IDs. What is selected on an object counts once for each.

    variables: coerced, with their defaults.
    """
    return _Counter(schema, document, variables).of(operation)


class _Counter:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema, self._variables = schema, variables
        fragments = (d for d in document.definitions if isinstance(d, FragmentDefinitionNode))
        self._fragments = {fragment.name.value: fragment for fragment in fragments}
        self._counted: dict[
            tuple[str, int], int
        ] = {}  # a fragment is counted once, however often it is spread

    def of(self, operation: OperationDefinitionNode) -> int:
        return self._selections(
            operation.selection_set, self._schema.get_root_type(operation.operation), page=1
        )

    def _selections(self, selections: SelectionSetNode, parent: GraphQLNamedType | None, page: int) -> int:
        """page: how many elements the parent has, if it is a connection."""
        total = 0
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                total += self._field(selection, parent, page)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                kind = self._schema.get_type(condition.name.value) if condition else parent
                total += self._selections(selection.selection_set, kind, page)
            elif isinstance(selection, FragmentSpreadNode):
                total += self._fragment(selection.name.value, page)
        return total

    def _fragment(self, name: str, page: int) -> int:
        if (name, page) not in self._counted:
            fragment = self._fragments[name]
            kind = self._schema.get_type(fragment.type_condition.name.value)
            self._counted[name, page] = self._selections(fragment.selection_set, kind, page)
        return self._counted[name, page]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, page: int) -> int:
        field = getattr(parent, "fields", {}).get(node.name.value)
        if field is None or node.selection_set is None:  # introspection, or a leaf
            return 0
        kind = get_named_type(field.type)
        arguments = {argument.name.value: self._value(argument.value) for argument in node.arguments or ()}
        size = 1
        if is_list_type(get_nullable_type(field.type)):
            ids = arguments.get("ids")
            size = page if _is_connection(parent) else len(ids) if isinstance(ids, list) else PLAIN_LIST_SIZE
        inner = _page_size(arguments) if _is_connection(kind) else 1
        return size * (1 + self._selections(node.selection_set, kind, inner))

    def _value(self, node: ValueNode) -> Any:
        if isinstance(node, VariableNode):
            return self._variables.get(node.name.value)
        if isinstance(node, IntValueNode) and len(node.value) <= len(str(2**31)):
            return int(node.value)
        return list(node.values) if isinstance(node, ListValueNode) else None


def _is_connection(kind: GraphQLNamedType | None) -> bool:
    return kind is not None and kind.name.endswith("Connection")


def _page_size(arguments: Mapping[str, Any]) -> int:
    sizes = [size for name in ("first", "last") if isinstance(size := arguments.get(name), int)]
    return max(0, *sizes) if sizes else DEFAULT_SIZE
