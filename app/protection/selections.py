"""Iterates over the selections of a document, at any depth."""

from collections.abc import Iterable, Iterator

from graphql import DocumentNode, FieldNode, InlineFragmentNode, SelectionNode, SelectionSetNode


def all_selections(document: DocumentNode) -> Iterator[SelectionNode]:
    """Yields every field, spread and inline fragment of a document once, in no particular order."""
    sets = (getattr(definition, "selection_set", None) for definition in document.definitions)
    return below(selected for selected in sets if selected)


def below(sets: Iterable[SelectionSetNode]) -> Iterator[SelectionNode]:
    """Yields every selection in the given selection sets, at any depth, in no particular order."""
    pending = list(sets)
    while pending:
        for node in pending.pop().selections:
            yield node
            if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
                pending.append(node.selection_set)
