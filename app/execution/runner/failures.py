"""What goes wrong in a run: the errors of the answer, and the nulls in its data."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from graphql import FieldNode
from graphql.error import located_error

from app import errors
from app.execution.compiler import Route

#: Keys of objects and indices of lists, from the data to a place in it.
Path: TypeAlias = tuple[str | int, ...]


class FieldError(Exception):
    """A field's error on its way up to the next place that may be null. nodes, path: of the field."""

    def __init__(self, cause: Exception, nodes: Sequence[FieldNode], path: Path) -> None:
        super().__init__()
        self.cause, self.nodes, self.path = cause, nodes, path


class Failures:
    """The data of an answer with its errors, in the order in which they happen.

    data: None once null has propagated to the top. pruned: whether results were taken out of it that others
    may still be made for.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.data: dict[str, Any] | None = data
        self.pruned = False
        self._errors: list[dict[str, Any]] = []
        self._told: dict[tuple[int, int], tuple[FieldError, dict[str, Any]]] = {}

    def payload(self) -> dict[str, Any]:
        """The response."""
        return {"errors": self._errors, "data": self.data} if self._errors else {"data": self.data}

    def forget(self) -> None:
        """At the end of the run: errors hold its frames, which hold the errors and what was fetched."""
        self._told.clear()

    def add(self, error: FieldError) -> None:
        """An error whose place became null. A call that failed for many places is logged once."""
        key = (id(error.cause), id(error.nodes))
        if key in self._told:
            _, told = self._told[key]
            self._errors.append({**told, "path": list(error.path)})
            return
        told = errors.field_error(located_error(error.cause, error.nodes, list(error.path)))
        self._told[key] = (error, told)  # with the error, so that no other gets its identity
        self._errors.append(told)

    def put(self, error: FieldError, path: Path, route: Route) -> None:
        """An error of a use's place: null is put there, or into the next place above that may be null.

        path, route: to the place of the use.
        """
        above = [index for index, step in enumerate(route) if step.nullable]
        if not above:
            self.data = None
        else:
            *outer, key = path[: above[-1] + 1]
            self._at(outer)[key] = None
        self.pruned |= not above or above[-1] + 1 < len(path)
        self.add(error)

    def is_alive(self, path: Path) -> bool:
        """Whether the object that was at a path is still part of the data."""
        return self._at(path) is not None

    def _at(self, path: Sequence[str | int]) -> Any:
        place: Any = self.data
        for key in path:
            if place is None:
                return None
            place = place[key]
        return place

    def paths(self, route: Route) -> dict[int, Path]:
        """The path of each object that a use has a place in, by its identity."""
        return {id(slot): path for path, slot in self._places(route[:-1])}

    def _places(self, route: Route) -> Iterator[tuple[Path, Any]]:
        places: list[tuple[Path, Any]] = [((), self.data)] if self.data is not None else []
        for key, _ in route:
            if key is None:
                places = [((*path, i), v) for path, list_ in places for i, v in enumerate(list_)]
            else:
                places = [((*path, key), outer.get(key)) for path, outer in places]
            places = [place for place in places if place[1] is not None]
        return iter(places)
