"""The fields of the root: each is a query of its own."""

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
)

from app.protection.limits import over


def check_root_fields(document: DocumentNode, most: int) -> None:
    """Raises TooLargeError. Those of all its operations count, with those of fragments that they spread."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    found = sum(_count(operation, fragments) for operation in operations)
    if found > most:
        raise over(
            f"The document has {found:,} fields at its root",
            most,
            "MAX_ROOT_FIELDS",
            "Send several requests.",
        )


def _count(operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]) -> int:
    fields, seen, sets = 0, set(), [operation.selection_set]
    while sets:
        for node in sets.pop().selections:
            if isinstance(node, FieldNode):
                fields += 1
            elif not isinstance(node, FragmentSpreadNode):
                sets.append(node.selection_set)  # type: ignore[attr-defined]
            elif (name := node.name.value) not in seen and name in fragments:
                seen.add(name)
                sets.append(fragments[name].selection_set)
    return fields
