"""Limits the number of aliases, because each of them can request the same field again."""

from graphql import DocumentNode, FieldNode

from app.protection.selections import all_selections
from app.protection.too_large import over


def check_aliases(document: DocumentNode, limit: int) -> None:
    """Raises TooLargeError if a document has more aliases than the limit.

    Aliases in all operations and fragments count. An alias in a fragment counts once, however often the
    fragment is used.
    """
    aliases = sum(isinstance(node, FieldNode) and node.alias is not None for node in all_selections(document))
    if aliases > limit:
        raise over(
            f"The document has {aliases:,} aliases", limit, "LECTERN_MAX_ALIASES", "Use fewer aliases."
        )
