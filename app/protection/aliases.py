"""The aliases of a document: each asks for a field once more."""

from graphql import DocumentNode, FieldNode

from app.protection.limits import over
from app.protection.selections import all_selections


def check_aliases(document: DocumentNode, most: int) -> None:
    """Raises TooLargeError. Aliases of all its operations and fragments count, each as it is written."""
    aliases = sum(isinstance(node, FieldNode) and node.alias is not None for node in all_selections(document))
    if aliases > most:
        raise over(f"The document has {aliases:,} aliases", most, "MAX_ALIASES", "Ask for fewer at once.")
