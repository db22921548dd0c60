"""Values completed one by one, as graphql-core completes them: for those that a build function can't do.

Errors, their messages and paths, and how null propagates are those of graphql-core's `complete_value`. What
it does object by object is done here only where something is wrong: a list's items are built by a function of
their own, and only those that it raises for are looked at field by field.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLOutputType,
    Undefined,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.pyutils import inspect, is_iterable

from app.execution.compiler import Built, Called, Position, Selection, Typename, Use, Waiting, list_items
from app.execution.runner.failures import Failures, FieldError, Path


class Completion:
    """Completes values of one use, in one run."""

    def __init__(self, use: Use, failures: Failures) -> None:
        self._use, self._failures = use, failures
        self._paths = failures.paths(use.route)
        self._index = {id(below.position): index for index, below in enumerate(use.built.below)}
        self._waiting: Waiting = []

    def of(self, values: Sequence[Any], slots: Sequence[dict[str, Any]]) -> Waiting:
        """Puts the result of each value into its slot; returns what waits. values: their build raised."""
        self._waiting = [([], []) for _ in self._index]
        some = partial(self._build, self._use.built)
        _bisect(values, slots, some, lambda index: self._put(values[index], slots[index]), tried=True)
        return self._waiting

    def _put(self, value: Any, slot: dict[str, Any]) -> None:
        if (outer := self._paths.get(id(slot))) is None or not self._failures.is_alive(outer):
            return  # something above became null
        position, before = self._use.position, self._before()
        path = (*outer, position.key)
        if isinstance(value, Exception):  # not raised: one of a whole batch would carry a frame for each
            self._failures.put(_field_error(value, position, path), path, self._use.route)
            return
        try:
            slot[position.key] = self._completed(position.type, value, position, path)
        except Exception as error:
            self._forget(before)
            self._failures.put(_field_error(error, position, path), path, self._use.route)

    def _build(self, built: Built, values: Sequence[Any], slots: Sequence[Any]) -> bool:
        """Whether a build function could do it."""
        try:
            waiting = built.build(values, slots)
        except Exception:
            return False
        for use, (parents, places) in zip(built.below, waiting, strict=True):
            own = self._waiting[self._index[id(use.position)]]
            own[0].extend(parents)
            own[1].extend(places)
        return True

    def _append(self, built: Built, values: Sequence[Any], slots: Sequence[list[Any]]) -> bool:
        """The same for items, whose slots are all their list."""
        before = len(slots[0])
        done = self._build(built, values, slots)
        if not done:
            del slots[0][before:]
        return done

    def _completed(self, type_: Any, value: Any, position: Position, path: Path) -> Any:
        """The result of a value. Raises what is wrong with it."""
        if isinstance(value, Exception):
            raise value
        if is_non_null_type(type_):
            completed = self._completed(type_.of_type, value, position, path)
            if completed is None:
                raise TypeError(f"Cannot return null for non-nullable field {position.coordinate}.")
            return completed
        if value is None or value is Undefined:
            return None
        if is_list_type(type_):
            return self._list(type_.of_type, value, position, path)
        if is_leaf_type(type_):
            return _leaf(type_, value)
        if is_abstract_type(type_):
            return self._object(_concrete(type_, value, position), value, path)
        return self._object(position.selections[type_.name], value, path)

    def _list(self, type_: GraphQLOutputType, values: Any, position: Position, path: Path) -> list[Any]:
        if not is_iterable(values):
            raise GraphQLError(f"Expected Iterable, but did not find one for field '{position.coordinate}'.")
        items = list(values)
        completed: list[Any] = []

        def one(index: int) -> None:
            completed.append(self._guarded(type_, lambda: items[index], position, (*path, index)))

        if position.selections:
            slots = [completed] * len(items)
            _bisect(items, slots, partial(self._append, self._items(type_, position)), one)
        else:
            for index in range(len(items)):
                one(index)
        return completed

    def _items(self, type_: GraphQLOutputType, position: Position) -> Built:
        kept, key = self._use.items, (id(position), id(type_))
        if key not in kept:
            kept[key] = list_items(self._use, position, type_)
        return kept[key]

    def _object(self, selection: Selection, document: Any, path: Path) -> dict[str, Any]:
        kind: Any = selection.type
        if kind.is_type_of and not kind.is_type_of(document, None):
            raise GraphQLError(f"Expected value of type '{kind}' but got: {inspect(document)}.")
        completed: dict[str, Any] = {}
        for inner in selection.positions:
            completed[inner.key] = self._field(inner, document, completed, (*path, inner.key))
        return completed

    def _field(self, position: Position, document: Any, slot: dict[str, Any], path: Path) -> Any:
        source = position.source
        if isinstance(source, Typename):
            return position.parent_type
        if isinstance(source, Called):
            parents, slots = self._waiting[self._index[id(position)]]
            parents.append(document)
            slots.append(slot)
            return None
        return self._guarded(position.type, lambda: source.value(document), position, path)

    def _guarded(
        self, type_: GraphQLOutputType, value: Callable[[], Any], position: Position, path: Path
    ) -> Any:
        """The result of a field or an item, or null where it fails and may be null."""
        before = self._before() if position.selections else ()
        try:
            return self._completed(type_, value(), position, path)
        except Exception as error:
            if not is_non_null_type(type_):
                self._forget(before)
                self._failures.add(_field_error(error, position, path))
                return None
            if isinstance(error, FieldError):
                raise
            raise FieldError(error, position.nodes, path) from error

    def _before(self) -> Sequence[int]:
        """How many wait for each use."""
        return [len(parents) for parents, _ in self._waiting]

    def _forget(self, before: Iterable[int]) -> None:
        """Those that came to wait within what became null."""
        for (parents, slots), number in zip(self._waiting, before, strict=False):
            del parents[number:], slots[number:]


def _bisect(
    values: Sequence[Any],
    slots: Sequence[Any],
    some: Callable[[Sequence[Any], Sequence[Any]], bool],
    one: Callable[[int], None],
    *,
    tried: bool = False,
) -> None:
    """Does as many values at once as can be done at once, and all in their order.

    some: does values, and tells whether it could. one: does the value at an index, which `some` could not.
    tried: whether `some` could not do all of them.
    """
    to_do = [(0, len(values), tried)] if values else []
    while to_do:
        start, end, failed = to_do.pop()
        untried = not failed and not isinstance(values[start], Exception)
        if untried and some(values[start:end], slots[start:end]):
            continue
        if end - start == 1:
            one(start)
        else:
            middle = (start + end) // 2
            to_do += [(middle, end, False), (start, middle, False)]


def _field_error(error: Exception, position: Position, path: Path) -> FieldError:
    return error if isinstance(error, FieldError) else FieldError(error, position.nodes, path)


def _leaf(type_: Any, value: Any) -> Any:
    coerced = type_.coerce_output_value(value)
    if coerced is None or coerced is Undefined:
        raise TypeError(
            f"Expected `{inspect(type_)}.coerce_output_value({inspect(value)})` "
            f"to return non-nullable value, returned: {inspect(coerced)}"
        )
    return coerced


def _concrete(type_: Any, value: Any, position: Position) -> Selection:
    """What is selected on an object of an abstract type."""
    name = type_.resolve_type(value, None, type_)
    if name not in position.selections:
        raise GraphQLError(
            f"Abstract type '{type_}' was resolved to '{name}', "
            f"which is not a possible type for field '{position.coordinate}'."
        )
    return position.selections[name]
