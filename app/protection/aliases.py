"""The limit on aliases, each of which can request the same field again."""

from graphql import DocumentNode, FieldNode

from app.protection.limits import over
from app.protection.selections import all_selections


def check_aliases(document: DocumentNode, limit: int) -> None:
    """Raises TooLargeError if a document has more aliases than the limit.

    Aliases in all operations and fragments count, each once as it is written.
    """
    aliases = sum(isinstance(node, FieldNode) and node.alias is not None for node in all_selections(document))
    if aliases > limit:
        raise over(f"The document has {aliases:,} aliases", limit, "MAX_ALIASES", "Ask for fewer at once.")
