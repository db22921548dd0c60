"""A graph of courses and their prerequisites, to find cycles of prerequisites."""

from array import array
from collections.abc import Hashable, Iterable, Sequence

from loaders.transfer.seen_keys import Seen


class CourseGraph:
    """A graph with an edge from each course to each of its prerequisites.

    Courses are stored as numbers. A course takes 32 to 64 bytes, and a prerequisite takes 20 bytes. Call
    `find_cycles` after the last `add`, and before `leads_back`.
    """

    def __init__(self) -> None:
        self._numbers = Seen()
        self._count = 0
        self._has_edges = Seen()
        self._courses, self._prerequisites = array("I"), array("I")
        self._components: Sequence[int] = ()

    def add(self, course: Hashable, prerequisites: Iterable[Hashable]) -> None:
        """Adds all prerequisites of a course."""
        number = self._number(course)
        self._has_edges.add(course, 1)
        for prerequisite in prerequisites:
            self._courses.append(number)
            self._prerequisites.append(self._number(prerequisite))

    def has(self, course: Hashable) -> bool:
        """Returns whether a course's prerequisites were added."""
        return self._has_edges.row(course) is not None

    def find_cycles(self) -> None:
        self._components = _components(self._count, self._courses, self._prerequisites)

    def leads_back(self, course: Hashable, prerequisite: Hashable) -> bool:
        """Returns whether a prerequisite is the course itself, or requires it, directly or through others.

        Returns False if one of the two was never added.
        """
        first, second = self._numbers.row(course), self._numbers.row(prerequisite)
        if first is None or second is None:
            return False
        return self._components[first - 1] == self._components[second - 1]

    def _number(self, course: Hashable) -> int:
        number = self._numbers.row(course)
        if number is None:
            self._count = number = self._count + 1
            self._numbers.add(course, number)
        return number


def _components(count: int, sources: Sequence[int], targets: Sequence[int]) -> Sequence[int]:
    """Returns the strongly connected component of each node. Nodes are numbered from 1.

    Two nodes are in the same component if each leads to the other. Source: R. Tarjan (1972), "Depth-first
    search and linear graph algorithms", without recursion.
    """
    starts, edges = _by_source(count, sources, targets)
    following = array("I", starts)  # for each node, the index of the next edge to follow
    order, lowest, component = (array("I", bytes(4 * count)) for _ in range(3))
    path, open_nodes, visited = array("I"), array("I"), 0
    for root in range(count):
        if order[root]:
            continue
        path.append(root)
        while path:
            node = path[-1]
            if not order[node]:
                visited += 1
                order[node] = lowest[node] = visited
                open_nodes.append(node)
            if following[node] < starts[node + 1]:
                target = edges[following[node]]
                following[node] += 1
                if not order[target]:
                    path.append(target)
                elif not component[target]:
                    lowest[node] = min(lowest[node], order[target])
                continue
            path.pop()
            if path:
                lowest[path[-1]] = min(lowest[path[-1]], lowest[node])
            if lowest[node] == order[node]:
                _close(node, order[node], open_nodes, component)
    return component


def _close(root: int, name: int, open_nodes: "array[int]", component: "array[int]") -> None:
    """Removes a complete component's nodes from the open nodes, and marks them with the component's name."""
    while True:
        node = open_nodes.pop()
        component[node] = name
        if node == root:
            return


def _by_source(
    count: int, sources: Sequence[int], targets: Sequence[int]
) -> tuple["array[int]", "array[int]"]:
    """Sorts the targets by source. The targets of node n are edges[starts[n] : starts[n + 1]].

    In the result, nodes are numbered from 0.
    """
    starts, edges = array("I", bytes(4 * (count + 1))), array("I", bytes(4 * len(sources)))
    for source in sources:
        starts[source] += 1
    for node in range(count):
        starts[node + 1] += starts[node]
    following = array("I", starts)
    for source, target in zip(sources, targets, strict=True):
        edges[following[source - 1]] = target - 1
        following[source - 1] += 1
    return starts, edges
