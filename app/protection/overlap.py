"""Limits the work of comparing fields that share a response key.

The validation rule OverlappingFieldsCanBeMerged compares such fields in pairs, and then the fields selected
within them. This rule is the only part of validation that takes more than linear time. So its steps are
counted beforehand, from the document alone: one for each selection, with fragments expanded, and one for each
pair of fields with equal keys.
"""

from collections.abc import Iterable

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    SelectionSetNode,
)

from app.protection.too_large import over


def check_overlap(document: DocumentNode, limit: int) -> None:
    """Raises TooLargeError if comparing overlapping fields of the document would take too many steps.

    The document must have no fragment cycle (app.protection.fragments.have_cycle).
    """
    work = _Work(document, limit)
    for definition in document.definitions:
        if selected := getattr(definition, "selection_set", None):
            work.compare([selected])


class _Work:
    """Counts the steps that OverlappingFieldsCanBeMerged would take."""

    def __init__(self, document: DocumentNode, limit: int) -> None:
        self._fragments = {
            d.name.value: d.selection_set
            for d in document.definitions
            if isinstance(d, FragmentDefinitionNode)
        }
        self._limit = self._left = limit

    def compare(self, sets: list[SelectionSetNode]) -> None:
        """Counts the steps needed to merge the given selection sets and those nested in them."""
        for nodes in self._by_key(sets).values():
            self._spend(len(nodes) * (len(nodes) - 1) // 2)
            if below := [node.selection_set for node in nodes if node.selection_set]:
                self.compare(below)

    def _by_key(self, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """Returns the fields in the selection sets, grouped by response key. Expands each fragment once."""
        by_key: dict[str, list[FieldNode]] = {}
        expanded, todo = set(), list(sets)
        while todo:
            selections = todo.pop().selections
            self._spend(len(selections))
            for node in selections:
                if isinstance(node, FieldNode):
                    by_key.setdefault((node.alias or node.name).value, []).append(node)
                elif not isinstance(node, FragmentSpreadNode):
                    todo.append(node.selection_set)  # type: ignore[attr-defined] # inline fragment
                elif (name := node.name.value) not in expanded and name in self._fragments:
                    expanded.add(name)
                    todo.append(self._fragments[name])
        return by_key

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise over(
                f"Checking whether the fields can be merged takes more than {self._limit:,} steps",
                self._limit,
                "LECTERN_MAX_OVERLAP",
                "Repeat fewer fields and fragments.",
            )
