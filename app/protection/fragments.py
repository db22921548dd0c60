"""The fragments of a document: a short text with them expands to a long one."""

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode

from app.protection.limits import over
from app.protection.selections import all_selections, below


def check_fragments(document: DocumentNode, most: int) -> None:
    """Raises TooLargeError. Definitions, spreads and inline fragments count."""
    fragments = sum(isinstance(definition, FragmentDefinitionNode) for definition in document.definitions)
    fragments += sum(not isinstance(node, FieldNode) for node in all_selections(document))
    if fragments > most:
        raise over(
            f"The document has {fragments:,} fragments and spreads",
            most,
            "MAX_FRAGMENTS",
            "Write out the small ones.",
        )


def have_cycle(document: DocumentNode) -> bool:
    """Whether a fragment spreads itself, directly or through others. Checked first: graphql-core takes longer
    to find out, and what follows fragments here would never end.
    """
    left = {
        definition.name.value: {
            node.name.value
            for node in below([definition.selection_set])
            if isinstance(node, FragmentSpreadNode)
        }
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    while ended := [name for name, spread in left.items() if not spread & left.keys()]:
        for name in ended:
            del left[name]
    return bool(left)
