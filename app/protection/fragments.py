"""The limit on fragments, with which a short document can expand to a long one."""

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode

from app.protection.limits import over
from app.protection.selections import all_selections, below


def check_fragments(document: DocumentNode, limit: int) -> None:
    """Raises TooLargeError if a document has more fragments than the limit.

    Definitions, spreads and inline fragments count.
    """
    fragments = sum(isinstance(definition, FragmentDefinitionNode) for definition in document.definitions)
    fragments += sum(not isinstance(node, FieldNode) for node in all_selections(document))
    if fragments > limit:
        raise over(
            f"The document has {fragments:,} fragments and spreads",
            limit,
            "MAX_FRAGMENTS",
            "Inline the small ones.",
        )


def have_cycle(document: DocumentNode) -> bool:
    """Whether a fragment spreads itself, directly or through others.

    Checked first: graphql-core takes longer to find out, and the other checks would follow such fragments
    for ever.
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
