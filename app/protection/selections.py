"""The selections of a document, each once, wherever it is nested."""

from collections.abc import Iterable, Iterator

from graphql import DocumentNode, FieldNode, InlineFragmentNode, SelectionNode, SelectionSetNode


def all_selections(document: DocumentNode) -> Iterator[SelectionNode]:
    """Every field, spread and inline fragment as it is written, in no order."""
    sets = (getattr(definition, "selection_set", None) for definition in document.definitions)
    return below(selected for selected in sets if selected)


def below(sets: Iterable[SelectionSetNode]) -> Iterator[SelectionNode]:
    """The same, of some selection sets and all that are nested in them."""
    left = list(sets)
    while left:
        for node in left.pop().selections:
            yield node
            if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
                left.append(node.selection_set)
