"""How deep fields are nested in each other, fragments expanded."""

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, SelectionSetNode

from app.protection.limits import over


def check_depth(document: DocumentNode, most: int) -> None:
    """Raises TooLargeError. A leaf of the root has depth 1; fragments add nothing of their own."""
    nesting = _Nesting(document)
    sets = [getattr(definition, "selection_set", None) for definition in document.definitions]
    deepest = max((nesting.of(selected) for selected in sets if selected), default=0)
    if deepest > most:
        raise over(
            f"The operation is nested {deepest:,} fields deep", most, "MAX_DEPTH", "Ask for less at once."
        )


class _Nesting:
    """Each fragment is measured once. One that spreads itself, which validation refuses, adds nothing."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            d.name.value: d.selection_set
            for d in document.definitions
            if isinstance(d, FragmentDefinitionNode)
        }
        self._measured: dict[str, int] = {}

    def of(self, selected: SelectionSetNode) -> int:
        deepest, sets = 0, [(selected, 0)]
        while sets:
            within, depth = sets.pop()
            for node in within.selections:
                if isinstance(node, FragmentSpreadNode):
                    deepest = max(deepest, depth + self._of_fragment(node.name.value))
                    continue
                below = depth + isinstance(node, FieldNode)
                deepest = max(deepest, below)
                if node.selection_set:  # type: ignore[attr-defined]
                    sets.append((node.selection_set, below))  # type: ignore[attr-defined]
        return deepest

    def _of_fragment(self, name: str) -> int:
        if name not in self._measured:
            self._measured[name] = 0
            selected = self._fragments.get(name)
            self._measured[name] = self.of(selected) if selected else 0
        return self._measured[name]
