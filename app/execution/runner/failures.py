"""Collects the errors of a response, and puts null into its data where they occurred."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from graphql import FieldNode
from graphql.error import located_error

from app import errors
from app.execution.compiler import ResultObject, Route
from app.execution.operation import JsonObject

#: Object keys and list indices that lead from the top of the response's `data` to a place within it.
Path: TypeAlias = tuple[str | int, ...]

_Slot: TypeAlias = Any  # the value at a path: an object, a list or a leaf


class FieldError(Exception):
    """A field's error, while it propagates up to the nearest field or list element that can be null.

    nodes: the document nodes that select the field. path: the field's path in the response.
    """

    def __init__(self, cause: Exception, nodes: Sequence[FieldNode], path: Path) -> None:
        super().__init__()
        self.cause, self.nodes, self.path = cause, nodes, path


class Failures:
    """The data and errors of a response. Errors are in the order in which they happen.

    data: None once null has propagated to the top. pruned: whether parts of the data were removed, so that
    calls might still be running for objects that are no longer in the response.
    """

    def __init__(self, data: ResultObject) -> None:
        self.data: ResultObject | None = data
        self.pruned = False
        self._errors: list[errors.ErrorDict] = []
        self._formatted: dict[tuple[int, int], tuple[FieldError, errors.ErrorDict]] = {}

    def payload(self) -> JsonObject:
        """Returns the response: its data, and its errors if there are any."""
        return {"errors": self._errors, "data": self.data} if self._errors else {"data": self.data}

    def forget(self) -> None:
        """Drops the exceptions when the run ends.

        Their tracebacks refer to the run's frames, which refer back to the exceptions. These reference cycles
        would keep the fetched documents in memory.
        """
        self._formatted.clear()

    def add(self, error: FieldError) -> None:
        """Adds an error without changing the data.

        If several values of a selected field share one exception, it is logged only once.
        """
        key = (id(error.cause), id(error.nodes))
        if key in self._formatted:
            _, formatted = self._formatted[key]
            self._errors.append({**formatted, "path": list(error.path)})
            return
        formatted = errors.field_error(located_error(error.cause, error.nodes, list(error.path)))
        self._formatted[key] = (error, formatted)  # keeps the error alive, so that its id() isn't reused
        self._errors.append(formatted)

    def put(self, error: FieldError, path: Path, route: Route) -> None:
        """Adds an error, and puts null where it occurred.

        If the value there can't be null, the nearest parent that can be null is replaced with null instead.

        path: the response path at which the error occurred. route: the steps of this path. A step says
        whether the value there can be null.
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
        """Returns whether the object at a path is still in the response. If not, null has replaced it."""
        return self._at(path) is not None

    def _at(self, path: Sequence[str | int]) -> _Slot:
        slot: _Slot = self.data
        for key in path:
            if slot is None:
                return None
            slot = slot[key]
        return slot

    def paths(self, route: Route) -> dict[int, Path]:
        """Returns the paths of all objects that contain a given field, keyed by the objects' id().

        route: the steps to the field.
        """
        return {id(slot): path for path, slot in self._places(route[:-1])}

    def _places(self, route: Route) -> Iterator[tuple[Path, _Slot]]:
        places: list[tuple[Path, _Slot]] = [((), self.data)] if self.data is not None else []
        for key, _ in route:
            if key is None:
                places = [((*path, i), v) for path, list_ in places for i, v in enumerate(list_)]
            else:
                places = [((*path, key), outer.get(key)) for path, outer in places]
            places = [place for place in places if place[1] is not None]
        return iter(places)
