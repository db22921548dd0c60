"""Limits the number of fragments, because they can expand a short document to a long one."""

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode

from app.protection.selections import all_selections, below
from app.protection.too_large import over


def check_fragments(document: DocumentNode, limit: int) -> None:
    """Raises TooLargeError if a document has more fragments than the limit.

    Fragment definitions, spreads and inline fragments are all counted.
    """
    fragments = sum(isinstance(definition, FragmentDefinitionNode) for definition in document.definitions)
    fragments += sum(not isinstance(node, FieldNode) for node in all_selections(document))
    if fragments > limit:
        raise over(
            f"The document has {fragments:,} fragments and spreads",
            limit,
            "LECTERN_MAX_FRAGMENTS",
            "Replace small fragments with the fields that they contain.",
        )


def have_cycle(document: DocumentNode) -> bool:
    """Returns whether a fragment spreads itself, directly or through others.

    This is checked before check_overlap, which would follow such fragments forever, and before validation,
    because graphql-core takes longer to find cycles.
    """
    unresolved = {
        definition.name.value: {
            node.name.value
            for node in below([definition.selection_set])
            if isinstance(node, FragmentSpreadNode)
        }
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    while acyclic := [name for name, spread in unresolved.items() if not spread & unresolved.keys()]:
        for name in acyclic:
            del unresolved[name]
    return bool(unresolved)
