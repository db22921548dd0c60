"""Limits the number of root fields, because each of them is a separate query or write."""

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
)

from app.protection.too_large import over


def check_root_fields(document: DocumentNode, limit: int) -> None:
    """Raises TooLargeError if a document has more root fields than the limit.

    The root fields of all operations are counted. A root field in a fragment counts once for each operation
    that spreads the fragment.
    """
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    root_fields = sum(_count(operation, fragments) for operation in operations)
    if root_fields > limit:
        raise over(
            f"The document has {root_fields:,} root fields",
            limit,
            "LECTERN_MAX_ROOT_FIELDS",
            "Send several requests.",
        )


def _count(operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]) -> int:
    """Counts the root fields of an operation. A fragment that is spread several times is counted once."""
    fields, expanded, sets = 0, set(), [operation.selection_set]
    while sets:
        for node in sets.pop().selections:
            if isinstance(node, FieldNode):
                fields += 1
            elif not isinstance(node, FragmentSpreadNode):
                sets.append(node.selection_set)  # type: ignore[attr-defined] # inline fragment
            elif (name := node.name.value) not in expanded and name in fragments:
                expanded.add(name)
                sets.append(fragments[name].selection_set)
    return fields
