"""The fragments of a document: what is short to write and long when it is expanded."""

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode

from app.protection.limits import over
from app.protection.selections import selections


def check(document: DocumentNode, most: int) -> None:
    """Raises TooLargeError. Definitions, spreads and inline fragments count."""
    fragments = sum(isinstance(definition, FragmentDefinitionNode) for definition in document.definitions)
    fragments += sum(not isinstance(node, FieldNode) for node in selections(document))
    if fragments > most:
        raise over(
            f"The document has {fragments:,} fragments and spreads",
            most,
            "MAX_FRAGMENTS",
            "Write out the small ones.",
        )
