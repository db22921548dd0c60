"""Limits how deeply fields can be nested, with fragments expanded."""

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, SelectionSetNode

from app.protection.too_large import over


def check_depth(document: DocumentNode, limit: int) -> None:
    """Raises TooLargeError if an operation or fragment is nested more deeply than the limit.

    A leaf field at the root has depth 1. A fragment by itself adds no level.
    """
    depths = _Depths(document)
    sets = [getattr(definition, "selection_set", None) for definition in document.definitions]
    deepest = max((depths.of(selected) for selected in sets if selected), default=0)
    if deepest > limit:
        raise over(
            f"The operation is nested {deepest:,} fields deep",
            limit,
            "LECTERN_MAX_DEPTH",
            "Nest fewer fields.",
        )


class _Depths:
    """Measures the depth of selection sets. Each fragment is measured only once.

    Cycles of fragments are not followed, because validation refuses them anyway.
    """

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            d.name.value: d.selection_set
            for d in document.definitions
            if isinstance(d, FragmentDefinitionNode)
        }
        self._measured: dict[str, int] = {}

    def of(self, selected: SelectionSetNode) -> int:
        """Returns the depth of a selection set."""
        deepest, sets = 0, [(selected, 0)]
        while sets:
            within, depth = sets.pop()
            for node in within.selections:
                if isinstance(node, FragmentSpreadNode):
                    deepest = max(deepest, depth + self._of_fragment(node.name.value))
                    continue
                below = depth + isinstance(node, FieldNode)
                deepest = max(deepest, below)
                if node.selection_set:  # type: ignore[attr-defined] # a field or an inline fragment
                    sets.append((node.selection_set, below))  # type: ignore[attr-defined] # likewise
        return deepest

    def _of_fragment(self, name: str) -> int:
        if name not in self._measured:
            self._measured[name] = 0
            selected = self._fragments.get(name)
            self._measured[name] = self.of(selected) if selected else 0
        return self._measured[name]
