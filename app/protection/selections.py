"""The selections of a document, each once, wherever it is nested."""

from collections.abc import Iterator

from graphql import DocumentNode, FieldNode, InlineFragmentNode, SelectionNode


def selections(document: DocumentNode) -> Iterator[SelectionNode]:
    """Every field, spread and inline fragment as it is written, in no order."""
    sets = [getattr(definition, "selection_set", None) for definition in document.definitions]
    while sets:
        selected = sets.pop()
        for node in selected.selections if selected else ():
            yield node
            if isinstance(node, FieldNode | InlineFragmentNode):
                sets.append(node.selection_set)
