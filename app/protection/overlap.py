"""How much work it is to compare the fields that share a response key.

The rule OverlappingFieldsCanBeMerged compares such fields in pairs, and those selected within them again. It
is the only part of validation that is more than linear in the text, so its work is counted beforehand, by
the text alone: as many steps as there are selections once fragments are expanded, and pairs of equal keys.
"""

from collections.abc import Iterable

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    SelectionSetNode,
)

from app.protection.limits import over


def check_overlap(document: DocumentNode, most: int) -> None:
    """Raises TooLargeError as soon as the work is more. No fragment may spread itself."""
    work = _Work(document, most)
    for definition in document.definitions:
        if selected := getattr(definition, "selection_set", None):
            work.compare([selected])


class _Work:
    def __init__(self, document: DocumentNode, most: int) -> None:
        self._fragments = {
            d.name.value: d.selection_set
            for d in document.definitions
            if isinstance(d, FragmentDefinitionNode)
        }
        self._most = self._left = most

    def compare(self, sets: list[SelectionSetNode]) -> None:
        """Counts what it takes to merge selection sets, and those below them."""
        for nodes in self._by_key(sets).values():
            self._spend(len(nodes) * (len(nodes) - 1) // 2)
            if below := [node.selection_set for node in nodes if node.selection_set]:
                self.compare(below)

    def _by_key(self, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields of merged sets by response key; a fragment is spread once."""
        found: dict[str, list[FieldNode]] = {}
        seen, todo = set(), list(sets)
        while todo:
            selections = todo.pop().selections
            self._spend(len(selections))
            for node in selections:
                if isinstance(node, FieldNode):
                    found.setdefault((node.alias or node.name).value, []).append(node)
                elif not isinstance(node, FragmentSpreadNode):
                    todo.append(node.selection_set)  # type: ignore[attr-defined]
                elif (name := node.name.value) not in seen and name in self._fragments:
                    seen.add(name)
                    todo.append(self._fragments[name])
        return found

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise over(
                f"It takes more than {self._most:,} steps to see which fields of the operation are one",
                self._most,
                "MAX_OVERLAP",
                "Repeat fewer fields and fragments.",
            )
